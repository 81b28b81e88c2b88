#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* One write a line, so that no other process's line gets into it. */
static void line(const char *mark, const char *fmt, va_list args)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "%s", mark);

	n += vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, args);
	if (n > (int)sizeof(text) - 2)
		n = (int)sizeof(text) - 2;
	text[n++] = '\n';
	(void)!write(STDOUT_FILENO, text, (size_t)n);
}

void say_step(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line("-----> ", fmt, args);
	va_end(args);
}

void say_info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line("       ", fmt, args);
	va_end(args);
}

void say_wrong(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line(" !     ", fmt, args);
	va_end(args);
}
