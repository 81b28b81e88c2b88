#include "reason.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CONTAINER_FAILED 125 /* exit code of what never ran */

/* "512 MiB", "2 GiB" */
static void size_text(uint64_t bytes, char out[32])
{
	if (bytes >= 1ull << 30 && bytes % (1ull << 30) == 0)
		snprintf(out, 32, "%" PRIu64 " GiB", bytes >> 30);
	else
		snprintf(out, 32, "%" PRIu64 " MiB", bytes >> 20);
}

bool reason_none(const struct ending *e, const struct result *r)
{
	return e->code == 0 && e->signal == 0 && !r->kind[0];
}

static void memory(const struct settings *s, char out[REASON_SIZE])
{
	char size[32];

	size_text(s->build_memory_bytes, size);
	snprintf(out, REASON_SIZE,
	    "the build ran out of memory: it may use %s, its files included "
	    "(setting build_memory)",
	    size);
}

static void disk(const struct settings *s, char out[REASON_SIZE])
{
	char size[32];

	size_text(s->build_disk_bytes, size);
	snprintf(out, REASON_SIZE,
	    "the build filled its disk: its files may have %s (setting "
	    "build_disk)",
	    size);
}

static void inodes(const struct settings *s, char out[REASON_SIZE])
{
	snprintf(out, REASON_SIZE,
	    "the build made more than %" PRIu64 " files (setting build_inodes)",
	    s->build_inodes);
}

static const struct {
	const char *kind;
	void (*say)(const struct settings *s, char out[REASON_SIZE]);
} kinds[] = {{"disk", disk}, {"inodes", inodes}};

static void by_ending(const struct ending *e, char out[REASON_SIZE])
{
	if (e->signal)
		snprintf(out, REASON_SIZE,
		    "the build was ended by signal %" PRIu64 "%s%s", e->signal,
		    e->text[0] ? ": " : "", e->text);
	else if (e->code == CONTAINER_FAILED)
		snprintf(out, REASON_SIZE,
		    "the build's container did not start%s%s",
		    e->text[0] ? ": " : "", e->text);
	else
		snprintf(out, REASON_SIZE,
		    "the build ended with status %" PRIu64
		    " and did not say why",
		    e->code);
}

void reason_of(const struct settings *s, const struct ending *e,
    const struct result *r, char out[REASON_SIZE])
{
	if (e->oom) {
		memory(s, out);
		return;
	}
	for (size_t i = 0; i < NELEM(kinds); i++) {
		if (strcmp(r->kind, kinds[i].kind) == 0) {
			kinds[i].say(s, out);
			return;
		}
	}
	if (r->kind[0])
		snprintf(out, REASON_SIZE, "%s", r->text);
	else
		by_ending(e, out);
}

void reason_late(const struct settings *s, char out[REASON_SIZE])
{
	snprintf(out, REASON_SIZE,
	    "the build took longer than %" PRIu64 " s (setting build_seconds)",
	    s->build_seconds);
}
