#include "logline.h"

#include "head.h"

/*
 * Longer words are cut, since a line must fit a frame whatever a stranger
 * sends: a path of quotes alone takes three times its length.
 */
#define PATH_MAX_LOGGED 4096
#define WORD_MAX 253

static void add_word(struct buf *out, struct str word)
{
	buf_add(out, str_sub(word, 0, WORD_MAX));
}

/* A quote in the path would end it too early for who reads the line. */
static void add_path(struct buf *out, struct str path)
{
	struct str part;

	path = str_sub(path, 0, PATH_MAX_LOGGED);

	while (str_split(&path, '"', &part)) {
		buf_add(out, part);
		if (path.p)
			buf_add(out, STR("%22"));
	}
}

static void add_ms(struct buf *out, struct str name, bool known, uint64_t ms)
{
	buf_add(out, name);
	if (!known)
		return;
	head_number(out, ms);
	buf_add(out, STR("ms"));
}

void logline_write(struct buf *out, const struct logline *l)
{
	bool reached = l->dyno.len > 0;

	if (l->code == H_NONE)
		buf_add(out, STR("at=info"));
	else
		buf_addf(out, "at=error code=%s desc=\"%s\"",
		    hcode_name(l->code), hcode_desc(l->code));
	buf_add(out, STR(" method="));
	add_word(out, l->method);
	buf_add(out, STR(" path=\""));
	add_path(out, l->path);
	buf_add(out, STR("\" host="));
	add_word(out, l->host);
	buf_add(out, STR(" request_id="));
	add_word(out, l->request_id);
	buf_add(out, STR(" fwd=\""));
	buf_add(out, l->client);
	buf_add(out, STR("\" dyno="));
	buf_add(out, l->dyno);
	add_ms(out, STR(" connect="), reached, l->connect_ms);
	add_ms(out, STR(" service="), reached, l->service_ms);
	buf_add(out, STR(" status="));
	head_number(out, l->status);
	buf_add(out, STR(" bytes="));
	head_number(out, l->bytes);
	buf_add(out, STR(" protocol=http"));
}
