/* links: gitd/receive/cmds.c */
/*
 * cmds: what is taken keeps the limits, has ids and no control bytes, and
 * lies in the line that it came from.
 */
#include <string.h>

#include "fuzz.h"
#include "gitd/receive/cmds.h"

#define REFS 8

static void check_inside(struct str part, struct str line)
{
	CHECK(!part.len ||
	      (part.p >= line.p && part.p + part.len <= line.p + line.len));
}

static void check_text(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		CHECK((unsigned char)s.p[i] >= ' ' && s.p[i] != 0x7f);
}

static void check_line(
    const struct cmds *c, const struct pkt *pkt, const struct cmds_line *line)
{
	check_inside(line->old, pkt->data);
	check_inside(line->new, pkt->data);
	check_inside(line->name, pkt->data);
	switch (line->item) {
	case CMDS_REF:
		CHECK(line->old.len == 40 && line->new.len == 40);
		CHECK(line->name.len && line->name.len <= CMDS_NAME_MAX);
		check_text(line->name);
		break;
	case CMDS_SHALLOW:
		CHECK(line->old.len == 40);
		break;
	case CMDS_OPTION:
		CHECK(c->options && line->name.len <= CMDS_OPTION_MAX);
		CHECK(str_find(line->name, '\0') == -1);
		break;
	case CMDS_LISTED:
		CHECK(c->stage == CMDS_IN_OPTIONS && c->refs);
		break;
	case CMDS_END:
		CHECK(c->stage == CMDS_DONE);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make(data, size);
	struct cmds c = {.max_refs = REFS};
	struct error err = {0};
	struct cmds_line line;
	struct pkt pkt;
	ssize_t n;

	while (c.stage != CMDS_DONE && (n = pkt_parse(rest, &pkt, &err)) > 0) {
		if (cmds_take(&c, &pkt, &line, &err) == -1)
			break;
		check_line(&c, &pkt, &line);
		rest = str_sub(rest, (size_t)n, rest.len);
	}
	CHECK(c.refs <= REFS && c.options <= CMDS_OPTIONS_MAX + 1);
	CHECK(c.caps_len <= CMDS_CAPS_MAX);
	check_text(cmds_caps(&c));
	return 0;
}
