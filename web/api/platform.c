/* platform - what the owner asks about the machine. */
#include "api/handlers.h"
#include "ask.h"
#include "base/mem.h"
#include "ipc/msg.h"

#define DOCTOR_MS                                                              \
	20000 /* a program is asked for its version, disks looked at */

struct doctor {
	struct request *r;
	struct ask ask;
};

static void doctor_free(void *arg)
{
	struct doctor *d = arg;

	ask_cancel(&d->ask);
	free(d);
}

static const char *level_name(uint64_t level)
{
	static const char *const names[FINDING_LEVELS] = {
	    "ok", "note", "warning", "problem"};

	return level < FINDING_LEVELS ? names[level] : "note";
}

/* The groups of the frame: [{"level", "text", "todo"}]. */
static json_t *findings(const struct frame *f)
{
	json_t *list = json_array(), *item = NULL;
	struct str value;
	uint16_t tag;
	size_t pos = 0;

	while (frame_next(f, &pos, &tag, &value)) {
		if (tag == F_LEVEL) {
			item = json_object();
			(void)json_array_append_new(list, item);
			(void)json_object_set_new(item, "level",
			    json_string(level_name(frame_number(value))));
		} else if (item && (tag == F_TEXT || tag == F_TODO)) {
			(void)json_object_set_new(item,
			    tag == F_TEXT ? "text" : "todo",
			    json_stringn(value.p, value.len));
		}
	}
	return list;
}

static void doctor_answered(
    struct ask *a, const struct frame *f, const struct error *err)
{
	struct doctor *d = container_of(a, struct doctor, ask);
	struct request *r = d->r;

	if (err)
		request_error(r, err);
	else
		request_json(r, 200, findings(f));
	r->wait = NULL;
	doctor_free(d);
}

void on_doctor(struct request *r)
{
	struct doctor *d = xcalloc(1, sizeof(*d));
	scoped_frame_out struct frame_out o =
	    ask_begin(&d->ask, r->w->plan, MSG_DOCTOR);
	struct error err = {0};

	d->r = r;
	d->ask.done = doctor_answered;
	if (ask_send(r->w, &d->ask, r->w->plan, &o, DOCTOR_MS, &err) == -1) {
		free(d);
		request_error(r, &err);
		return;
	}
	r->wait = d;
	r->wait_free = doctor_free;
}
