#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static struct {
	char program[32];
	enum log_level level;
} state = {"paas", LOG_LEVEL_INFO};

void log_open(const char *program, enum log_level level)
{
	(void)snprintf(state.program, sizeof(state.program), "%s", program);
	state.level = level;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	char line[2048];
	va_list args;
	size_t head, len;

	if (level > state.level)
		return;
	head = (size_t)snprintf(line, sizeof(line),
	    "%s[%d]: %s: ", state.program, (int)getpid(), names[level]);
	va_start(args, fmt);
	(void)vsnprintf(line + head, sizeof(line) - head - 1, fmt, args);
	va_end(args);
	len = head + strlen(line + head);
	for (size_t i = head; i < len; i++)
		if ((unsigned char)line[i] < ' ')
			line[i] = ' '; /* one event, one line */
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) == -1)
		return; /* there is nobody to tell */
}

#define QUOTE_MAX 200

struct log_quoted log_quote_(struct str s)
{
	static const char digits[] = "0123456789abcdef";
	struct log_quoted q = {.text = ""};
	char *o = q.text;
	size_t n = s.len > QUOTE_MAX ? QUOTE_MAX : s.len;

	*o++ = '"';
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\n' || c == '"' || c == '\\') {
			*o++ = '\\';
			*o++ = c == '\n' ? 'n' : (char)c;
		} else if (c < ' ' || c > '~') {
			*o++ = '\\';
			*o++ = 'x';
			*o++ = digits[c >> 4];
			*o++ = digits[c & 15];
		} else {
			*o++ = (char)c;
		}
	}
	*o++ = '"';
	memcpy(o, n < s.len ? "..." : "", n < s.len ? 4 : 1);
	return q;
}
