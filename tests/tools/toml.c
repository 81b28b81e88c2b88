/* links: builder/inner/convert.c builder/inner/tree.c -ljansson */
/*
 * toml - the TOML reader and writer for the public toml-test suite.
 *
 *   toml decode    TOML on standard input, the suite's tagged JSON out
 *   toml rewrite   TOML in, the same as our writer has it out
 *
 * Exits with 1 and a text on standard error when the input is no TOML.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../builder/inner/convert.h"
#include "base/buf.h"
#include "wire/toml.h"

static void print_text(struct str s)
{
	json_t *text = json_stringn_nocheck(s.p, s.len);
	char *out = json_dumps(text, JSON_ENCODE_ANY);

	fputs(out, stdout);
	free(out);
	json_decref(text);
}

/* Which of the four kinds of date it is. */
static const char *date_kind(struct str s)
{
	bool date = s.len >= 10 && s.p[4] == '-';
	struct str time = date ? str_sub(s, 11, s.len) : s;

	if (!date)
		return "time-local";
	if (time.len == 0)
		return "date-local";
	return str_find(time, '+') != -1 || str_find(time, '-') != -1 ||
	               str_find(time, 'Z') != -1 || str_find(time, 'z') != -1
	           ? "datetime"
	           : "datetime-local";
}

static void print_value(const struct toml *t);

static void print_items(const struct toml *t)
{
	bool table = t->type == TOML_TABLE;

	putchar(table ? '{' : '[');
	toml_each(item, t)
	{
		if (item != t->first)
			putchar(',');
		if (table) {
			print_text(item->key);
			putchar(':');
		}
		print_value(item);
	}
	putchar(table ? '}' : ']');
}

static void print_value(const struct toml *t)
{
	static const char *const kinds[] = {[TOML_STRING] = "string",
	    [TOML_INTEGER] = "integer",
	    [TOML_FLOAT] = "float",
	    [TOML_BOOLEAN] = "bool"};

	if (t->type == TOML_ARRAY || t->type == TOML_TABLE) {
		print_items(t);
		return;
	}
	printf("{\"type\":\"%s\",\"value\":",
	    t->type == TOML_DATETIME ? date_kind(t->text) : kinds[t->type]);
	if (t->type == TOML_INTEGER)
		printf("\"%" PRId64 "\"", t->integer);
	else if (t->type == TOML_FLOAT)
		printf("\"%.17g\"", t->real);
	else if (t->type == TOML_BOOLEAN)
		printf("\"%s\"", t->boolean ? "true" : "false");
	else
		print_text(t->text);
	putchar('}');
}

static int rewrite(const struct toml *root)
{
	scoped_buf struct buf out = BUF_INIT(16u << 20);
	json_t *json = convert_to_json(root);

	convert_table(&out, "", json);
	json_decref(json);
	return out.bad || fwrite(out.p, 1, out.len, stdout) != out.len;
}

int main(int argc, char **argv)
{
	scoped_buf struct buf text = BUF_INIT(TOML_BYTES_MAX);
	scoped_toml struct toml_doc *doc = NULL;
	struct error err = {0};

	if (argc != 2 || buf_read_all(&text, STDIN_FILENO, &err) == -1 ||
	    toml_parse(buf_str(&text), &doc, &err) == -1) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	if (strcmp(argv[1], "rewrite") == 0)
		return rewrite(toml_root(doc));
	print_items(toml_root(doc));
	return 0;
}
