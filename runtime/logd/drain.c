#include "drain.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "ipc/peer.h"
#include "place.h"
#include "syslog.h"
#include "wire/crc32c.h"
#include "wire/drain.h"

/* A segment that was removed while batches with its lines were under way. */
struct ghost {
	struct seg seg;
	uint64_t last; /* number of its last record */
};

/* A batch under way, and where the drain is when it has arrived. */
struct under_way {
	uint64_t seq, lines; /* of the app; without what tells of lost ones */
	struct buf place;
};

struct drain {
	struct list in_app;
	struct app_log *app;
	struct logd *d;
	uint64_t id;
	char *url; /* never logged */
	char token[65];
	bool http, keep; /* keep: named since drains_begin */
	struct reader reader;
	struct buf arrived;  /* the place of what has arrived, as on disk */
	uint64_t since_us;   /* lost ones are since then */
	uint64_t seq, epoch; /* of the last batch; each failure has its own */
	bool sending;        /* outbound has not taken the last one yet */
	struct under_way ring[RING_MAX];
	size_t under_way;
	uint64_t again; /* lines of a batch to be repeated as it was */
	struct ghost *ghosts;
	size_t nghosts;
	struct ev_timer timer; /* soon, or again */
	bool waiting;          /* the timer is a pause after a failure */
	unsigned failures;     /* in a row */
};

/* What a batch is made of while it is filled. */
struct filling {
	struct drain *dr;
	uint64_t lines, last_us;
	bool told; /* and one that tells of lost ones */
};

static void pump(struct drain *dr);

static void file_name(uint64_t id, char out[40])
{
	snprintf(out, 40, "drain-%" PRIu64, id);
}

static struct drain *find(const struct logd *d, uint64_t id)
{
	return map_get_id(d->drains, id);
}

/* --- the place ------------------------------------------------------------ */

static int source_dir(void *arg)
{
	return app_dir(arg);
}

/* Where the reader stands now. */
static void here(struct drain *dr, struct buf *out)
{
	scoped_buf struct buf streams = BUF_INIT(PLACE_MAX);
	struct place p = {.lost = dr->reader.lost, .since_us = dr->since_us};

	reader_save(&dr->reader, &streams);
	p.streams = buf_str(&streams);
	place_put(out, &p);
}

static void keep_place(struct drain *dr)
{
	struct error err = {0};
	struct place p;
	char name[40];

	file_name(dr->id, name);
	if (place_parse(buf_str(&dr->arrived), &p) &&
	    place_write(dr->d->own_dir, name, &p, &err) == -1)
		log_warn("place of a drain not kept id=%" PRIu64 ": %s", dr->id,
		    err.msg);
}

/* All up to where the reader stands is over. */
static void arrive_here(struct drain *dr)
{
	buf_clear(&dr->arrived);
	here(dr, &dr->arrived);
	keep_place(dr);
}

static void show(void *arg, struct buf *out, const struct shown *s)
{
	struct filling *f = arg;

	syslog_put(out, f->dr->http, f->dr->token, s->time_us, s->origin,
	    s->text, s->cut);
	f->lines++;
	f->last_us = s->time_us;
}

/* Stand at the place; without a whole one at what came since the drain. */
static int stand(struct drain *dr, uint64_t from_us, struct error *err)
{
	struct seg_source source = {source_dir, app_memory, dr->app};
	struct place p = {0};

	reader_release(&dr->reader);
	if (!place_parse(buf_str(&dr->arrived), &p))
		p = (struct place){.since_us = from_us};
	if (reader_open_at(&dr->reader, &source, p.streams, from_us, err) == -1)
		return -1;
	dr->reader.lost = p.lost;
	dr->since_us = p.since_us;
	dr->reader.show = show;
	for (size_t i = 0; i < dr->nghosts; i++)
		reader_forfeit(
		    &dr->reader, &dr->ghosts[i].seg, dr->ghosts[i].last);
	dr->nghosts = 0;
	reader_prune(&dr->reader);
	return 0;
}

/* Nothing of what is under way has arrived: go back. */
static void rewind_drain(struct drain *dr)
{
	struct error err = {0};
	bool removed;

	if (dr->under_way)
		dr->again = dr->ring[0].lines;
	for (size_t i = 0; i < dr->under_way; i++)
		buf_release(&dr->ring[i].place);
	dr->under_way = 0;
	dr->sending = false;
	dr->epoch++;
	removed = dr->nghosts > 0;
	if (stand(dr, 0, &err) == 0) {
		if (removed)
			arrive_here(dr); /* what is lost stays counted */
		return;
	}
	log_warn("a drain can't go back id=%" PRIu64 ": %s", dr->id, err.msg);
}

/* --- sending -------------------------------------------------------------- */

static void pause_drain(struct drain *dr)
{
	unsigned shift = dr->failures < 10 ? dr->failures : 10;
	uint64_t ms = (uint64_t)DRAIN_RETRY_MS << shift;

	dr->failures++;
	if (ms > DRAIN_RETRY_MAX)
		ms = DRAIN_RETRY_MAX;
	ms -= rand_u64() % (ms / 4);
	dr->waiting = true;
	ev_timer_set(dr->d->ev, &dr->timer, ms);
}

static void soon(struct drain *dr)
{
	if (!dr->timer.at_ms && !dr->waiting)
		ev_timer_set(dr->d->ev, &dr->timer, DRAIN_SOON_MS);
}

static void timer_fired(struct ev_timer *t)
{
	struct drain *dr = container_of(t, struct drain, timer);

	dr->waiting = false;
	pump(dr);
}

static void tell_lost(struct drain *dr, struct buf *out)
{
	uint64_t now = clock_real_us();
	char text[120], since[21];

	if (!dr->reader.lost)
		return;
	clock_rfc3339((int64_t)(dr->since_us / 1000000), since);
	snprintf(text, sizeof(text),
	    "Error L10 (output buffer overflow): %" PRIu64
	    " messages dropped since %s.",
	    dr->reader.lost, since);
	syslog_put(out, dr->http, dr->token, now,
	    (struct origin){STR("heroku"), STR("logplex")}, str_z(text), false);
	dr->reader.lost = 0;
}

/* Read on until there is a batch. False: there are no lines. */
static bool fill(struct drain *dr, struct buf *out, struct filling *f)
{
	uint64_t left = dr->again ? dr->again : DRAIN_BATCH_LINES;
	bool more;

	dr->again = 0;
	dr->reader.show_arg = f;
	more = reader_fill(&dr->reader, out, &left);
	f->told = dr->reader.lost > 0;
	tell_lost(dr, out);
	if (f->last_us)
		dr->since_us = f->last_us;
	if (!out->len && more)
		soon(dr); /* all that was looked at is older: the next turn */
	return out->len > 0;
}

/* A batch that is repeated has the name it had. */
static void name_batch(struct str bytes, char out[33])
{
	uint32_t sum = 0;

	for (int i = 0; i < 4; i++) {
		sum = crc32c(sum, &i, sizeof(i));
		sum = crc32c(sum, bytes.p, bytes.len);
		snprintf(out + 8 * (size_t)i, 9, "%08" PRIx32, sum);
	}
}

static void send_batch(struct drain *dr, struct peer *p, struct buf *bytes,
    const struct filling *f)
{
	struct under_way *u = &dr->ring[dr->under_way];
	struct frame_out o = frame_begin(MSG_DRAIN_SEND, 0);
	scoped_fd int fd = -1;
	struct error err = {0};
	char batch[33];

	fd = fd_sealed("batch", buf_str(bytes), &err);
	name_batch(buf_str(bytes), batch);
	*u = (struct under_way){
	    .seq = ++dr->seq, .lines = f->lines, .place = BUF_INIT(PLACE_MAX)};
	here(dr, &u->place);
	dr->under_way++;
	dr->sending = true;
	frame_put_u64(&o, F_DRAIN, dr->id);
	frame_put_u64(&o, F_EPOCH, dr->epoch);
	frame_put_z(&o, F_DRAIN_URL, dr->url);
	frame_put_z(&o, F_DRAIN_TOKEN, dr->token);
	frame_put_u64(&o, F_SEQ, u->seq);
	frame_put_u64(&o, F_COUNT, f->lines + f->told);
	frame_put_z(&o, F_BATCH, batch);
	if (fd != -1)
		frame_put_fd(&o, fd);
	if (peer_send(p, &o) == -1) {
		rewind_drain(dr);
		pause_drain(dr);
	}
}

/* Send the next batch, if one may be sent and there are lines. */
static void pump(struct drain *dr)
{
	scoped_buf struct buf out =
	    BUF_INIT(DRAIN_BATCH_BYTES + SHOWN_ROOM + 1024);
	size_t most = dr->http ? 1 : RING_MAX;
	struct filling f = {.dr = dr};
	struct peer *p;

	if (dr->waiting || dr->sending || dr->under_way == most ||
	    (!reader_dirty(&dr->reader) && !dr->reader.lost))
		return;
	if (!fill(dr, &out, &f))
		return;
	p = link_get(dr->d);
	if (!p) {
		rewind_drain(dr);
		pause_drain(dr);
		return;
	}
	send_batch(dr, p, &out, &f);
}

/* --- what became of it ---------------------------------------------------- */

void drain_sent(struct logd *d, uint64_t id, uint64_t seq)
{
	struct drain *dr = find(d, id);

	if (!dr || !dr->under_way || dr->ring[dr->under_way - 1].seq != seq)
		return;
	dr->sending = false;
	pump(dr);
}

/* All up to here is over: the drain is behind it. */
static void settle(struct drain *dr, size_t n)
{
	buf_clear(&dr->arrived);
	buf_add(&dr->arrived, buf_str(&dr->ring[n - 1].place));
	keep_place(dr);
	for (size_t i = 0; i < n; i++)
		buf_release(&dr->ring[i].place);
	memmove(
	    dr->ring, dr->ring + n, (dr->under_way - n) * sizeof(dr->ring[0]));
	dr->under_way -= n;
	if (dr->under_way)
		return;
	dr->sending = false;
	dr->nghosts = 0;
}

/* How many of those under way are up to seq. */
static size_t up_to(const struct drain *dr, uint64_t seq)
{
	size_t n = 0;

	while (n < dr->under_way && dr->ring[n].seq <= seq)
		n++;
	return n;
}

static void say(const struct drain *dr, const char *code, const char *text)
{
	scoped_buf struct buf line = BUF_INIT(1024);

	buf_addf(&line, "Error %s: drain %s: %s", code, dr->token, text);
	logd_write(dr->d, dr->app->id, false,
	    (struct origin){STR("heroku"), STR("logplex")}, buf_str(&line));
}

void drain_done(struct logd *d, uint64_t id, uint64_t seq)
{
	struct drain *dr = find(d, id);
	size_t n = dr ? up_to(dr, seq) : 0;

	if (!n)
		return;
	if (dr->failures)
		log_info("a drain works again id=%" PRIu64, id);
	dr->failures = 0;
	settle(dr, n);
	pump(dr);
}

/* This batch will never be taken: count it, and go on behind it. */
static void refuse(struct drain *dr)
{
	uint64_t lines = dr->ring[0].lines;

	settle(dr, 1);
	rewind_drain(dr);
	dr->reader.lost += lines;
	arrive_here(dr);
}

void drain_failed(
    struct logd *d, uint64_t id, uint64_t seq, uint64_t code, struct str text)
{
	struct drain *dr = find(d, id);
	char why[300];

	if (!dr || !dr->under_way || dr->ring[0].seq != seq)
		return;
	str_copy(text, why, sizeof(why));
	if (!dr->failures)
		say(dr,
		    code == ERR_UNAUTHORIZED ? "L14 (certificate validation)"
		                             : "L13 (delivery)",
		    why);
	log_debug("drain failed id=%" PRIu64 " failures=%u", id, dr->failures);
	if (code == ERR_INVALID)
		refuse(dr);
	else
		rewind_drain(dr);
	pause_drain(dr);
}

void drains_lost(struct logd *d)
{
	struct drain *dr;
	size_t pos = 0;
	void *v;

	while (map_next(d->drains, &pos, NULL, &v)) {
		dr = v;
		if (!dr->under_way)
			continue;
		rewind_drain(dr);
		pause_drain(dr);
	}
}

/* --- what the app's files do ---------------------------------------------- */

void drains_grown(struct app_log *a, const struct seg *seg)
{
	struct drain *dr;

	list_each(dr, &a->drains, in_app)
	{
		if (seg)
			reader_mark(&dr->reader, seg);
		else
			reader_mark_all(&dr->reader);
		soon(dr);
	}
}

/* What is under way would be read again from there, if it does not arrive. */
static void remember(struct drain *dr, const struct seg *seg, uint64_t last)
{
	dr->ghosts =
	    xrealloc(dr->ghosts, (dr->nghosts + 1) * sizeof(*dr->ghosts));
	dr->ghosts[dr->nghosts++] = (struct ghost){*seg, last};
}

void drains_forfeit(struct app_log *a, const struct seg *seg)
{
	struct drain *dr;
	uint64_t last;

	if (list_empty(&a->drains))
		return;
	last = seg_last(app_dir(a), seg);
	list_each(dr, &a->drains, in_app)
	{
		reader_forfeit(&dr->reader, seg, last);
		if (dr->under_way) {
			remember(dr, seg, last);
			continue;
		}
		arrive_here(dr);
		if (dr->reader.lost)
			soon(dr);
	}
}

/* --- life ----------------------------------------------------------------- */

static void drain_free(void *arg)
{
	struct drain *dr = arg;

	for (size_t i = 0; i < dr->under_way; i++)
		buf_release(&dr->ring[i].place);
	buf_release(&dr->arrived);
	reader_release(&dr->reader);
	free(dr->ghosts);
	free(dr->url);
	free(dr);
}

static void end(struct drain *dr)
{
	struct logd *d = dr->d;

	ev_timer_stop(&dr->timer);
	list_del(&dr->in_app);
	(void)map_del_id(d->drains, dr->id);
	if (d->outbound && dr->under_way) {
		struct frame_out o = frame_begin(MSG_DRAIN_STOP, 0);

		frame_put_u64(&o, F_DRAIN, dr->id);
		(void)peer_send(d->outbound, &o);
	}
	ev_defer(d->ev, drain_free, dr);
}

static void drop(struct drain *dr)
{
	char name[40];

	file_name(dr->id, name);
	(void)unlinkat(dr->d->own_dir, name, 0);
	end(dr);
}

void drain_put(struct logd *d, const struct drain_spec *spec)
{
	struct drain *dr = find(d, spec->id);
	struct error err = {0};
	struct drain_url url;
	char name[40];

	if (dr) {
		dr->keep = true;
		return;
	}
	if (drain_parse(spec->url, &url, &err) == -1) {
		log_warn("drain not made id=%" PRIu64, spec->id);
		return;
	}
	dr = xcalloc(1, sizeof(*dr));
	*dr = (struct drain){.d = d,
	    .app = app_get(d, spec->app),
	    .id = spec->id,
	    .url = str_dup(spec->url),
	    .http = !drain_is_syslog(&url),
	    .keep = true,
	    .epoch = rand_u64() >> 1, /* no old outbound knows it */
	    .arrived = BUF_INIT(PLACE_MAX),
	    .timer = {.fire = timer_fired}};
	str_copy(spec->token, dr->token, sizeof(dr->token));
	list_init(&dr->in_app);
	list_add(&dr->app->drains, &dr->in_app);
	map_set_id(d->drains, dr->id, dr);
	app_watch(dr->app); /* before the files are read */
	file_name(dr->id, name);
	(void)fd_read_file(d->own_dir, name, &dr->arrived, NULL);
	if (stand(dr, spec->since_ms * 1000, &err) == -1)
		log_warn("a drain does not start id=%" PRIu64 ": %s", dr->id,
		    err.msg);
	arrive_here(dr);
	soon(dr);
}

void drain_drop(struct logd *d, uint64_t id)
{
	struct drain *dr = find(d, id);
	struct app_log *a = dr ? dr->app : NULL;

	if (!dr)
		return;
	drop(dr);
	app_watch(a);
}

void drains_drop_all(struct app_log *a)
{
	struct drain *dr;

	list_each(dr, &a->drains, in_app) drop(dr);
}

void drains_begin(struct logd *d)
{
	size_t pos = 0;
	void *v;

	while (map_next(d->drains, &pos, NULL, &v))
		((struct drain *)v)->keep = false;
}

/* Places of drains that are no more: they ended while we were away. */
static void sweep_places(struct logd *d)
{
	int fd = openat(d->own_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;
	uint64_t id;

	while (dir && (e = readdir(dir))) {
		struct str name = str_z(e->d_name);

		if (str_starts(name, STR("drain-")) &&
		    (!str_u64(str_sub(name, 6, name.len), UINT64_MAX, &id) ||
		        !find(d, id)))
			(void)unlinkat(d->own_dir, e->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

void drains_end(struct logd *d)
{
	size_t pos = 0;
	void *v;

	while (map_next(d->drains, &pos, NULL, &v)) {
		struct drain *dr = v;
		struct app_log *a = dr->app;

		if (dr->keep)
			continue;
		drop(dr);
		app_watch(a);
	}
	sweep_places(d);
}

void drains_release(struct logd *d)
{
	size_t pos = 0;
	void *v;

	while (map_next(d->drains, &pos, NULL, &v))
		end(v);
}
