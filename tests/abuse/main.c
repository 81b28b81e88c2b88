/*
 * abuse - runs checks in an instance: `abuse AREA|NAME... [KEY=VALUE]...`
 *
 * `abuse --clock` tells the monotonic clock in ns as its first act, for the
 * bench. Prints a line for each: "ok NAME", "BAD NAME: what worked", or "none
 * NAME: why it does not apply". The keys (see network.c, files.c) name what the
 * host really has, so that nothing passes because there was nothing to reach.
 */
#include "abuse.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK_SECONDS 120

enum { EXIT_OK, EXIT_BAD = 10, EXIT_NONE };

static const struct check *const areas[] = {identity_checks, files_checks,
    escape_checks, call_checks, network_checks, load_checks};

static char **arguments;
static const char *current;
static bool was_bad;

static void say(const char *what, const char *fmt, va_list args)
{
	printf("%s %s: ", what, current);
	vprintf(fmt, args);
	putchar('\n');
	fflush(stdout);
}

void bad(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say("BAD", fmt, args);
	va_end(args);
	was_bad = true;
}

void none(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say("none", fmt, args);
	va_end(args);
	_exit(EXIT_NONE);
}

void broken(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say("BAD", fmt, args);
	va_end(args);
	_exit(EXIT_BAD);
}

const char *given(const char *key, int *pos)
{
	size_t n = strlen(key);

	while (arguments[*pos]) {
		const char *arg = arguments[(*pos)++];

		if (strncmp(arg, key, n) == 0 && arg[n] == '=')
			return arg + n + 1;
	}
	return NULL;
}

bool slurp(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd == -1 ? -1 : read(fd, out, size - 1);

	if (fd != -1)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	return n >= 0;
}

bool can_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char byte;
	ssize_t n = fd == -1 ? -1 : read(fd, &byte, 1);

	if (fd != -1)
		close(fd);
	return n == 1;
}

bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd != -1)
		close(fd);
	return fd != -1;
}

bool status_line(const char *name, char *out, size_t size)
{
	char text[8192], *at;
	size_t n = strlen(name);

	if (!slurp("/proc/self/status", text, sizeof(text)))
		return false;
	for (at = text; at; at = strchr(at, '\n'), at = at ? at + 1 : NULL) {
		if (strncmp(at, name, n) != 0 || at[n] != ':')
			continue;
		at += n + 1 + strspn(at + n + 1, " \t");
		snprintf(out, size, "%.*s", (int)strcspn(at, "\n"), at);
		return true;
	}
	return false;
}

void must_fail(long result, const char *what)
{
	if (result != -1)
		bad("%s", what);
	else if (errno != EPERM && errno != EACCES && errno != ENOSYS &&
	         errno != EROFS && errno != ENOENT && errno != ENODEV &&
	         errno != EAFNOSUPPORT)
		bad("%s is let through: %s", what, strerror(errno));
}

static void run(const struct check *c)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	current = c->name;
	pid = fork();
	if (pid == 0) {
		alarm(CHECK_SECONDS);
		c->fn();
		_exit(was_bad ? EXIT_BAD : EXIT_OK);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1) {
		printf("BAD %s: it could not be run\n", c->name);
		return;
	}
	/* Killed for what it ate or called is contained; a crash is not. */
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL &&
	    WTERMSIG(status) != SIGSYS)
		printf("BAD %s: the check died of signal %d\n", c->name,
		    WTERMSIG(status));
	else if (WIFSIGNALED(status) || WEXITSTATUS(status) == EXIT_OK)
		printf("ok %s\n", c->name);
}

static bool chosen(const struct check *c)
{
	for (char **a = arguments; *a; a++)
		if (strcmp(*a, c->area) == 0 || strcmp(*a, c->name) == 0)
			return true;
	return false;
}

static int tell_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("clock %lld\n", now.tv_sec * 1000000000ll + now.tv_nsec);
	return 0;
}

static void list(void)
{
	for (size_t i = 0; i < sizeof(areas) / sizeof(areas[0]); i++)
		for (const struct check *c = areas[i]; c->name; c++)
			printf("%s %s\n", c->area, c->name);
}

int main(int argc, char **argv)
{
	arguments = argv + 1;
	if (argc == 2 && strcmp(argv[1], "--clock") == 0)
		return tell_clock();
	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		list();
		return 0;
	}
	for (size_t i = 0; i < sizeof(areas) / sizeof(areas[0]); i++)
		for (const struct check *c = areas[i]; c->name; c++)
			if (chosen(c))
				run(c);
	puts("tried");
	return 0;
}
