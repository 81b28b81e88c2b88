#include "oneoff.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/mem.h"
#include "ipc/msg.h"
#include "model.h"

/* --- repeated fields ------------------------------------------------------ */

static void fields_copy(
    const struct frame *f, uint16_t tag, char end, struct buf *out)
{
	struct str value;
	uint16_t found;
	size_t pos = 0;

	while (frame_next(f, &pos, &found, &value)) {
		if (found != tag)
			continue;
		buf_add(out, value);
		buf_addc(out, end);
	}
}

static void fields_put(
    struct str items, char end, uint16_t tag, struct frame_out *o)
{
	struct str item;

	while (items.len && str_split(&items, end, &item))
		frame_put(o, tag, item);
}

char *layers_copy(const struct frame *f)
{
	scoped_buf struct buf out = BUF_INIT(FRAME_MAX);

	fields_copy(f, F_LAYER, '\n', &out);
	return str_dup(buf_str(&out));
}

void layers_put(const char *layers, struct frame_out *o)
{
	fields_put(str_z(layers), '\n', F_LAYER, o);
}

char *volumes_copy(const struct frame *f)
{
	scoped_buf struct buf out = BUF_INIT(FRAME_MAX);
	struct str value;
	uint16_t tag;
	size_t pos = 0;

	while (frame_next(f, &pos, &tag, &value)) {
		if (tag == F_VOLUME)
			buf_addf(&out, "%" PRIu64 " ", frame_number(value));
		else if (tag == F_VOLUME_BYTES)
			buf_addf(&out, "%" PRIu64 " ", frame_number(value));
		else if (tag == F_VOLUME_PATH)
			buf_addf(&out, STR_FMT "\n", STR_ARG(value));
	}
	return str_dup(buf_str(&out));
}

static void volume_put(struct str line, struct frame_out *o)
{
	struct str id, bytes;
	uint64_t number;

	(void)str_split(&line, ' ', &id);
	(void)str_split(&line, ' ', &bytes);
	if (!str_u64(id, UINT64_MAX, &number))
		return;
	frame_put_u64(o, F_VOLUME, number);
	if (str_u64(bytes, UINT64_MAX, &number))
		frame_put_u64(o, F_VOLUME_BYTES, number);
	frame_put(o, F_VOLUME_PATH, line);
}

void volumes_put(const char *volumes, struct frame_out *o)
{
	struct str rest = str_z(volumes ? volumes : ""), line;

	while (rest.len && str_split(&rest, '\n', &line))
		volume_put(line, o);
}

void limits_put(const struct size_limits *l, struct frame_out *o)
{
	frame_put_u64(o, F_MEMORY, l->memory);
	frame_put_u64(o, F_CPU, l->cpu);
	frame_put_u64(o, F_CPU_MAX, l->cpu_max);
	frame_put_u64(o, F_PIDS, l->pids);
	frame_put_u64(o, F_IO, l->io);
	frame_put_u64(o, F_IO_MAX, l->io_max);
	frame_put_u64(o, F_DISK, l->disk);
	frame_put_u64(o, F_INODES, l->inodes);
	frame_put_u64(o, F_OWN_DISK, l->own_disk);
}

/* --- one that is kept ----------------------------------------------------- */

static struct pending *pending_new(struct frame *f)
{
	struct pending *p = xcalloc(1, sizeof(*p));

	p->args = (struct buf)BUF_INIT(FRAME_MAX);
	p->env = (struct buf)BUF_INIT(FRAME_MAX);
	p->layers = layers_copy(f);
	fields_copy(f, F_ENV, '\0', &p->env);
	p->nfds = f->nfds < (int)NELEM(p->fds) ? f->nfds : (int)NELEM(p->fds);
	for (int i = 0; i < p->nfds; i++)
		p->fds[i] = frame_take_fd(f, i);
	return p;
}

static void add_arg(struct pending *p, struct str arg)
{
	buf_add(&p->args, arg);
	buf_addc(&p->args, '\0');
}

struct str pending_size(const struct frame *f)
{
	struct str size = frame_str(f, F_SIZE);

	return size.len ? size : STR(SIZE_DEFAULT);
}

struct pending *pending_run(struct frame *f, const struct settings *s)
{
	struct pending *p = pending_new(f);

	size_limits(s, pending_size(f), &p->limits);
	p->volumes = volumes_copy(f);
	if (frame_u64(f, F_KIND) == KIND_EXEC)
		p->layers[0] = '\0';
	p->attached = frame_u64(f, F_STATE) != 0;
	p->pty = frame_u64(f, F_PTY) != 0;
	p->rows = frame_u64(f, F_ROWS);
	p->cols = frame_u64(f, F_COLS);
	p->command = str_dup(frame_str(f, F_COMMAND));
	add_arg(p, STR(LAUNCHER));
	add_arg(p, frame_str(f, F_COMMAND));
	return p;
}

struct pending *pending_cron(
    const struct want *w, const char *command, const struct settings *s)
{
	struct pending *p = xcalloc(1, sizeof(*p));

	p->args = (struct buf)BUF_INIT(FRAME_MAX);
	p->env = (struct buf)BUF_INIT(FRAME_MAX);
	p->layers = xstrdup(w->layers);
	p->volumes = w->volumes ? xstrdup(w->volumes) : NULL;
	p->fds[p->nfds++] = fcntl(w->env, F_DUPFD_CLOEXEC, 3);
	size_limits(s, STR(SIZE_DEFAULT), &p->limits);
	p->command = xstrdup(command);
	add_arg(p, STR(LAUNCHER));
	add_arg(p, str_z(command));
	return p;
}

struct pending *pending_job(struct frame *f)
{
	struct pending *p = pending_new(f);

	p->limits.memory = frame_u64(f, F_MEMORY);
	p->limits.cpu = frame_u64(f, F_CPU);
	p->limits.pids = frame_u64(f, F_PIDS);
	p->limits.disk = frame_u64(f, F_DISK);
	p->limits.inodes = frame_u64(f, F_INODES);
	fields_copy(f, F_ARG, '\0', &p->args);
	return p;
}

void pending_free(struct pending *p)
{
	if (!p)
		return;
	for (int i = 0; i < p->nfds; i++)
		fd_close(&p->fds[i]);
	buf_release(&p->args);
	buf_release(&p->env);
	free(p->layers);
	free(p->volumes);
	free(p->command);
	free(p);
}

void pending_put(const struct pending *p, struct frame_out *o)
{
	fields_put(buf_str(&p->args), '\0', F_ARG, o);
	fields_put(buf_str(&p->env), '\0', F_ENV, o);
	layers_put(p->layers, o);
	volumes_put(p->volumes, o);
	limits_put(&p->limits, o);
	frame_put_u64(o, F_STATE, p->attached);
	frame_put_u64(o, F_PTY, p->pty);
	if (p->rows && p->cols) {
		frame_put_u64(o, F_ROWS, p->rows);
		frame_put_u64(o, F_COLS, p->cols);
	}
	for (int i = 0; i < p->nfds; i++)
		frame_put_fd(o, p->fds[i]);
}
