/*
 * syslog - a log line as drains get it, as Logplex writes it.
 *
 * Pure. "LEN <PRI>1 TIME HOST APPNAME PROCID - - TEXT\n" down a syslog stream
 * (HOST is the drain's token; LEN counts what follows its space). Over HTTP
 * HOST is "host" and the second "-" is missing, as Logplex has it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "line.h"

/* Append the message; at most SYSLOG_ROOM(text.len) bytes. */
#define SYSLOG_ROOM(len) (512 + 3 * (len))
void syslog_put(struct buf *out, bool http, const char *token, uint64_t time_us,
    struct origin o, struct str text, bool cut);
/* Facility and severity of what comes from there, as Heroku's. */
unsigned syslog_priority(struct origin o);
