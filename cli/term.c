#include "term.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"

/* What a signal handler and atexit must reach: the terminal as it was. */
static struct {
	struct termios mode;
	int fd;
	volatile sig_atomic_t changed;
} saved = {.fd = -1};

void term_restore(void)
{
	if (!saved.changed)
		return;
	saved.changed = 0;
	(void)tcsetattr(saved.fd, TCSADRAIN, &saved.mode);
}

static void on_signal(int signo)
{
	term_restore();
	(void)signal(signo, SIG_DFL);
	(void)raise(signo);
}

/* Change the terminal's mode so that it is surely changed back. */
static int change(int fd, void (*edit)(struct termios *mode), struct error *err)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	static bool hooked;
	struct termios mode;

	if (tcgetattr(fd, &mode) == -1)
		return error_sys(err, "read the terminal's mode");
	saved.mode = mode;
	saved.fd = fd;
	for (size_t i = 0; !hooked && i < sizeof(signals) / sizeof(int); i++)
		(void)signal(signals[i], on_signal);
	if (!hooked)
		(void)atexit(term_restore);
	hooked = true;
	edit(&mode);
	saved.changed = 1;
	if (tcsetattr(fd, TCSAFLUSH, &mode) == -1)
		return error_sys(err, "set the terminal's mode");
	return 0;
}

int term_raw(int fd, struct error *err)
{
	return change(fd, cfmakeraw, err);
}

static void no_echo(struct termios *mode)
{
	mode->c_lflag &= ~(tcflag_t)ECHO;
}

/* One line of fd without its newline; false at the end or when too long. */
static bool read_line(int fd, char *out, size_t n)
{
	size_t len = 0;
	char c;

	for (;;) {
		ssize_t got = read(fd, &c, 1);

		if (got == -1 && errno == EINTR)
			continue;
		if (got != 1 || c == '\n')
			break;
		if (len + 1 == n)
			return false;
		out[len++] = c;
	}
	if (len && out[len - 1] == '\r')
		len--;
	out[len] = '\0';
	return len > 0 || c == '\n';
}

static bool ask(const char *question, bool secret, char *out, size_t n)
{
	scoped_fd int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	bool got;

	if (fd == -1)
		return false;
	(void)fd_write_all(fd, str_z(question), NULL);
	if (secret && change(fd, no_echo, NULL) == -1)
		return false;
	got = read_line(fd, out, n);
	if (secret) {
		term_restore();
		(void)fd_write_all(fd, STR("\n"), NULL);
	}
	return got;
}

bool term_ask(const char *question, char *out, size_t n)
{
	return ask(question, false, out, n);
}

bool term_ask_secret(const char *question, char *out, size_t n)
{
	return ask(question, true, out, n);
}

struct term_size term_size(int fd)
{
	struct winsize w = {0};

	if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &w) == -1)
		return (struct term_size){0};
	return (struct term_size){w.ws_row, w.ws_col};
}
