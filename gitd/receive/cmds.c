#include "cmds.h"

#include <assert.h>
#include <inttypes.h>

#include "base/name.h"

#define ID_LEN 40

/* A name that can be put into a report and a log: no control bytes. */
static bool printable(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	}
	return true;
}

static struct str chomp(struct str s)
{
	if (s.len && s.p[s.len - 1] == '\n')
		s.len--;
	return s;
}

static bool is_zero(struct str id)
{
	for (size_t i = 0; i < id.len; i++) {
		if (id.p[i] != '0')
			return false;
	}
	return true;
}

static bool wants_options(struct str caps)
{
	struct str word;

	while (str_split(&caps, ' ', &word)) {
		if (str_eqz(word, "push-options"))
			return true;
	}
	return false;
}

static int take_caps(struct cmds *c, struct str caps, struct error *err)
{
	caps = chomp(caps);
	if (caps.len > CMDS_CAPS_MAX)
		return error_set(err, ERR_LIMIT,
		    "capabilities of more than %d bytes", CMDS_CAPS_MAX);
	if (!printable(caps))
		return error_set(
		    err, ERR_INVALID, "capabilities with control characters");
	if (caps.len)
		memcpy(c->caps, caps.p, caps.len);
	c->caps_len = caps.len;
	return 0;
}

static int take_shallow(
    struct str line, struct cmds_line *ret, struct error *err)
{
	struct str id = str_sub(chomp(line), strlen("shallow "), line.len);

	if (!name_sha1(id))
		return error_set(err, ERR_INVALID, "malformed shallow line");
	*ret = (struct cmds_line){.item = CMDS_SHALLOW, .old = id};
	return 0;
}

static int take_ref(
    struct cmds *c, struct str line, struct cmds_line *ret, struct error *err)
{
	struct cmds_line ref = {.item = CMDS_REF};
	struct str rest = line, text;

	(void)str_split(&rest, '\0', &text);
	if (rest.p && c->refs)
		return error_set(err, ERR_INVALID,
		    "capabilities behind a ref that is not the first");
	if (!rest.p)
		text = chomp(text);
	else if (take_caps(c, rest, err) == -1)
		return -1;
	if (text.len < 2 * ID_LEN + 3 || text.p[ID_LEN] != ' ' ||
	    text.p[2 * ID_LEN + 1] != ' ')
		return error_set(err, ERR_INVALID, "malformed line of a ref");
	ref.old = str_sub(text, 0, ID_LEN);
	ref.new = str_sub(text, ID_LEN + 1, 2 * ID_LEN + 1);
	ref.name = str_sub(text, 2 * ID_LEN + 2, text.len);
	if (!name_sha1(ref.old) || !name_sha1(ref.new))
		return error_set(err, ERR_INVALID, "malformed id of a ref");
	if (!printable(ref.name))
		return error_set(
		    err, ERR_INVALID, "name of a ref with control characters");
	if (ref.name.len > CMDS_NAME_MAX)
		return error_set(err, ERR_LIMIT,
		    "a ref's name is longer than %d bytes", CMDS_NAME_MAX);
	if (c->refs == c->max_refs)
		return error_set(err, ERR_LIMIT,
		    "more than %" PRIu64 " refs in one push", c->max_refs);
	c->refs++;
	if (!is_zero(ref.new))
		c->pack = true;
	*ret = ref;
	return 0;
}

static int take_option(
    struct cmds *c, struct str line, struct cmds_line *ret, struct error *err)
{
	line = chomp(line);
	if (++c->options > CMDS_OPTIONS_MAX)
		return error_set(err, ERR_LIMIT, "more than %d push options",
		    CMDS_OPTIONS_MAX);
	if (line.len > CMDS_OPTION_MAX)
		return error_set(err, ERR_LIMIT,
		    "a push option is longer than %d bytes", CMDS_OPTION_MAX);
	if (str_find(line, '\0') != -1)
		return error_set(err, ERR_INVALID, "NUL in a push option");
	*ret = (struct cmds_line){.item = CMDS_OPTION, .name = line};
	return 0;
}

static void take_flush(struct cmds *c, struct cmds_line *ret)
{
	bool options =
	    c->stage == CMDS_IN_REFS && c->refs && wants_options(cmds_caps(c));

	c->stage = options ? CMDS_IN_OPTIONS : CMDS_DONE;
	*ret = (struct cmds_line){.item = options ? CMDS_LISTED : CMDS_END};
}

int cmds_take(struct cmds *c, const struct pkt *pkt, struct cmds_line *ret,
    struct error *err)
{
	assert(c->stage != CMDS_DONE);
	if (pkt->type == PKT_FLUSH) {
		take_flush(c, ret);
		return 0;
	}
	c->bytes += pkt->data.len + 4;
	if (c->bytes > CMDS_BYTES_MAX)
		return error_set(err, ERR_LIMIT,
		    "the list of refs is longer than %u MiB",
		    CMDS_BYTES_MAX >> 20);
	if (c->stage == CMDS_IN_OPTIONS)
		return take_option(c, pkt->data, ret, err);
	if (str_starts(pkt->data, STR("shallow ")))
		return take_shallow(pkt->data, ret, err);
	return take_ref(c, pkt->data, ret, err);
}
