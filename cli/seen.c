#include "seen.h"

#include <inttypes.h>

void seen_from(struct seen *s, uint64_t time_us)
{
	if (!s->from_us || time_us < s->from_us)
		s->from_us = time_us;
}

static size_t find(struct seen *s, struct str stream)
{
	size_t oldest = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (str_eqz(stream, s->v[i].stream))
			return i;
		if (s->v[i].time_us < s->v[oldest].time_us)
			oldest = i;
	}
	if (s->n < SEEN_MAX)
		return s->n++;
	/* It has ended, in all likelihood; its lines are in the past. */
	s->from_us = s->v[oldest].time_us;
	return oldest;
}

void seen_line(struct seen *s, struct str id)
{
	struct logpos place;
	uint64_t time_us;
	size_t i;

	if (!logpos_id(id, &time_us, &place))
		return;
	/* Lines of this time on are ours. */
	if (!s->from_us || time_us <= s->from_us)
		s->from_us = time_us ? time_us - 1 : 0;
	i = find(s, place.stream);
	str_copy(place.stream, s->v[i].stream, sizeof(s->v[i].stream));
	s->v[i].seq = place.seq;
	s->v[i].time_us = time_us;
}

void seen_put(const struct seen *s, struct buf *out)
{
	if (!s->from_us)
		return;
	buf_addf(out, "%" PRIu64 ";", s->from_us);
	for (size_t i = 0; i < s->n; i++)
		buf_addf(out, "%s%s.%" PRIu64, i ? "," : "", s->v[i].stream,
		    s->v[i].seq);
}
