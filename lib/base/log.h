/*
 * log - one event, one line on stderr: what happened, then key=value.
 *
 * Daemons log; libraries return errors. Text from outside goes through
 * log_quote(). The level is the one mutable global of a program.
 */
#pragma once
#include "base/str.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* Set the program's name and level once, in main. */
void log_open(const char *program, enum log_level level);

void log_line(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* s in double quotes with controls, quotes and non-ASCII escaped, cut at 200.
 */
struct log_quoted {
	char text[824];
};
struct log_quoted log_quote_(struct str s);
#define log_quote(s) (log_quote_(s).text)
