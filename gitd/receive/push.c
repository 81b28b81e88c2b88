#include "push.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/name.h"
#include "cmds.h"
#include "git.h"
#include "ipc/peer.h"
#include "tips.h"
#include "wire/frame.h"
#include "wire/pkt.h"

#define PACK_HEAD 12 /* "PACK", version, number of objects */
#define PACK_TAIL 20 /* the checksum behind the last object */

/*
 * Faults of old histories that do no harm here, as GitLab lets them pass:
 * refusing them would lock out repositories that every host takes.
 */
#define STRICT                                                                 \
	"--strict=zeroPaddedFilemode=ignore,badTimezone=ignore,"               \
	"missingSpaceBeforeDate=ignore"

/* What is remembered of a command until the pack is there. */
struct ref {
	char *name;
	char new[41];
};

struct push {
	const struct push_job *job;
	struct cmds cmds;
	struct ref *refs;
	size_t nrefs, cap;
	struct tips *tips;
	bool shallow; /* the client's history ends where we have no object */
	uint64_t objects;
	char pack[41]; /* its name, "" without one */
};

static void push_release(struct push *p)
{
	for (size_t i = 0; i < p->nrefs; i++)
		free(p->refs[i].name);
	free(p->refs);
	tips_close(p->tips);
}

/* Exactly n bytes; what ended too early is named in err. */
static int read_exact(
    int fd, char *p, size_t n, const char *what, struct error *err)
{
	while (n) {
		ssize_t got = read(fd, p, n);

		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return error_sys(err, "read %s", what);
		if (got == 0)
			return error_set(
			    err, ERR_INVALID, "the push ended in %s", what);
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

/*
 * Read one line, and nothing behind it: the pack that follows is read by
 * git from the same pipe.
 */
static int read_pkt(int fd, char *mem, struct pkt *ret, struct error *err)
{
	static const char what[] = "the list of refs";
	unsigned char len[2];
	size_t all;
	ssize_t n;

	if (read_exact(fd, mem, 4, what, err) == -1)
		return -1;
	n = pkt_parse(str_make(mem, 4), ret, err);
	if (n != 0)
		return n == -1 ? error_wrap(err, "%s", what) : 0;
	if (!hex_decode(str_make(mem, 4), 2, len))
		return error_set(err, ERR_INVALID, "%s", what);
	all = (size_t)len[0] << 8 | len[1];
	if (read_exact(fd, mem + 4, all - 4, what, err) == -1)
		return -1;
	return pkt_parse(str_make(mem, all), ret, err) == -1 ? -1 : 0;
}

static int send_ref(
    struct push *p, const struct cmds_line *line, struct error *err)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_RECEIVE_REF, 0);
	struct ref *ref;

	if (p->nrefs == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 8;
		p->refs = xrealloc(p->refs, p->cap * sizeof(*p->refs));
	}
	ref = &p->refs[p->nrefs++];
	ref->name = str_dup(line->name);
	snprintf(ref->new, sizeof(ref->new), STR_FMT, STR_ARG(line->new));
	frame_put(&o, F_ARG, line->name);
	frame_put(&o, F_OLD, line->old);
	frame_put(&o, F_NEW, line->new);
	return ipc_send_fd(p->job->conn, &o, err);
}

static int send_option(struct push *p, struct str option, struct error *err)
{
	scoped_frame_out struct frame_out o =
	    frame_begin(MSG_RECEIVE_OPTION, 0);

	frame_put(&o, F_OPTION, option);
	return ipc_send_fd(p->job->conn, &o, err);
}

static int send_caps(struct push *p, struct error *err)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_RECEIVE_CMDS, 0);

	frame_put(&o, F_CAPS, cmds_caps(&p->cmds));
	return ipc_send_fd(p->job->conn, &o, err);
}

static int take_line(struct push *p, const struct pkt *pkt, enum cmds_item *ret,
    struct error *err)
{
	struct cmds_line line;

	if (cmds_take(&p->cmds, pkt, &line, err) == -1)
		return -1;
	*ret = line.item;
	switch (line.item) {
	case CMDS_REF:
		return send_ref(p, &line, err);
	case CMDS_OPTION:
		return send_option(p, line.name, err);
	case CMDS_SHALLOW:
		p->shallow = p->shallow || !tips_has(p->tips, line.old);
		return 0;
	case CMDS_LISTED:
	case CMDS_END:
		return 0;
	}
	return 0;
}

/*
 * Past a limit the client's capabilities still go to gitd, so that the
 * report can be put in the form that the client understands.
 */
static int read_commands(struct push *p, struct error *err)
{
	scoped_free char *mem = xmalloc(PKT_MAX);
	enum cmds_item item = CMDS_REF;
	struct pkt pkt;
	int r = 0;

	while (r == 0 && item != CMDS_END) {
		r = read_pkt(p->job->body, mem, &pkt, err);
		if (r == 0)
			r = take_line(p, &pkt, &item, err);
	}
	if (r == -1 && err->code != ERR_LIMIT)
		return -1;
	return send_caps(p, r == -1 ? NULL : err) == -1 ? -1 : r;
}

static int index_pack(struct push *p, const char *head, struct error *err)
{
	char most[48], header[48];
	const char *args[] = {
	    "index-pack", "--stdin", "--fix-thin", STRICT, most, header, NULL};
	struct git_run run = {.args = args,
	    .objects = p->job->quarantine,
	    .in = p->job->body,
	    .out = -1,
	    .text = BUF_INIT(256),
	    .conn = p->job->conn};
	struct str text;
	int r;

	snprintf(
	    most, sizeof(most), "--max-input-size=%" PRIu64, p->job->max_bytes);
	snprintf(header, sizeof(header), "--pack_header=%u,%" PRIu64,
	    (unsigned)(unsigned char)head[7], p->objects);
	r = git_run(&run, err);
	text = str_trim(buf_str(&run.text));
	if (text.len && text.p[text.len - 1] == '\n')
		text.len--;
	if (r == 0 && str_starts(text, STR("pack\t")))
		text = str_sub(text, strlen("pack\t"), text.len);
	if (r == 0 && !name_sha1(text)) /* git passes on what it leaves */
		r = error_set(
		    err, ERR_INVALID, "something follows behind the pack");
	if (r == 0)
		snprintf(p->pack, sizeof(p->pack), STR_FMT, STR_ARG(text));
	buf_release(&run.text);
	return r;
}

static int pack_objects(
    const char *head, uint64_t max, uint64_t *ret, struct error *err)
{
	const unsigned char *h = (const unsigned char *)head;
	uint32_t version = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 |
	                   (uint32_t)h[6] << 8 | h[7];
	uint32_t n = (uint32_t)h[8] << 24 | (uint32_t)h[9] << 16 |
	             (uint32_t)h[10] << 8 | h[11];

	if (memcmp(head, "PACK", 4) != 0 || (version != 2 && version != 3))
		return error_set(
		    err, ERR_INVALID, "what follows the refs is no pack");
	if (n > max)
		return error_set(err, ERR_LIMIT,
		    "the pack has %" PRIu32 " objects, at most %" PRIu64
		    " are taken (setting push_objects)",
		    n, max);
	*ret = n;
	return 0;
}

static int read_pack(struct push *p, struct error *err)
{
	static const char what[] = "its pack";
	char head[PACK_HEAD], tail[PACK_TAIL];
	int r;

	if (read_exact(p->job->body, head, sizeof(head), what, err) == -1 ||
	    pack_objects(head, p->job->max_objects, &p->objects, err) == -1)
		return -1;
	if (p->objects == 0)
		return read_exact(p->job->body, tail, sizeof(tail), what, err);
	r = index_pack(p, head, err);
	if (r == -1 && strstr(err->msg, "maximum allowed size"))
		return error_set(err, ERR_LIMIT,
		    "the pack is larger than %" PRIu64
		    " MiB (setting push_pack)",
		    p->job->max_bytes >> 20);
	return r;
}

static int send_bad_ref(
    struct push *p, size_t i, const char *why, struct error *err)
{
	scoped_frame_out struct frame_out o =
	    frame_begin(MSG_RECEIVE_BAD_REF, 0);

	frame_put_u64(&o, F_NUM, i);
	frame_put_z(&o, F_TEXT, why);
	return ipc_send_fd(p->job->conn, &o, err);
}

/* Tell of each ref that can't move; `all` is why none can, or NULL. */
static int send_bad_refs(struct push *p, const char *all, struct error *err)
{
	static const char zero[] = "0000000000000000000000000000000000000000";

	for (size_t i = 0; i < p->nrefs; i++) {
		struct str new = str_z(p->refs[i].new);
		const char *why = all;

		if (str_eqz(new, zero))
			continue;
		if (!why)
			why =
			    tips_refusal(p->tips, str_z(p->refs[i].name), new);
		if (why && send_bad_ref(p, i, why, err) == -1)
			return -1;
	}
	return 0;
}

static int send_done(struct push *p, struct error *err)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_RECEIVE_DONE, 0);

	frame_put_u64(&o, F_BYTES, p->cmds.bytes);
	frame_put_u64(&o, F_COUNT, p->objects);
	if (p->pack[0])
		frame_put_z(&o, F_PACK, p->pack);
	return ipc_send_fd(p->job->conn, &o, err);
}

int push_receive(const struct push_job *job, struct error *err)
{
	struct push p __attribute__((cleanup(push_release))) = {
	    .job = job, .cmds = {.max_refs = job->max_refs}};
	const char *all = NULL;

	p.tips = tips_open(err);
	if (!p.tips || read_commands(&p, err) == -1)
		return -1;
	if (p.cmds.pack && read_pack(&p, err) == -1) {
		/* A history cut where we have nothing misses its parents. */
		if (!p.shallow || !strstr(err->msg, "expected object"))
			return -1;
		all = "shallow update not allowed";
	}
	if (p.pack[0] && tips_add(p.tips, job->quarantine, err) == -1)
		return -1;
	if (send_bad_refs(&p, all, err) == -1)
		return -1;
	return send_done(&p, err);
}
