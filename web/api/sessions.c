#include "api/sessions.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define TEXT_MAX 300
#define BOX_MAX ((SESSION_TEXT - 1) / 2)

int sessions_make(struct web *w, const struct log_session *s,
    char secret[SESSION_TEXT], struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(TEXT_MAX);
	scoped_buf struct buf box = BUF_INIT(BOX_MAX);

	buf_addf(&text, "%" PRId64 " %" PRIu64 " %" PRIu64 " %d %s %s", s->app,
	    s->lines, clock_real_ms(), s->tail, s->source, s->proc);
	if (store_note_seal(w->store, buf_str(&text), &box, err) == -1)
		return -1;
	hex_encode(box.p, box.len, secret);
	return 0;
}

static uint64_t take_number(struct str *text, uint64_t most)
{
	struct str word;
	uint64_t n = 0;

	(void)str_split(text, ' ', &word);
	(void)str_u64(word, most, &n);
	return n;
}

int sessions_find(struct web *w, struct str secret, struct log_session *ret)
{
	scoped_buf struct buf text = BUF_INIT(TEXT_MAX);
	char box[BOX_MAX];
	uint64_t now = clock_real_ms();
	struct str rest, source;

	if (secret.len >= SESSION_TEXT || secret.len % 2 != 0 ||
	    !hex_decode(secret, secret.len / 2, box) ||
	    store_note_unseal(
	        w->store, str_make(box, secret.len / 2), &text, NULL) == -1)
		return -1;
	rest = buf_str(&text); /* ours: nobody else can seal one */
	*ret =
	    (struct log_session){.app = (int64_t)take_number(&rest, INT64_MAX),
	        .lines = take_number(&rest, UINT64_MAX),
	        .made_ms = take_number(&rest, UINT64_MAX),
	        .tail = take_number(&rest, 1) != 0};
	(void)str_split(&rest, ' ', &source);
	str_copy(source, ret->source, sizeof(ret->source));
	str_copy(rest, ret->proc, sizeof(ret->proc));
	return ret->made_ms <= now + SESSION_MS &&
	               now < ret->made_ms + SESSION_MS
	           ? 0
	           : -1;
}
