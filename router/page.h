/*
 * page - what the router itself answers: reasons, as HTML or JSON.
 *
 * Pure. The codes and their words are Heroku's, so that who knows them from
 * there finds them here, in the log line above all.
 */
#pragma once
#include <stdbool.h>

#include "base/buf.h"

enum hcode {
	H_NONE,
	H10, /* the app crashed */
	H11, /* too many requests wait for it */
	H12, /* no answer in time */
	H13, /* closed without an answer */
	H14, /* no web process */
	H15, /* the app stalled half-way */
	H17, /* its answer is malformed */
	H18, /* it closed half-way */
	H19, /* it did not take the connection in time */
	H20, /* it did not boot in time */
	H21, /* it refuses connections */
	H27, /* the client left */
	H28, /* the client stalled */
	H99, /* the platform itself is not ready */
	H_N
};

const char *hcode_name(enum hcode code); /* "H12" */
const char *hcode_desc(enum hcode code); /* "Request timeout" */

struct page {
	unsigned status;
	enum hcode code;  /* or H_NONE */
	const char *text; /* for people: what is wrong and what to do */
	bool json;
	bool body;        /* false: the head alone, for HEAD */
	bool close, keep; /* as in struct head_answer */
	const char *date;
};

/* Append a whole answer. Returns the bytes of its body. */
size_t page_write(struct buf *out, const struct page *p);
/* The text of a code's page; "" for one that nobody is left to read. */
const char *page_text(enum hcode code);
