/*
 * segs - the log segments in one app's folder: list, open, remove.
 *
 * Shims write "NAME-INSTANCE-INDEX.log" for their instance. logd's own
 * streams have instance 0 and a name with OWN_PREFIX. Nothing is kept open:
 * the folder may lose files at any moment.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define OWN_PREFIX "logd."
#define SEGS_MAX 4096 /* files of one app that are looked at */
#define SEG_NAME_MAX 128
#define SEG_FILE_MAX (SEG_NAME_MAX + 32)

struct seg {
	char name[SEG_NAME_MAX + 1]; /* "web.1", "logd.router" */
	uint64_t instance;
	uint32_t index;
	uint64_t bytes, mtime_us;
};

struct segs {
	struct seg *v;
	size_t n;
};

/* All segments in dir, ordered by name, instance, index. */
int segs_list(int dir, struct segs *ret, struct error *err);
void segs_release(struct segs *s);
#define scoped_segs __attribute__((cleanup(segs_release)))

bool seg_own(const struct seg *s);
/* What wire/logpos.h calls its stream. */
#define SEG_KEY_MAX 16
void seg_key(const struct seg *s, char out[SEG_KEY_MAX + 1]);
/* Are a and b of one stream: the same name and instance? */
bool seg_same_stream(const struct seg *a, const struct seg *b);
/* Take name, instance and index of a file's name; false: not a segment. */
bool seg_parse(struct str file, struct seg *ret);
/* The file's name. */
void seg_file(const struct seg *s, char out[SEG_FILE_MAX]);
/* Open for reading; -1 when it is not there or no regular file. */
int seg_open(int dir, const struct seg *s);

/* The number of its last whole record, 0 when it has none. */
uint64_t seg_last(int dir, const struct seg *s);
int seg_remove(int dir, const struct seg *s, struct error *err);
