/*
 * judge - what an app's answer is to a declared check.
 *
 * Pure; called by watch.c with what has come so far, and by the unit tests.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "wire/check.h"
#include "wire/http1.h"

#define JUDGE_ANSWER_MAX 65536 /* bytes of an answer that are looked at */

/*
 * 1: it passes. -1: it fails, and why says so in words. 0: read on, never
 * when it is over. h is scratch.
 */
int judge_answer(const struct check *c, struct str answer, bool over,
    struct http1_head *h, char *why, size_t size);
