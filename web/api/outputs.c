/* outputs - the output of a build, as it grows. */
#include <fcntl.h>
#include <unistd.h>

#include "api/handlers.h"
#include "api/stream.h"
#include "base/fd.h"
#include "base/mem.h"
#include "blog.h"

struct output {
	struct stream stream;
	struct blog_watch watch;
	struct web *w;
	int fd;
	off_t at;
};

static ssize_t output_read(struct stream *s, char *to, size_t max)
{
	struct output *o = container_of(s, struct output, stream);
	struct build b;
	ssize_t n;
	bool over;

	/* Asked first: what is written before the end is not missed. */
	over = store_build_get(o->w->store, o->watch.build, &b, NULL) == -1 ||
	       b.state != BUILD_PENDING;
	n = pread(o->fd, to, max, o->at);
	if (n > 0)
		o->at += n;
	return n > 0 ? n : over ? -1 : 0;
}

static void output_free(struct stream *s)
{
	struct output *o = container_of(s, struct output, stream);

	blog_watch_del(&o->watch);
	fd_close(&o->fd);
	free(o);
}

static void grown(struct blog_watch *watch)
{
	stream_more(&container_of(watch, struct output, watch)->stream);
}

void on_output(struct request *r)
{
	struct error err = {0};
	struct output *o;
	struct build b;
	int fd;

	if (!stream_may(r))
		return;
	if (store_build_by_secret(r->w->store, r->match.args[0], &b, &err) ==
	        -1 ||
	    (fd = blog_open(r->w, b.id, false, &err)) == -1) {
		request_error(r, &err);
		return;
	}
	o = xcalloc(1, sizeof(*o));
	*o = (struct output){
	    /* A NUL is not seen on a terminal, and the CLI leaves it out. */
	    .stream = {.read = output_read,
	        .free = output_free,
	        .beat = {"\0", 1}},
	    .watch = {.build = b.id, .grown = grown},
	    .w = r->w,
	    .fd = fd};
	blog_watch_add(r->w, &o->watch);
	stream_answer(r, &o->stream, "text/plain; charset=utf-8");
}
