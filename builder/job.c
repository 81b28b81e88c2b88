#include "job.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/rand.h"

#define CHUNK (64 * 1024)
#define GUARD_MS 10000 /* for the last bytes after the end, or for the end */

/* --- ending --------------------------------------------------------------- */

static void stop_reading(struct ev_io *io)
{
	ev_io_del(io);
	fd_close(&io->fd);
}

static void let_go(struct job *j)
{
	ev_timer_stop(&j->guard);
	ask_forget(&j->ask);
	stop_reading(&j->output);
	stop_reading(&j->report);
	list_del(&j->of_builder);
	j->id = 0;
}

static void end(struct job *j)
{
	let_go(j);
	j->ended(j);
}

/* Its end and the last bytes of both pipes come on different ways. */
static void end_if_all_came(struct job *j)
{
	if (j->exited && j->output.fd == -1 && j->report.fd == -1)
		end(j);
}

static void guard_fired(struct ev_timer *t)
{
	struct job *j = container_of(t, struct job, guard);

	log_warn(
	    "job left behind job=%016" PRIx64 " exited=%d", j->id, j->exited);
	end(j);
}

/* --- what it writes ------------------------------------------------------- */

static void output_ready(struct ev_io *io, unsigned events)
{
	struct job *j = container_of(io, struct job, output);
	char bytes[CHUNK];
	ssize_t n = read(io->fd, bytes, sizeof(bytes));

	if (n > 0)
		j->print(j, str_make(bytes, (size_t)n));
	if (n > 0 || (n == -1 && (errno == EAGAIN || errno == EINTR)))
		return;
	stop_reading(io);
	end_if_all_came(j);
}

static void report_ready(struct ev_io *io, unsigned events)
{
	struct job *j = container_of(io, struct job, report);
	struct error err = {0};
	ssize_t n = buf_read(&j->report_text, io->fd, &err);

	if (n > 0 || (n == -1 && err.sys == EAGAIN))
		return;
	if (n == -1) /* too long to be one: as good as none */
		buf_clear(&j->report_text);
	stop_reading(io);
	end_if_all_came(j);
}

/* --- starting ------------------------------------------------------------- */

static void answered(struct ask *a, const struct error *err)
{
	struct job *j = container_of(a, struct job, ask);

	if (!err)
		return; /* it runs */
	j->refused = true;
	snprintf(j->ending.text, sizeof(j->ending.text), "%.199s", err->msg);
	end(j);
}

static void put_texts(
    struct frame_out *o, uint16_t tag, const char *const *texts)
{
	for (; texts && *texts; texts++)
		frame_put_z(o, tag, *texts);
}

static void put_order(
    const struct job *j, const struct job_order *order, struct frame_out *o)
{
	const struct settings *s = j->b->settings;

	frame_put_u64(o, F_JOB, j->id);
	frame_put_u64(o, F_APP, order->app);
	if (order->app_name)
		frame_put_z(o, F_APP_NAME, order->app_name);
	frame_put_u64(o, F_KIND, order->kind);
	frame_put_u64(o, F_WORK, order->work);
	put_texts(o, F_ARG, order->args);
	put_texts(o, F_ENV, order->env);
	for (size_t i = 0; i < order->nlayers; i++)
		frame_put_z(o, F_LAYER, order->layers[i]);
	frame_put_u64(o, F_MEMORY, s->build_memory_bytes);
	frame_put_u64(o, F_PIDS, s->build_pids);
	frame_put_u64(o, F_CPU, BUILD_CPU_WEIGHT);
	frame_put_u64(o, F_DISK, s->build_disk_bytes);
	frame_put_u64(o, F_INODES, s->build_inodes);
	frame_put_u64(o, F_MS, order->ms);
}

static int open_reader(struct ev *ev, struct ev_io *io, int *ret_write,
    void (*ready)(struct ev_io *io, unsigned events), struct error *err)
{
	int fds[2];

	if (fd_pipe(fds, err) == -1)
		return -1;
	*io = (struct ev_io){.fd = fds[0], .ready = ready};
	*ret_write = fds[1];
	if (fd_nonblock(fds[0], true, err) == -1)
		return -1;
	return ev_io_add(ev, io, EV_READ, err);
}

static int send_job(struct job *j, const struct job_order *order, int output,
    int report, struct error *err)
{
	int nothing = j->b->nothing;
	struct frame_out o = ask_begin(&j->ask, j->b->plan, MSG_JOB);

	put_order(j, order, &o);
	frame_put_fd(&o, order->input == -1 ? nothing : order->input);
	frame_put_fd(&o, output);
	frame_put_fd(&o, order->config == -1 ? nothing : order->config);
	frame_put_fd(&o, report);
	j->ask.answered = answered;
	return ask_send(&j->b->asks, &j->ask, &o, err);
}

int job_start(struct job *j, const struct job_order *o, struct error *err)
{
	scoped_fd int output = -1, report = -1;

	job_release(j);
	do
		j->id = rand_u64();
	while (j->id == 0);
	j->exited = j->refused = false;
	j->ending = (struct ending){0};
	j->asked_ms = ev_now_ms(j->b->ev);
	list_add(&j->b->jobs, &j->of_builder);
	if (open_reader(j->b->ev, &j->output, &output, output_ready, err) ==
	        -1 ||
	    open_reader(j->b->ev, &j->report, &report, report_ready, err) ==
	        -1 ||
	    send_job(j, o, output, report, err) == -1) {
		let_go(j);
		return -1;
	}
	return 0;
}

void job_init(struct job *j, struct builder *b,
    void (*print)(struct job *j, struct str bytes),
    void (*ended)(struct job *j))
{
	*j = (struct job){.b = b,
	    .print = print,
	    .ended = ended,
	    .output = {.fd = -1},
	    .report = {.fd = -1},
	    .guard = {.fire = guard_fired},
	    .report_text = BUF_INIT(RESULT_BYTES_MAX)};
	list_init(&j->of_builder);
}

bool job_runs(const struct job *j)
{
	return j->id != 0;
}

void job_cancel(struct job *j)
{
	struct frame_out o;

	if (!job_runs(j))
		return;
	o = frame_begin(MSG_JOB_CANCEL, 0);
	frame_put_u64(&o, F_JOB, j->id);
	(void)peer_send(j->b->plan, &o);
	ev_timer_set(j->b->ev, &j->guard, GUARD_MS);
}

void job_lost(struct job *j)
{
	if (job_runs(j))
		let_go(j);
}

void job_release(struct job *j)
{
	job_lost(j);
	buf_release(&j->report_text);
}

void jobs_exited(struct builder *b, const struct frame *f)
{
	struct job *j;

	list_each(j, &b->jobs, of_builder)
	{
		if (j->id != frame_u64(f, F_JOB) || j->exited)
			continue;
		j->exited = true;
		j->ending.code = frame_u64(f, F_EXIT_CODE);
		j->ending.signal = frame_u64(f, F_EXIT_SIGNAL);
		j->ending.oom = frame_u64(f, F_OOM) != 0;
		str_copy(frame_str(f, F_TEXT), j->ending.text,
		    sizeof(j->ending.text));
		ev_timer_set(b->ev, &j->guard, GUARD_MS);
		end_if_all_came(j);
		return;
	}
}
