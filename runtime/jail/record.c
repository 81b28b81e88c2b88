#include "record.h"

#include <inttypes.h>
#include <stddef.h>

#include "base/name.h"

#define NUMBER(member)                                                         \
	{                                                                      \
#member, offsetof(struct record, member)                       \
	}
static const struct number {
	const char *name;
	size_t offset;
} numbers[] = {NUMBER(instance), NUMBER(app), NUMBER(kind), NUMBER(release),
    NUMBER(generation), NUMBER(num), NUMBER(port), NUMBER(job), NUMBER(work),
    NUMBER(slot), NUMBER(of), NUMBER(most), NUMBER(range), NUMBER(net),
    NUMBER(attached), NUMBER(pty), NUMBER(time)};

#define ENDING(member)                                                         \
	{                                                                      \
#member, offsetof(struct ending, member)                       \
	}
static const struct number endings[] = {
    ENDING(code), ENDING(signal), ENDING(oom), ENDING(unborn), ENDING(time)};

static void numbers_print(
    const void *base, const struct number *table, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		const uint64_t *value =
		    (const void *)((const char *)base + table[i].offset);

		buf_addf(out, "%s %" PRIu64 "\n", table[i].name, *value);
	}
}

/* 1 when the line was one of the table's, 0 when not, -1 when malformed. */
static int numbers_parse(void *base, const struct number *table, size_t n,
    struct str name, struct str value, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t number;

		if (!str_eqz(name, table[i].name))
			continue;
		if (!str_u64(value, UINT64_MAX, &number))
			return error_set(err, ERR_INVALID,
			    "record: %s is not a number", table[i].name);
		memcpy((char *)base + table[i].offset, &number, sizeof(number));
		return 1;
	}
	return 0;
}

void record_print(const struct record *r, struct buf *out)
{
	numbers_print(r, numbers, NELEM(numbers), out);
	if (r->size[0])
		buf_addf(out, "size %s\n", r->size);
	buf_addf(out, "ptype %s\nname %s\nshown ", r->ptype, r->name);
	for (const char *c = r->shown; *c; c++)
		buf_addc(out, *c == '\n' ? ' ' : *c);
	buf_addz(out, "\nend 1\n");
}

int record_parse(struct str text, struct record *ret, struct error *err)
{
	struct record r = {0};
	bool whole = false;
	struct str line;

	while (str_split(&text, '\n', &line)) {
		struct str value = line, name;

		if (!str_split(&value, ' ', &name) || line.len == 0)
			continue;
		if (numbers_parse(
		        &r, numbers, NELEM(numbers), name, value, err) == -1)
			return -1;
		if (str_eqz(name, "ptype") && name_ptype(value))
			str_copy(value, r.ptype, sizeof(r.ptype));
		if (str_eqz(name, "name") && name_layer(value))
			str_copy(value, r.name, sizeof(r.name));
		if (str_eqz(name, "size") && name_size(value))
			str_copy(value, r.size, sizeof(r.size));
		if (str_eqz(name, "shown"))
			str_copy(value, r.shown, sizeof(r.shown));
		whole = whole || str_eqz(name, "end");
	}
	if (!whole || !r.instance || !r.ptype[0] || !r.name[0])
		return error_set(err, ERR_INVALID, "record: not whole");
	*ret = r;
	return 0;
}

void ending_print(const struct ending *e, struct buf *out)
{
	numbers_print(e, endings, NELEM(endings), out);
	buf_addz(out, "text ");
	for (const char *c = e->text; *c; c++)
		buf_addc(out, *c == '\n' ? ' ' : *c);
	buf_addc(out, '\n');
}

int ending_parse(struct str text, struct ending *ret, struct error *err)
{
	struct ending e = {0};
	int known = 0;
	struct str line;

	while (str_split(&text, '\n', &line)) {
		struct str value = line, name;
		int n;

		if (!str_split(&value, ' ', &name))
			continue;
		n = numbers_parse(
		    &e, endings, NELEM(endings), name, value, err);
		if (n == -1)
			return -1;
		known += n;
		if (str_eqz(name, "text"))
			str_copy(value, e.text, sizeof(e.text));
	}
	if (known < 3) /* the shim doesn't know about oom */
		return error_set(err, ERR_INVALID, "exit record: not whole");
	*ret = e;
	return 0;
}
