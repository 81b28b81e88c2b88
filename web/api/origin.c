#include "api/origin.h"

#include "base/buf.h"

static bool is_own(const struct origin *o)
{
	scoped_buf struct buf own = BUF_INIT(1024);

	buf_add(&own, o->proto.len ? o->proto : STR("http"));
	buf_addz(&own, "://");
	buf_add(&own, o->host);
	return !own.bad && str_eq_nocase(buf_str(&own), o->origin);
}

bool origin_cookie_counts(const struct origin *o, bool changes)
{
	if (o->site.p)
		return str_eqz(o->site, "same-origin") ||
		       (!changes && str_eqz(o->site, "none"));
	if (o->origin.p)
		return is_own(o);
	return !changes;
}

bool origin_may_log_in(const struct origin *o)
{
	if (o->site.p)
		return str_eqz(o->site, "same-origin");
	return !o->origin.p || is_own(o);
}

/* The last address is the one that the router saw itself. */
static bool is_loopback(struct str client)
{
	struct str one = {0};

	while (str_split(&client, ',', &one))
		;
	one = str_trim(one);
	return str_starts(one, STR("127.")) || str_eqz(one, "::1") ||
	       str_eqz(one, "[::1]") || str_starts(one, STR("::ffff:127."));
}

bool origin_is_private(const struct origin *o)
{
	return str_eqz(o->proto, "https") || is_loopback(o->client);
}
