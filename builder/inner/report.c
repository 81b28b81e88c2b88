#include "report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"

void report_init(struct report *r)
{
	r->json = json_pack("{s:[]}", "stages");
	r->mark_ms = clock_mono_ms();
}

void report_release(struct report *r)
{
	json_decref(r->json);
	r->json = NULL;
}

void report_stage(struct report *r, const char *name, bool cached)
{
	uint64_t now = clock_mono_ms();

	json_array_append_new(json_object_get(r->json, "stages"),
	    json_pack("{s:s, s:I, s:b}", "name", name, "ms",
	        (json_int_t)(now - r->mark_ms), "cached", cached));
	r->mark_ms = now;
}

json_t *report_text(const char *text)
{
	json_t *s = json_string(text);
	scoped_free char *copy = NULL;

	if (s)
		return s;
	copy = xstrdup(text);
	for (char *c = copy; *c; c++)
		if (*c & 0x80)
			*c = '?';
	return json_string(copy);
}

void report_error(struct report *r, const char *kind, const char *text)
{
	if (json_object_get(r->json, "error"))
		return;
	json_object_set_new(r->json, "error",
	    json_pack("{s:s, s:o}", "kind", kind, "text", report_text(text)));
}

void report_set(struct report *r, const char *key, json_t *value)
{
	json_object_set_new(r->json, key, value);
}

void report_send(struct report *r)
{
	char *text = json_dumps(r->json, JSON_COMPACT | JSON_SORT_KEYS);
	struct error err;

	if (text)
		(void)fd_write_all(REPORT_FD, str_z(text), &err);
	free(text);
	close(REPORT_FD);
}
