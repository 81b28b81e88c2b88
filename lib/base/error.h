/*
 * error - a failure as a value: a code to branch on and the whole story.
 *
 * Owns nothing and has no pointer in it, so it crosses a socket as it is.
 * A function that can fail takes `struct error *err` last, returns -1 and
 * writes err on failure only. Used by everything.
 */
#pragma once
#include <stddef.h>

enum errc {
	ERR_NONE,
	ERR_INVALID,      /* the input is malformed or breaks a rule */
	ERR_NOT_FOUND,    /* the thing named does not exist */
	ERR_EXISTS,       /* the name is taken, or the work is under way */
	ERR_UNAUTHORIZED, /* no or wrong credentials */
	ERR_FORBIDDEN,    /* known, but not allowed */
	ERR_LIMIT,        /* a named limit was passed */
	ERR_UNAVAILABLE,  /* a peer is away; try again */
	ERR_SYSTEM,       /* the operating system said no; see sys */
	ERR_INTERNAL,     /* we broke a promise */
	ERR_N
};

struct error {
	enum errc code;
	int sys;       /* errno of that moment, 0 when there was none */
	char msg[240]; /* the whole story, outermost context first */
};

/* Set err (which may be NULL) to code and text. Returns -1. */
int error_set(struct error *err, enum errc code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with ERR_SYSTEM, errno and ": " strerror(errno) behind the text. */
int error_sys(struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Put text and ": " in front of what err says already. Returns -1. */
int error_wrap(struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
