/*
 * report - what a job tells the builder at its end: JSON on descriptor 4.
 *
 *   {"stages": [{"name": "detect", "ms": 12, "cached": false}, ...],
 *    "error": {"kind": "buildpack", "text": "..."}, ...}
 *
 * The builder takes it for what it is: the word of a stranger's container.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define REPORT_FD 4

/* What went wrong, for the builder to tell apart; see its own table. */
#define WRONG_SOURCE "source"       /* the source did not arrive whole */
#define WRONG_DETECT "detect"       /* no buildpack takes this app */
#define WRONG_BUILDPACK "buildpack" /* a buildpack said no */
#define WRONG_DISK "disk"           /* the build's disk is full */
#define WRONG_INODES "inodes"       /* its number of files is used up */
#define WRONG_LIMIT "limit"
#define WRONG_INTERNAL "internal"

struct report {
	json_t *json;
	uint64_t mark_ms; /* when the stage at hand began */
};

void report_init(struct report *r);
void report_release(struct report *r);

/* The stage at hand has ended; the next begins. cached: nothing was made. */
void report_stage(struct report *r, const char *name, bool cached);
/* The first error counts. text may have any bytes. */
void report_error(struct report *r, const char *kind, const char *text);
/* Add value (taken over) under key. */
void report_set(struct report *r, const char *key, json_t *value);
/* Write it to REPORT_FD, if that is open, and close it. */
void report_send(struct report *r);

/* A JSON string of any bytes: what is no UTF-8 becomes '?'. */
json_t *report_text(const char *text);
