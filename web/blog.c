#include "blog.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "ipc/msg.h"

#define TEXT_MAX 65536
#define TAIL_BYTES 4096

static void file_name(int64_t build, char out[32])
{
	snprintf(out, 32, "%" PRId64 ".log", build);
}

int blog_open(struct web *w, int64_t build, bool append, struct error *err)
{
	int flags = append ? O_WRONLY | O_APPEND : O_RDONLY;
	char name[32];
	int fd;

	file_name(build, name);
	fd = openat(w->builds_dir, name,
	    flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd == -1)
		return error_sys(err, "open the log of build %" PRId64, build);
	return fd;
}

void blog_remove(struct web *w, int64_t build)
{
	char name[32];

	file_name(build, name);
	(void)unlinkat(w->builds_dir, name, 0); /* it may never have been */
}

bool blog_has(struct web *w, int64_t build, struct str text)
{
	scoped_fd int fd = blog_open(w, build, false, NULL);
	char tail[TAIL_BYTES];
	struct stat st;
	ssize_t n;

	if (fd == -1 || fstat(fd, &st) == -1)
		return false;
	n = pread(fd, tail, sizeof(tail),
	    st.st_size > TAIL_BYTES ? st.st_size - TAIL_BYTES : 0);
	return n > 0 && str_find_str(str_make(tail, (size_t)n), text) != -1;
}

void blog_add(struct web *w, int64_t build, const char *fmt, ...)
{
	scoped_fd int fd = -1;
	scoped_buf struct buf text = BUF_INIT(TEXT_MAX);
	struct error err = {0};
	va_list args;
	int n;

	if (!buf_reserve(&text, TEXT_MAX - 1))
		return;
	va_start(args, fmt);
	n = vsnprintf(text.p, TEXT_MAX, fmt, args);
	va_end(args);
	text.len = n < TEXT_MAX ? (size_t)n : TEXT_MAX - 1;
	fd = blog_open(w, build, true, &err);
	if (fd == -1 || fd_write_all(fd, buf_str(&text), &err) == -1)
		log_error("log of a build lost a line build=%" PRId64 ": %s",
		    build, err.msg);
	blog_grown(w, build);
}

static uint64_t size_of(struct web *w, int64_t build)
{
	char name[32];
	struct stat st;

	file_name(build, name);
	if (fstatat(w->builds_dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	return (uint64_t)st.st_size;
}

static void tick_gitd(struct web *w, int64_t build)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_PUSH_TICK, 0);
	struct push p;

	if (!w->gitd || store_push_by_build(w->store, build, &p, NULL) == -1 ||
	    p.settled)
		return;
	frame_put_u64(&o, F_PUSH, (uint64_t)p.id);
	frame_put_u64(&o, F_OFFSET, size_of(w, build));
	(void)peer_send(w->gitd, &o);
}

void blog_grown(struct web *w, int64_t build)
{
	struct blog_watch *watch;

	list_each(watch, &w->blog_watches, item)
	{
		if (watch->build == build)
			watch->grown(watch);
	}
	tick_gitd(w, build);
}

void blog_check_all(struct web *w)
{
	struct blog_watch *watch;

	list_each(watch, &w->blog_watches, item) watch->grown(watch);
}

void blog_watch_add(struct web *w, struct blog_watch *watch)
{
	list_add(&w->blog_watches, &watch->item);
}

void blog_watch_del(struct blog_watch *watch)
{
	list_del(&watch->item);
}
