/*
 * logrec - one record of an app's output in a log segment.
 *
 * Pure. Written by the shim (static, libc alone), read by logd, fuzzed.
 * On disk, little endian: u32 length of the whole record, u32 crc32c of all
 * that follows, u64 real time in us, u64 sequence number within the
 * instance, u8 stream (1 stdout, 2 stderr), u8 flags (1: the line goes on in
 * the next record), then the bytes without their newline.
 * A segment's file is named "NAME-INSTANCE-INDEX.log": dyno name, instance
 * id in 16 hex digits, index in 8 hex digits. A torn tail ends a segment.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define LOGREC_HEAD 26
#define LOGREC_TEXT_MAX 16384 /* bytes of text in one record */

struct logrec {
	uint64_t time_us, seq;
	uint8_t stream;
	bool partial;
	struct str text; /* borrowed */
};

/* Take a record off the front: its length, 0 for more needed, -1 torn. */
ssize_t logrec_parse(struct str in, struct logrec *ret, struct error *err);
/* Write the head of rec (text not copied) into out. */
void logrec_head(const struct logrec *rec, unsigned char out[LOGREC_HEAD]);

/* Split a segment's file name. False when it is not one. */
bool logrec_file(struct str file, struct str *ret_name, uint64_t *ret_instance,
    uint32_t *ret_index);
