/*
 * paas-outbound - sends what daemons give it to servers of others.
 *
 *   paas-outbound drains    batches of log lines, given by logd
 *
 * Started by super on a connection to outbound.sock, as paas-outbound, with
 * the connection as descriptor 0. The only server program that resolves
 * names and parses answers of strangers: it reads /etc, libraries and the CA
 * bundle, writes no file and starts no program.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "ipc/peer.h"
#include "outbound.h"
#include "proc/sandbox.h"
#include "proc/start.h"

#define FILES_MOST 2048
#define FRAMES_A_TURN 32

/* --- what logd asks ------------------------------------------------------- */

/* The bytes of a batch are copied: logd's memory is logd's. */
static int read_bytes(struct frame *f, struct batch *b, struct error *err)
{
	scoped_fd int fd = frame_take_fd(f, 0);
	struct stat st;

	if (fstat(fd, &st) == -1)
		return error_sys(err, "look at a batch");
	if (st.st_size <= 0 || st.st_size > (off_t)BATCH_MOST)
		return error_set(err, ERR_LIMIT, "a batch of %lld bytes",
		    (long long)st.st_size);
	b->len = (size_t)st.st_size;
	b->bytes = xmalloc(b->len);
	if (pread(fd, b->bytes, b->len, 0) != (ssize_t)b->len)
		return error_sys(err, "read a batch");
	return 0;
}

static int take_batch(struct drain *d, struct frame *f, struct error *err)
{
	struct batch *b = xcalloc(1, sizeof(*b));

	b->seq = frame_u64(f, F_SEQ);
	b->epoch = frame_u64(f, F_EPOCH);
	b->count = frame_u64(f, F_COUNT);
	str_copy(frame_str(f, F_BATCH), b->id, sizeof(b->id));
	if (read_bytes(f, b, err) == -1 ||
	    drain_set(d, frame_str(f, F_DRAIN_URL), frame_str(f, F_DRAIN_TOKEN),
	        err) == -1) {
		free(b->bytes);
		free(b);
		return -1;
	}
	list_add(&d->batches, &b->item);
	drain_go(d);
	return 0;
}

static int on_send(struct outbound *o, struct frame *f, struct error *err)
{
	uint64_t id = frame_u64(f, F_DRAIN);
	struct drain *d = drain_get(o, id);

	if (!d)
		d = drain_make(o, id);
	if (!d)
		return error_set(
		    err, ERR_LIMIT, "more than %d drains", DRAINS_MOST);
	if (frame_u64(f, F_EPOCH) == d->dead_epoch)
		return 0; /* it left before logd heard of a failure */
	return take_batch(d, f, err);
}

static int on_frame(struct outbound *o, struct frame *f, struct error *err)
{
	struct drain *d;

	if (f->type == MSG_DRAIN_SEND)
		return on_send(o, f, err);
	d = f->type == MSG_DRAIN_STOP ? drain_get(o, frame_u64(f, F_DRAIN))
	                              : NULL;
	if (d)
		drain_free(d);
	return 0;
}

static void take_frames(struct outbound *o, char *mem)
{
	for (int i = 0; i < FRAMES_A_TURN && !o->over; i++) {
		struct pollfd p = {OUTBOUND_CONN, POLLIN, 0};
		struct error err = {0};
		struct frame f;
		int n;

		if (poll(&p, 1, 0) < 1)
			return;
		n = ipc_recv_fd(
		    OUTBOUND_CONN, ROLE_OUTBOUND, ROLE_LOGD, mem, &f, &err);
		if (n == 1 && on_frame(o, &f, &err) == -1)
			n = -1;
		if (n == 1)
			frame_close_fds(&f);
		if (n == -1)
			log_warn("logd is left: %s", err.msg);
		o->over |= n < 1;
	}
}

/* --- the loop ------------------------------------------------------------- */

static void take_results(struct outbound *o)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(o->multi, &left))) {
		CURLcode rc = m->data.result;
		struct drain *d = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &d);
		if (!d || d->state != DRAIN_CALLING)
			continue;
		if (drain_is_syslog(&d->url))
			stream_done(d, rc);
		else
			http_done(d, rc);
	}
}

static bool is_stream(const struct drain *d)
{
	return d->state == DRAIN_OPEN || d->state == DRAIN_CLOSING;
}

/* Fill in what to wait for; the milliseconds until time alone asks. */
static int gather(struct outbound *o, struct curl_waitfd *fds, unsigned *ret_n)
{
	uint64_t now = clock_mono_ms(), due = o->busy_ms + IDLE_MS;
	struct drain *d;

	*ret_n = 1;
	fds[0] = (struct curl_waitfd){OUTBOUND_CONN, CURL_WAIT_POLLIN, 0};
	list_each(d, &o->drains, item)
	{
		if (d->state != DRAIN_IDLE)
			o->busy_ms = now;
		if (!is_stream(d))
			continue;
		fds[(*ret_n)++] = (struct curl_waitfd){d->fd,
		    (short)(CURL_WAIT_POLLIN |
		            (stream_wants(d) & POLLOUT ? CURL_WAIT_POLLOUT
		                                       : 0)),
		    0};
		if (stream_due(d) < due)
			due = stream_due(d);
	}
	return due <= now ? 0 : (int)(due - now);
}

static void turn_streams(struct outbound *o)
{
	uint64_t now = clock_mono_ms();
	struct drain *d;

	list_each(d, &o->drains, item)
	{
		if (is_stream(d))
			stream_turn(d, 0, now);
	}
}

static void serve(struct outbound *o)
{
	struct curl_waitfd *fds = xcalloc(STREAMS_MOST + 1, sizeof(*fds));
	char *mem = xmalloc(FRAME_MAX);
	int running;

	o->busy_ms = clock_mono_ms();
	while (!o->over && clock_mono_ms() - o->busy_ms < IDLE_MS) {
		unsigned n;
		int wait = gather(o, fds, &n);

		(void)curl_multi_poll(o->multi, fds, n, wait, NULL);
		take_frames(o, mem);
		(void)curl_multi_perform(o->multi, &running);
		take_results(o);
		turn_streams(o);
	}
	free(fds);
	free(mem);
}

/* --- the start ------------------------------------------------------------ */

/*
 * Names are resolved by a thread of libcurl, with what /etc says; a folder
 * for each path that may hold the CA bundle.
 */
static int confine(const struct settings *s, struct error *err)
{
	static const char *const paths[] = {"/etc", "/usr/lib", "/lib",
	    "/lib64", "/usr/share/ca-certificates", "/run/systemd/resolve",
	    "/dev/urandom"};
	struct sandbox_path list[NELEM(paths) + 1];
	bool missing;
	size_t n = 0;

	for (size_t i = 0; i < NELEM(paths); i++)
		if (access(paths[i], F_OK) == 0)
			list[n++] = (struct sandbox_path){.path = paths[i]};
	if (access(s->outbound_ca, R_OK) == 0)
		list[n++] = (struct sandbox_path){.path = s->outbound_ca};
	if (sandbox_basic(err) == -1 ||
	    sandbox_rlimit(RLIMIT_NOFILE, FILES_MOST, err) == -1 ||
	    sandbox_rlimit(RLIMIT_FSIZE, 0, err) == -1 ||
	    sandbox_paths(list, n, &missing, err) == -1)
		return -1;
	return sandbox_calls(SANDBOX_NO_EXEC, err);
}

static int run(struct start *s, struct error *err)
{
	struct outbound o = {.settings = &s->settings};

	list_init(&o.drains);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return error_set(err, ERR_INTERNAL, "start libcurl");
	o.multi = curl_multi_init();
	if (!o.multi)
		return error_set(err, ERR_INTERNAL, "start libcurl");
	if (confine(&s->settings, err) == -1)
		return -1;
	serve(&o);
	return 0;
}

int main(int argc, char **argv)
{
	struct start start;
	struct error err = {0};

	if (argc != 2 || strcmp(argv[1], "drains") != 0) {
		fprintf(stderr, "usage: paas-outbound drains\n"
		                "A worker that super starts.\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	if (start_open(&start, "outbound", &err) == -1 ||
	    fd_nonblock(OUTBOUND_CONN, false, &err) == -1 ||
	    run(&start, &err) == -1) {
		log_error("%s", err.msg);
		return EXIT_FAILURE;
	}
	/* Nothing waits to be written, and a name may still be looked up. */
	_exit(EXIT_SUCCESS);
}
