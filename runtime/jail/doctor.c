#include "doctor.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/fd.h"
#include "base/log.h"

/* Every check there is, in the order people read them. */
static void (*const checks[])(struct doctor *d) = {
    doctor_kernel,
    doctor_cgroups,
    doctor_swap,
    doctor_apparmor,
    doctor_mounts,
    doctor_runtime,
    doctor_disk,
    doctor_limits,
    doctor_sizes,
    doctor_clock,
    doctor_network,
};

void doctor_say(struct doctor *d, enum finding_level level, const char *todo,
    const char *fmt, ...)
{
	struct finding *f = d->items + d->n;
	va_list ap;

	if (d->n == FINDINGS_MAX)
		return;
	d->n++;
	f->level = level;
	snprintf(f->todo, sizeof(f->todo), "%s", todo ? todo : "");
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

bool doctor_read(const struct doctor *d, const char *path, struct buf *b)
{
	struct error err;

	b->len = 0;
	return fd_read_file(d->root, path, b, &err) == 0;
}

bool doctor_number(const struct doctor *d, const char *path, uint64_t *ret)
{
	scoped_buf struct buf text = BUF_INIT(4096);
	size_t digits = 0;

	if (!doctor_read(d, path, &text))
		return false;
	while (
	    digits < text.len && text.p[digits] >= '0' && text.p[digits] <= '9')
		digits++;
	return str_u64(str_make(text.p, digits), UINT64_MAX, ret);
}

void doctor_look(struct jail *j, struct doctor *d)
{
	d->j = j;
	d->n = 0;
	d->root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < NELEM(checks); i++)
		checks[i](d);
	fd_close(&d->root);
}

void doctor_log(struct jail *j)
{
	struct doctor d;

	doctor_look(j, &d);
	for (size_t i = 0; i < d.n; i++) {
		const struct finding *f = d.items + i;

		if (f->level == FINDING_BAD)
			log_error("this host: %s; %s", f->text, f->todo);
		else if (f->level == FINDING_WARN)
			log_warn("this host: %s; %s", f->text, f->todo);
		else
			log_info("this host: %s", f->text);
	}
}

void doctor_answer(struct jail *j, struct frame *f)
{
	struct frame_out o = frame_begin(MSG_OK, f->id);
	struct doctor d;

	doctor_look(j, &d);
	for (size_t i = 0; i < d.n; i++) {
		frame_put_u64(&o, F_LEVEL, d.items[i].level);
		frame_put(&o, F_TEXT, str_z(d.items[i].text));
		frame_put(&o, F_TODO, str_z(d.items[i].todo));
	}
	(void)peer_send(j->plan, &o);
}
