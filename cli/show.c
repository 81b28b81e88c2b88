#include "show.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"

#define GAP 2 /* columns between two cells */
#define FACT_WIDTH 14

static void clean(char *text)
{
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
}

/* Columns on the screen. */
static size_t width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

void table_add(struct table *t, const char *text)
{
	if ((t->n & (t->n + 1)) == 0)
		t->cells =
		    xrealloc(t->cells, 2 * (t->n + 1) * sizeof(*t->cells));
	t->cells[t->n] = xstrdup(text);
	clean(t->cells[t->n++]);
}

void table_addf(struct table *t, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	table_add(t, text);
}

static void print_row(
    const struct table *t, const char *const *cells, const size_t *widths)
{
	for (size_t c = 0; c < t->columns; c++) {
		size_t pad = widths[c] - width(cells[c]) + GAP;

		fputs(cells[c], stdout);
		if (c + 1 < t->columns)
			printf("%*s", (int)pad, "");
	}
	putchar('\n');
}

void table_print(struct table *t, const char *none)
{
	size_t widths[TABLE_COLUMNS_MAX] = {0};

	if (!t->n) {
		puts(none);
		return;
	}
	for (size_t c = 0; c < t->columns; c++)
		widths[c] = width(t->heads[c]);
	for (size_t i = 0; i < t->n; i++)
		if (width(t->cells[i]) > widths[i % t->columns])
			widths[i % t->columns] = width(t->cells[i]);
	print_row(t, t->heads, widths);
	for (size_t i = 0; i + t->columns <= t->n; i += t->columns)
		print_row(t, (const char *const *)&t->cells[i], widths);
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	t->cells = NULL;
	t->n = 0;
}

void show_fact(const char *name, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	clean(text);
	printf("%-*s%s\n", FACT_WIDTH, name, text);
}

void show_line(const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	clean(text);
	puts(text);
}

void show_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	putchar('\n');
}

/* "3m": the greatest unit that fits into so many seconds, at least 1. */
static void put_duration(long seconds, const char *behind, char out[32])
{
	static const struct {
		long seconds;
		const char *unit;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};

	for (size_t i = 0; i < NELEM(units); i++)
		if (seconds >= units[i].seconds) {
			snprintf(out, 32, "%ld%s%s", seconds / units[i].seconds,
			    units[i].unit, behind);
			return;
		}
}

const char *show_ago(const char *rfc3339, char out[32])
{
	struct tm tm = {0};
	long ago;

	out[0] = '\0';
	if (!strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &tm))
		return out;
	ago = (long)(time(NULL) - timegm(&tm));
	if (ago < 1)
		snprintf(out, 32, "just now");
	else
		put_duration(ago, " ago", out);
	return out;
}

const char *show_in(const char *rfc3339, char out[32])
{
	struct tm tm = {0};
	long in;

	out[0] = '\0';
	if (!strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &tm))
		return out;
	in = (long)(timegm(&tm) - time(NULL));
	if (in >= 1)
		put_duration(in, "", out);
	return out;
}
