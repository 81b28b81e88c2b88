/* Log drains. Their addresses hold passwords, so they are encrypted. */
#include <stdio.h>

#include "base/rand.h"
#include "store/stmt.h"

static int read_drain(
    struct store *st, sqlite3_stmt *q, struct log_drain *ret, struct error *err)
{
	scoped_buf struct buf url = BUF_INIT(DRAIN_URL_SIZE);
	int rc;

	ret->id = sqlite3_column_int64(q, 0);
	ret->app = sqlite3_column_int64(q, 1);
	store_text(q, 2, ret->uuid, sizeof(ret->uuid));
	store_text(q, 3, ret->token, sizeof(ret->token));
	ret->created_at = sqlite3_column_int64(q, 5);
	rc = crypt_unseal(
	    &st->crypt, (uint64_t)ret->app, store_bytes(q, 4), &url, err);
	if (rc == 0)
		str_copy(buf_str(&url), ret->url, sizeof(ret->url));
	if (url.p)
		explicit_bzero(url.p, url.cap);
	return rc;
}

int store_drain_add(struct store *st, int64_t app, struct str url,
    struct log_drain *ret, struct error *err)
{
	scoped_buf struct buf box = BUF_INIT(DRAIN_URL_SIZE + CRYPT_OVERHEAD);
	struct log_drain d = {.app = app, .created_at = store_now()};
	char uuid[UUID_SIZE];

	rand_uuid(d.uuid);
	rand_uuid(uuid);
	snprintf(d.token, sizeof(d.token), "d.%s", uuid);
	str_copy(url, d.url, sizeof(d.url));
	if (crypt_seal(&st->crypt, (uint64_t)app, url, &box, err) == -1)
		return -1;
	d.id = store_insert(st, STMT_DRAIN_ADD, err, "zizbi", d.uuid, app,
	    d.token, buf_str(&box), d.created_at);
	if (d.id == -1)
		return -1;
	*ret = d;
	return 0;
}

int store_drain_del(struct store *st, int64_t id, struct error *err)
{
	return store_run(st, STMT_DRAIN_DEL, err, "i", id) == -1 ? -1 : 0;
}

int store_drain_list(struct store *st, int64_t app,
    void (*each)(void *arg, const struct log_drain *d), void *arg,
    struct error *err)
{
	scoped_stmt sqlite3_stmt *q = store_stmt(st, STMT_DRAIN_LIST);
	struct log_drain d;
	int more;

	store_bind(q, "i", app);
	while ((more = store_step(st, q, err)) == 1) {
		if (read_drain(st, q, &d, err) == -1)
			return -1;
		each(arg, &d);
	}
	return more;
}
