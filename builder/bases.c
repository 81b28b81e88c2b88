#include "bases.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/rand.h"
#include "job.h"

#define STACK "trixie"
#define FILE_NAME "bases"
#define FILE_MAX 4096
#define IMPORT_MS 900000 /* a slow disk takes minutes for a GB */
#define TAIL_MAX 240     /* of what an import prints: for the log */

/*
 *   UNKNOWN --file says--> ASKED --it is there--> READY
 *      ^  \                  \--it is not--+
 *      |   +--new tar--> IMPORTING <-------+
 *      |                    +--> STORING --> READY
 *      +--failed, plan gone--+
 */
enum base_state {
	BASE_UNKNOWN,
	BASE_ASKED,
	BASE_IMPORTING,
	BASE_STORING,
	BASE_READY
};

struct base {
	struct bases *all;
	enum base_name name;
	enum base_state state;
	char digest[DIGEST_SIZE];
	uint64_t size, mtime_ns; /* of the tar that it was made from */
	uint64_t work, begun_ms, ended_ms; /* of the import */
	struct job job;
	struct ask ask;
	char tail[TAIL_MAX];
};

struct bases {
	struct builder *b;
	struct base of[BASE_N];
	char failed[REASON_SIZE], told[REASON_SIZE];
};

static const char *const names[BASE_N] = {"run", "build"};

/* --- the file ------------------------------------------------------------- */

struct base_line {
	struct str name;
	uint64_t size, mtime_ns;
	struct str digest;
};

/* False when it is none. */
static bool line_parse(struct str line, struct base_line *ret)
{
	struct str size, mtime;

	return str_split(&line, ' ', &ret->name) &&
	       str_split(&line, ' ', &size) && str_split(&line, ' ', &mtime) &&
	       str_u64(size, UINT64_MAX, &ret->size) &&
	       str_u64(mtime, UINT64_MAX, &ret->mtime_ns) &&
	       name_sha256(ret->digest = line);
}

static void read_file(struct bases *all)
{
	scoped_buf struct buf text = BUF_INIT(FILE_MAX);
	struct str rest, line;
	struct error err;

	if (fd_read_file(all->b->dir, FILE_NAME, &text, &err) == -1)
		return;
	rest = buf_str(&text);
	while (rest.len && str_split(&rest, '\n', &line)) {
		struct base_line l;

		if (!line_parse(line, &l))
			continue;
		for (size_t i = 0; i < BASE_N; i++) {
			struct base *base = &all->of[i];

			if (!str_eqz(l.name, names[i]))
				continue;
			base->size = l.size;
			base->mtime_ns = l.mtime_ns;
			str_copy(l.digest, base->digest, DIGEST_SIZE);
		}
	}
}

static void write_file(struct bases *all)
{
	scoped_buf struct buf text = BUF_INIT(FILE_MAX);
	struct error err = {0};

	for (size_t i = 0; i < BASE_N; i++)
		if (all->of[i].digest[0])
			buf_addf(&text, "%s %" PRIu64 " %" PRIu64 " %s\n",
			    names[i], all->of[i].size, all->of[i].mtime_ns,
			    all->of[i].digest);
	if (fd_write_file(all->b->dir, FILE_NAME, buf_str(&text), 0600, &err) ==
	    -1)
		log_warn("base images not remembered: %s", err.msg);
}

/* --- importing ------------------------------------------------------------ */

static void fail(struct base *base, const char *why)
{
	log_error(
	    "base image not imported name=%s: %s", names[base->name], why);
	if (base->work)
		builder_drop_work(base->all->b, base->work);
	base->work = 0;
	base->state = BASE_UNKNOWN;
	base->digest[0] = '\0';
	snprintf(base->all->failed, REASON_SIZE,
	    "the %s image could not be imported: %.200s", names[base->name],
	    why);
	builder_next(base->all->b);
}

static void ready(struct base *base)
{
	base->state = BASE_READY;
	builder_next(base->all->b);
}

static void stored(struct ask *a, const struct error *err)
{
	struct base *base = container_of(a, struct base, ask);

	if (err) {
		fail(base, err->msg);
		return;
	}
	log_info("base image imported name=%s layer=%.12s ms=%" PRIu64
	         " store_ms=%" PRIu64,
	    names[base->name], base->digest, base->ended_ms - base->begun_ms,
	    ev_now_ms(base->all->b->ev) - base->ended_ms);
	builder_drop_work(base->all->b, base->work);
	base->work = 0;
	write_file(base->all);
	ready(base);
}

static void store(struct base *base, const struct put *put)
{
	struct builder *b = base->all->b;
	struct frame_out o = ask_begin(&base->ask, b->plan, MSG_STORE_PUT);
	struct error err = {0};

	str_copy(str_z(put->digest), base->digest, DIGEST_SIZE);
	base->state = BASE_STORING;
	base->ask.answered = stored;
	frame_put_u64(&o, F_WORK, base->work);
	frame_put_z(&o, F_NAME, put->name);
	frame_put_z(&o, F_DIGEST, put->digest);
	frame_put_u64(&o, F_OP, 0);
	if (ask_send(&b->asks, &base->ask, &o, &err) == -1)
		fail(base, err.msg);
}

static void imported(struct job *j)
{
	struct base *base = container_of(j, struct base, job);
	char why[REASON_SIZE];
	struct error err = {0};
	struct result r;

	base->ended_ms = ev_now_ms(base->all->b->ev);
	if (result_parse(buf_str(&j->report_text), &r, &err) == 0 &&
	    reason_none(&j->ending, &r) && !j->refused && r.nputs == 1) {
		store(base, &r.puts[0]);
	} else {
		reason_of(base->all->b->settings, &j->ending, &r, why);
		fail(base, j->refused      ? j->ending.text
		           : r.kind[0]     ? r.text
		           : base->tail[0] ? base->tail
		                           : why);
	}
	result_release(&r);
}

/* It prints nothing unless something is wrong. */
static void print(struct job *j, struct str bytes)
{
	struct base *base = container_of(j, struct base, job);

	str_copy(bytes, base->tail, sizeof(base->tail));
	for (char *c = base->tail; *c; c++)
		*c = (unsigned char)*c < 0x20 ? ' ' : *c;
}

static void import(struct base *base, int tar)
{
	static const char *const args[] = {
	    "/cnb/lifecycle/inner", "import", NULL};
	struct builder *b = base->all->b;
	struct job_order order = {.kind = KIND_IMPORT,
	    .ms = IMPORT_MS,
	    .args = args,
	    .input = tar,
	    .config = -1};
	struct error err = {0};

	base->work = order.work = rand_u64() | 1;
	base->begun_ms = ev_now_ms(b->ev);
	base->state = BASE_IMPORTING;
	base->tail[0] = '\0';
	log_info("base image import started name=%s", names[base->name]);
	if (job_start(&base->job, &order, &err) == -1)
		fail(base, err.msg);
}

/* --- finding out ---------------------------------------------------------- */

static int open_tar(struct base *base, struct stat *st, struct error *err)
{
	const char *state = base->all->b->settings->state;
	scoped_free char *path =
	    xasprintf("%s/stacks/" STACK "-%s.tar", state, names[base->name]);
	scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1 && errno == ENOENT)
		return error_set(err, ERR_NOT_FOUND,
		    "%s is missing: run paas setup --state %s", path, state);
	if (fd == -1 || fstat(fd, st) == -1)
		return error_sys(err, "open %s", path);
	return take_fd(&fd);
}

static uint64_t mtime_ns(const struct stat *st)
{
	return (uint64_t)st->st_mtim.tv_sec * 1000000000u +
	       (uint64_t)st->st_mtim.tv_nsec;
}

static void known(struct ask *a, const struct error *err)
{
	struct base *base = container_of(a, struct base, ask);

	base->state = BASE_UNKNOWN;
	if (err && err->code != ERR_NOT_FOUND) {
		fail(base, err->msg);
		return;
	}
	if (err) { /* the store was emptied: import it again */
		base->digest[0] = '\0';
		builder_next(base->all->b);
		return;
	}
	ready(base);
}

static void ask_store(struct base *base)
{
	struct builder *b = base->all->b;
	struct frame_out o = ask_begin(&base->ask, b->plan, MSG_STORE_HAS);
	struct error err = {0};

	base->state = BASE_ASKED;
	base->ask.answered = known;
	frame_put_z(&o, F_DIGEST, base->digest);
	frame_put_u64(&o, F_OP, 0);
	if (ask_send(&b->asks, &base->ask, &o, &err) == -1)
		fail(base, err.msg);
}

static void find_out(struct base *base)
{
	struct error err = {0};
	struct stat st;
	scoped_fd int tar = open_tar(base, &st, &err);

	if (tar == -1) {
		fail(base, err.msg);
		return;
	}
	if (base->digest[0] && base->size == (uint64_t)st.st_size &&
	    base->mtime_ns == mtime_ns(&st)) {
		ask_store(base);
		return;
	}
	base->digest[0] = '\0';
	base->size = (uint64_t)st.st_size;
	base->mtime_ns = mtime_ns(&st);
	import(base, tar);
}

/* --- for others ----------------------------------------------------------- */

bool bases_ready(struct bases *all)
{
	bool ready = true;

	for (size_t i = 0; i < BASE_N && !all->failed[0]; i++) {
		if (all->of[i].state == BASE_UNKNOWN)
			find_out(&all->of[i]);
		ready &= all->of[i].state == BASE_READY;
	}
	return ready && !all->failed[0];
}

const char *bases_failed(struct bases *all)
{
	if (!all->failed[0])
		return NULL;
	memcpy(all->told, all->failed, sizeof(all->told));
	all->failed[0] = '\0';
	return all->told;
}

bool bases_import(const struct bases *all)
{
	for (size_t i = 0; i < BASE_N; i++)
		if (all->of[i].state == BASE_IMPORTING ||
		    all->of[i].state == BASE_STORING)
			return true;
	return false;
}

const char *bases_digest(const struct bases *all, enum base_name name)
{
	return all->of[name].digest;
}

void bases_lost(struct bases *all)
{
	for (size_t i = 0; i < BASE_N; i++) {
		struct base *base = &all->of[i];

		job_lost(&base->job);
		if (base->work)
			builder_drop_work(all->b, base->work);
		base->work = 0;
		if (base->state == BASE_IMPORTING ||
		    base->state == BASE_STORING)
			base->digest[0] = '\0';
		if (base->state != BASE_READY)
			base->state = BASE_UNKNOWN;
	}
}

struct bases *bases_new(struct builder *b)
{
	struct bases *all = xcalloc(1, sizeof(*all));

	all->b = b;
	for (size_t i = 0; i < BASE_N; i++) {
		all->of[i].all = all;
		all->of[i].name = (enum base_name)i;
		job_init(&all->of[i].job, b, print, imported);
	}
	read_file(all);
	return all;
}

void bases_free(struct bases *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < BASE_N; i++) {
		job_release(&all->of[i].job);
		ask_forget(&all->of[i].ask);
	}
	free(all);
}
