/*
 * toml_int - what the two halves of the TOML parser share: toml.c knows
 * tables and arrays, toml_lex.c characters, strings, keys, numbers, dates.
 */
#pragma once
#include "base/map.h"
#include "wire/toml.h"

struct block;

struct toml_doc {
	struct toml *root;
	struct block *blocks;
	unsigned nodes;
	char *mem; /* decoded strings: never longer than the input */
	size_t mem_len, mem_cap;
};

struct parser {
	struct toml_doc *doc;
	struct map *index; /* table id and key -> node */
	struct buf scratch;
	struct str in;
	size_t at;
	unsigned line;
	struct error *err;
};

/* "line N: WHAT" into the parser's error; -1. */
int toml_fail(struct parser *p, const char *what);

/* The byte that is ahead bytes on, -1 behind the end. */
int toml_peek(const struct parser *p, size_t ahead);
bool toml_accept(struct parser *p, char c);
bool toml_looking_at(const struct parser *p, const char *z);
void toml_skip_blanks(struct parser *p);
int toml_skip_lines(struct parser *p); /* blanks, comments, line ends */
int toml_end_of_line(struct parser *p);

int toml_string(struct parser *p, struct str *ret);
int toml_key(struct parser *p, struct str *ret);
/* Is there a further part of a dotted key? Takes its dot. */
bool toml_key_goes_on(struct parser *p);
/* A number, a date or a word, into n. */
int toml_scalar(struct parser *p, struct toml *n);

bool toml_is_bare(int c);    /* may stand in a key without quotes */
bool toml_is_control(int c); /* may not stand in a string */
int toml_check_utf8(struct str text, struct error *err);
