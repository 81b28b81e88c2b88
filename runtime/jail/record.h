/*
 * record - what jail writes down about an instance, as lines of text.
 *
 * Pure. i/INSTANCE/record is written before anything of the instance is made:
 * its labels, and what it was lent. i/INSTANCE/end is written when its exit
 * has been seen; the shim's i/INSTANCE/s/exit tells how it ended.
 * Lines are "name value\n"; unknown names are skipped, so a newer record can
 * be read by an older jail.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

#define RECORD_MAX 4096 /* bytes of text */

struct record {
	uint64_t instance, app, kind, release, generation, num, port;
	uint64_t job, work, slot;
	uint64_t of;       /* the instance it runs inside; 0: its own */
	uint64_t most;     /* ms that it may take; 0: any */
	uint64_t range;    /* lease of host ids */
	uint64_t net;      /* lease of an address; 0: no network but lo */
	uint64_t attached; /* its terminal or pipes wait for a client */
	uint64_t pty;
	uint64_t time; /* real ms, when it was asked for */
	char ptype[64];
	char name[129];
	char size[33];   /* a label; may be empty */
	char shown[257]; /* its command, for people; empty as a rule */
};

struct ending {
	uint64_t code, signal, oom;
	uint64_t unborn; /* 1: nothing of it ever ran */
	uint64_t time;   /* real ms */
	char text[240];  /* why it could not start; empty as a rule */
};

void record_print(const struct record *r, struct buf *out);
int record_parse(struct str text, struct record *ret, struct error *err);

void ending_print(const struct ending *e, struct buf *out);
int ending_parse(struct str text, struct ending *ret, struct error *err);
