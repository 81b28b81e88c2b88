/*
 * abuse - what a hostile program tries from inside an instance.
 *
 * One function a check. It tries, and calls bad() for each thing that worked;
 * nothing said means contained. Checks run in a process of their own each.
 */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct check {
	const char *area, *name;
	void (*fn)(void);
};

extern const struct check identity_checks[], files_checks[], escape_checks[],
    call_checks[], network_checks[], load_checks[];

/* It worked, and should not have. */
__attribute__((format(printf, 1, 2))) void bad(const char *fmt, ...);
/* It can't be tried here: a check that does not apply says why, and ends. */
__attribute__((format(printf, 1, 2))) _Noreturn void none(const char *fmt, ...);
/* What the check itself needs has failed: it proves nothing, which is bad. */
__attribute__((format(printf, 1, 2))) _Noreturn void broken(
    const char *fmt, ...);

/* The next value of key among the arguments KEY=VALUE, from *pos; or NULL. */
const char *given(const char *key, int *pos);

/* Can a byte of the file be read? What is masked is empty. */
bool can_read(const char *path);
/* The first bytes of a file; false when it can't be read. */
bool slurp(const char *path, char *out, size_t size);
/* May it be opened for writing? It is closed at once, nothing is written. */
bool opens(const char *path, int flags);
/* A line of /proc/self/status without its name. */
bool status_line(const char *name, char *out, size_t size);
/*
 * bad() unless result is -1 and errno says that it is not allowed (or that
 * there is no such call, file or device): EINVAL or EFAULT would mean that it
 * was let through, and stumbled over what it was given.
 */
void must_fail(long result, const char *what);
