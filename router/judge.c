#include "judge.h"

#include <stdio.h>

#include "base/buf.h"

static struct str field_of(const struct http1_head *h, const char *name)
{
	for (size_t i = 0; i < h->nfields; i++)
		if (str_eq_nocase(h->fields[i].name, str_z(name)))
			return h->fields[i].value;
	return STR("nowhere");
}

/* What is there of the body. True when that is all of it. */
static bool body_of(
    const struct http1_head *h, struct str raw, struct buf *copy)
{
	struct http1_chunks chunks = {0};
	size_t payload = 0;

	buf_add(copy, raw);
	if (h->framing == HTTP1_NO_BODY)
		return true;
	if (h->framing == HTTP1_LENGTH)
		return raw.len >= h->length;
	if (h->framing != HTTP1_CHUNKED || raw.len == 0)
		return false;
	if (http1_dechunk(&chunks, copy->p, copy->len, &payload, NULL) == -1)
		return true;
	copy->len = payload;
	return chunks.done;
}

static int judge_head(
    const struct check *c, const struct http1_head *h, char *why, size_t size)
{
	struct str to = field_of(h, "location");

	if (h->status >= 400 || h->status < 200) {
		snprintf(
		    why, size, "%s was answered with %u", c->path, h->status);
		return -1;
	}
	if (c->content[0] && h->status >= 300) {
		snprintf(why, size,
		    "%s was answered with %u, a redirect to " STR_FMT, c->path,
		    h->status,
		    STR_ARG(str_sub(to, 0, to.len > 80 ? 80 : to.len)));
		return -1;
	}
	return c->content[0] ? 0 : 1;
}

int judge_answer(const struct check *c, struct str answer, bool over,
    struct http1_head *h, char *why, size_t size)
{
	scoped_buf struct buf body = BUF_INIT(JUDGE_ANSWER_MAX);
	struct error err = {0};
	ssize_t took = answer.len ? http1_response(answer, false, h, &err) : 0;
	int verdict;

	if (took == -1 || (took == 0 && over)) {
		snprintf(why, size, "%s was answered with %s", c->path,
		    took == -1 ? "what is no HTTP" : "nothing");
		return -1;
	}
	if (took == 0)
		return 0;
	verdict = judge_head(c, h, why, size);
	if (verdict != 0)
		return verdict;
	over |= body_of(h, str_sub(answer, (size_t)took, answer.len), &body);
	if (body.len > 0 &&
	    str_find_str(buf_str(&body), str_z(c->content)) != -1)
		return 1;
	if (!over)
		return 0;
	snprintf(why, size, "the answer to %s does not contain \"%.60s\"",
	    c->path, c->content);
	return -1;
}
