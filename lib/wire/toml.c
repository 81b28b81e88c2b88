#include "wire/toml.h"

#include <stdlib.h>

#include "base/mem.h"
#include "wire/toml_int.h"

/*
 * How a table or array came to be decides what may be added to it later:
 *   IMPLICIT  [a.b] made a; a header [a] may define it, once
 *   HEADER    defined by its own header
 *   DOTTED    a.b = 1 made a; more dotted keys of the same section may add
 *   ELEMENT   one item of an array of tables
 *   CLOSED    an inline table or a static array: nothing may be added
 *   LIST      an array of tables: [[a]] adds an element
 */
enum { IMPLICIT, HEADER, DOTTED, ELEMENT, CLOSED, LIST };

#define BLOCK_NODES 128
struct block {
	struct block *next;
	unsigned used;
	struct toml nodes[BLOCK_NODES];
};

/* --- tree ---------------------------------------------------------------- */

static struct toml *node_new(
    struct parser *p, enum toml_type type, unsigned depth)
{
	struct toml_doc *d = p->doc;
	struct toml *n;

	if (d->nodes >= TOML_NODES_MAX || depth > TOML_DEPTH_MAX) {
		error_set(p->err, ERR_LIMIT, "line %u: %s", p->line,
		    depth > TOML_DEPTH_MAX ? "nested too deep"
		                           : "too many values");
		return NULL;
	}
	if (!d->blocks || d->blocks->used == BLOCK_NODES) {
		struct block *b = xcalloc(1, sizeof(*b));

		b->next = d->blocks;
		d->blocks = b;
	}
	n = &d->blocks->nodes[d->blocks->used++];
	n->type = type;
	n->line = p->line;
	n->depth_ = depth;
	n->id_ = ++d->nodes;
	return n;
}

static void node_append(struct toml *parent, struct toml *n)
{
	if (parent->last)
		parent->last->next = n;
	else
		parent->first = n;
	parent->last = n;
}

static struct str index_key(
    struct parser *p, const struct toml *table, struct str key)
{
	buf_clear(&p->scratch);
	buf_add(&p->scratch, str_make(&table->id_, sizeof(table->id_)));
	buf_add(&p->scratch, key);
	return buf_str(&p->scratch);
}

static struct toml *table_find(
    struct parser *p, const struct toml *table, struct str key)
{
	return map_get(p->index, index_key(p, table, key));
}

static void table_add(
    struct parser *p, struct toml *table, struct str key, struct toml *n)
{
	n->key = key;
	node_append(table, n);
	(void)map_set(p->index, index_key(p, table, key), n);
}

/* --- values -------------------------------------------------------------- */

static struct toml *value(struct parser *p, unsigned depth);
static int key_value(struct parser *p, struct toml *table);

static struct toml *array(struct parser *p, unsigned depth)
{
	struct toml *n = node_new(p, TOML_ARRAY, depth);

	if (!n)
		return NULL;
	n->how_ = CLOSED;
	p->at++;
	for (;;) {
		struct toml *item;

		if (toml_skip_lines(p) == -1)
			return NULL;
		if (toml_accept(p, ']'))
			return n;
		item = value(p, depth + 1);
		if (!item || toml_skip_lines(p) == -1)
			return NULL;
		node_append(n, item);
		if (!toml_accept(p, ',') && toml_peek(p, 0) != ']') {
			toml_fail(p, "an array's items are parted by commas");
			return NULL;
		}
	}
}

/* Nothing may be added to n, nor to what its dotted keys made. */
static void close_tables(struct toml *n)
{
	n->how_ = CLOSED;
	for (struct toml *c = n->first; c; c = c->next)
		if (c->how_ == DOTTED)
			close_tables(c);
}

static struct toml *inline_table(struct parser *p, unsigned depth)
{
	struct toml *n = node_new(p, TOML_TABLE, depth);

	if (!n)
		return NULL;
	n->how_ = DOTTED;
	p->at++;
	toml_skip_blanks(p);
	if (toml_accept(p, '}')) {
		n->how_ = CLOSED;
		return n;
	}
	do {
		toml_skip_blanks(p);
		if (key_value(p, n) == -1)
			return NULL;
		toml_skip_blanks(p);
	} while (toml_accept(p, ','));
	if (!toml_accept(p, '}')) {
		toml_fail(p, "an inline table ends with } on its line");
		return NULL;
	}
	close_tables(n);
	return n;
}

static struct toml *value(struct parser *p, unsigned depth)
{
	struct toml *n;
	int done;

	if (toml_peek(p, 0) == '[')
		return array(p, depth);
	if (toml_peek(p, 0) == '{')
		return inline_table(p, depth);
	n = node_new(p, TOML_STRING, depth);
	if (!n)
		return NULL;
	if (toml_peek(p, 0) == '"' || toml_peek(p, 0) == '\'')
		done = toml_string(p, &n->text);
	else
		done = toml_scalar(p, n);
	return done == -1 ? NULL : n;
}

/* The table that a dotted key's part names, made if it is new. */
static struct toml *step_dotted(
    struct parser *p, struct toml *table, struct str name)
{
	struct toml *n = table_find(p, table, name);

	if (!n) {
		n = node_new(p, TOML_TABLE, table->depth_ + 1);
		if (!n)
			return NULL;
		n->how_ = DOTTED;
		table_add(p, table, name, n);
	} else if (n->type != TOML_TABLE || n->how_ != DOTTED) {
		toml_fail(p, "a dotted key adds to what is defined elsewhere");
		return NULL;
	}
	return n;
}

static int key_value(struct parser *p, struct toml *table)
{
	struct toml *n;
	struct str name;

	if (toml_key(p, &name) == -1)
		return -1;
	while (toml_key_goes_on(p)) {
		table = step_dotted(p, table, name);
		if (!table || toml_key(p, &name) == -1)
			return -1;
	}
	if (!toml_accept(p, '='))
		return toml_fail(p, "= is expected behind the key");
	if (table_find(p, table, name))
		return toml_fail(p, "the key is there already");
	toml_skip_blanks(p);
	n = value(p, table->depth_ + 1);
	if (!n)
		return -1;
	table_add(p, table, name, n);
	return 0;
}

/* --- headers ------------------------------------------------------------- */

/* The table that a header's part (not its last) names. */
static struct toml *step_header(
    struct parser *p, struct toml *table, struct str name)
{
	struct toml *n = table_find(p, table, name);

	if (!n) {
		n = node_new(p, TOML_TABLE, table->depth_ + 1);
		if (!n)
			return NULL;
		n->how_ = IMPLICIT;
		table_add(p, table, name, n);
		return n;
	}
	if (n->type == TOML_ARRAY && n->how_ == LIST)
		return n->last;
	if (n->type != TOML_TABLE || n->how_ == CLOSED) {
		toml_fail(p, "the header goes through what is no open table");
		return NULL;
	}
	return n;
}

static struct toml *header_table(
    struct parser *p, struct toml *table, struct str name)
{
	struct toml *n = table_find(p, table, name);

	if (n && (n->type != TOML_TABLE || n->how_ != IMPLICIT)) {
		toml_fail(p, "the table is defined already");
		return NULL;
	}
	if (!n) {
		n = node_new(p, TOML_TABLE, table->depth_ + 1);
		if (!n)
			return NULL;
		table_add(p, table, name, n);
	}
	n->how_ = HEADER;
	return n;
}

static struct toml *header_element(
    struct parser *p, struct toml *table, struct str name)
{
	struct toml *list = table_find(p, table, name), *n;

	if (list && (list->type != TOML_ARRAY || list->how_ != LIST)) {
		toml_fail(p, "[[ ]] names what is no array of tables");
		return NULL;
	}
	if (!list) {
		list = node_new(p, TOML_ARRAY, table->depth_ + 1);
		if (!list)
			return NULL;
		list->how_ = LIST;
		table_add(p, table, name, list);
	}
	n = node_new(p, TOML_TABLE, list->depth_ + 1);
	if (!n)
		return NULL;
	n->how_ = ELEMENT;
	node_append(list, n);
	return n;
}

/* [a.b] or [[a.b]]; *ret is the table that the lines below it fill. */
static int header(struct parser *p, struct toml **ret)
{
	struct toml *table = p->doc->root;
	bool element = toml_looking_at(p, "[[");
	struct str name;

	p->at += element ? 2 : 1;
	toml_skip_blanks(p);
	if (toml_key(p, &name) == -1)
		return -1;
	while (toml_key_goes_on(p)) {
		table = step_header(p, table, name);
		if (!table || toml_key(p, &name) == -1)
			return -1;
	}
	if (!toml_looking_at(p, element ? "]]" : "]"))
		return toml_fail(p, "the header is not closed");
	p->at += element ? 2 : 1;
	*ret = element ? header_element(p, table, name)
	               : header_table(p, table, name);
	return *ret ? toml_end_of_line(p) : -1;
}

static int document(struct parser *p)
{
	struct toml *table = p->doc->root;

	for (;;) {
		if (toml_skip_lines(p) == -1)
			return -1;
		if (toml_peek(p, 0) == -1)
			return 0;
		if (toml_peek(p, 0) == '[') {
			if (header(p, &table) == -1)
				return -1;
		} else if (key_value(p, table) == -1 ||
		           toml_end_of_line(p) == -1) {
			return -1;
		}
	}
}

/* --- entrance ------------------------------------------------------------ */

int toml_parse(struct str text, struct toml_doc **ret, struct error *err)
{
	struct parser p = {
	    .scratch = BUF_INIT(TOML_BYTES_MAX + 16),
	    .in = text,
	    .line = 1,
	    .err = err,
	};
	int done = -1;

	if (text.len > TOML_BYTES_MAX)
		return error_set(
		    err, ERR_LIMIT, "more than %u bytes", TOML_BYTES_MAX);
	if (toml_check_utf8(text, err) == -1)
		return -1;
	p.doc = xcalloc(1, sizeof(*p.doc));
	p.doc->mem_cap = text.len;
	p.doc->mem = xmalloc(text.len + 1);
	p.index = map_new();
	p.doc->root = node_new(&p, TOML_TABLE, 0);
	if (p.doc->root) {
		p.doc->root->how_ = HEADER;
		done = document(&p);
	}
	map_free(p.index);
	buf_release(&p.scratch);
	if (done == -1) {
		toml_free(p.doc);
		return -1;
	}
	*ret = p.doc;
	return 0;
}

void toml_free(struct toml_doc *d)
{
	if (!d)
		return;
	while (d->blocks) {
		struct block *next = d->blocks->next;

		free(d->blocks);
		d->blocks = next;
	}
	free(d->mem);
	free(d);
}

void toml_freep(struct toml_doc **d)
{
	toml_free(*d);
}

/* --- asking, writing ----------------------------------------------------- */

const struct toml *toml_root(const struct toml_doc *d)
{
	return d->root;
}

const struct toml *toml_get(const struct toml *t, const char *key_z)
{
	if (!t || t->type != TOML_TABLE)
		return NULL;
	toml_each(n, t) if (str_eqz(n->key, key_z)) return n;
	return NULL;
}

const struct toml *toml_get_as(
    const struct toml *t, const char *key_z, enum toml_type type)
{
	const struct toml *n = toml_get(t, key_z);

	return n && n->type == type ? n : NULL;
}

struct str toml_get_str(const struct toml *t, const char *key_z)
{
	const struct toml *n = toml_get_as(t, key_z, TOML_STRING);

	return n ? n->text : (struct str){0};
}

void toml_add_string(struct buf *out, struct str s)
{
	static const char from[] = "\b\t\n\f\r\"\\", to[] = "btnfr\"\\";

	buf_addc(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		const char *c = s.p[i] ? strchr(from, s.p[i]) : NULL;

		if (c)
			buf_addf(out, "\\%c", to[c - from]);
		else if (toml_is_control((unsigned char)s.p[i]))
			buf_addf(out, "\\u%04x", (unsigned char)s.p[i]);
		else
			buf_addc(out, s.p[i]);
	}
	buf_addc(out, '"');
}

void toml_add_key(struct buf *out, struct str name)
{
	bool bare = name.len != 0;

	for (size_t i = 0; i < name.len; i++)
		bare = bare && toml_is_bare((unsigned char)name.p[i]);
	if (bare)
		buf_add(out, name);
	else
		toml_add_string(out, name);
}
