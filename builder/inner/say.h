/*
 * say - lines of the build's log, on standard output, as Heroku prints them.
 */
#pragma once
#include <stdint.h>

/* "-----> Text": a step begins. */
void say_step(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "       text": a detail of the step. */
void say_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* " !     text": something is wrong. */
void say_wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
