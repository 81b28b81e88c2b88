#include "wire/logpos.h"

static bool is_stream(struct str s)
{
	if (str_eqz(s, "platform") || str_eqz(s, "router"))
		return true;
	if (s.len != LOGPOS_STREAM_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (hex_value(s.p[i]) == -1 || (s.p[i] >= 'A' && s.p[i] <= 'F'))
			return false;
	return true;
}

/* "STREAM.SEQ" */
static bool is_place(struct str s, struct logpos *ret)
{
	struct logpos made;

	if (!str_split(&s, '.', &made.stream) || !is_stream(made.stream) ||
	    !str_u64(s, LOGPOS_SEQ_MAX, &made.seq))
		return false;
	*ret = made;
	return true;
}

bool logpos_id(struct str id, uint64_t *ret_time_us, struct logpos *ret)
{
	struct str time;

	return id.len <= LOGPOS_ID_MAX && str_split(&id, '.', &time) &&
	       str_u64(time, LOGPOS_SEQ_MAX, ret_time_us) && is_place(id, ret);
}

bool logpos_time(struct str *rest, uint64_t *ret_time_us)
{
	struct str time;

	return str_split(rest, ';', &time) &&
	       str_u64(time, LOGPOS_SEQ_MAX, ret_time_us);
}

int logpos_next(struct str *rest, struct logpos *ret)
{
	struct str item;

	if (!rest->len || !str_split(rest, ',', &item))
		return 0;
	return is_place(item, ret) ? 1 : -1;
}

bool logpos_valid(struct str position)
{
	struct logpos place;
	uint64_t time;
	int more;

	if (position.len > LOGPOS_MAX || !logpos_time(&position, &time))
		return false;
	while ((more = logpos_next(&position, &place)) == 1)
		;
	return more == 0;
}
