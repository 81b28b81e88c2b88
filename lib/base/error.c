#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Put as much of text behind msg as there is room for. */
static void append(struct error *err, const char *text)
{
	size_t at = strlen(err->msg);
	size_t room = sizeof(err->msg) - 1 - at;
	size_t n = strlen(text);

	n = n > room ? room : n;
	memcpy(err->msg + at, text, n);
	err->msg[at + n] = '\0';
}

/* The text is made aside, since its arguments may lie in err itself. */
static int error_fill(
    struct error *err, enum errc code, int sys, const char *fmt, va_list args)
{
	struct error made = {.code = code, .sys = sys};

	if (!err)
		return -1;
	(void)vsnprintf(made.msg, sizeof(made.msg), fmt, args);
	if (sys != 0) {
		append(&made, ": ");
		append(&made, strerror(sys));
	}
	*err = made;
	return -1;
}

int error_set(struct error *err, enum errc code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	error_fill(err, code, 0, fmt, args);
	va_end(args);
	return -1;
}

int error_sys(struct error *err, const char *fmt, ...)
{
	int sys = errno;
	va_list args;

	va_start(args, fmt);
	error_fill(err, ERR_SYSTEM, sys, fmt, args);
	va_end(args);
	return -1;
}

int error_wrap(struct error *err, const char *fmt, ...)
{
	struct error outer = {0};
	va_list args;

	if (!err)
		return -1;
	va_start(args, fmt);
	error_fill(&outer, err->code, 0, fmt, args);
	va_end(args);
	append(&outer, ": ");
	append(&outer, err->msg);
	outer.sys = err->sys;
	*err = outer;
	return -1;
}
