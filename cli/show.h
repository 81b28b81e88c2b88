/*
 * show - what commands print: tables, facts, times.
 *
 * Text from the server is printed without control characters.
 */
#pragma once
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#define TABLE_COLUMNS_MAX 8

struct table {
	size_t columns;
	const char *heads[TABLE_COLUMNS_MAX];
	char **cells; /* rows of `columns` cells */
	size_t n;     /* cells */
};

/* A table with these column heads; at the end table_print. */
#define TABLE(...)                                                             \
	{                                                                      \
		.heads = {__VA_ARGS__},                                        \
		.columns =                                                     \
		    sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)     \
	}

/* Add the next cell; its text is copied. */
void table_add(struct table *t, const char *text);
void table_addf(struct table *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Print all and release. Without rows prints `none` alone. */
void table_print(struct table *t, const char *none);

/* "Name:        value" */
void show_fact(const char *name, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void show_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void show_json(const json_t *value);

/* How long ago: "just now", "5m ago", "3d ago" into out, "" for no time. */
const char *show_ago(const char *rfc3339, char out[32]);
/* "12s" until then; "" for a time that is none or has passed */
const char *show_in(const char *rfc3339, char out[32]);
