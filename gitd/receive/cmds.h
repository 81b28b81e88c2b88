/*
 * cmds - what stands before the pack in a push: refs to change, options.
 *
 * Pure: a state that takes one pkt-line after the other. Called by the
 * receive worker, the unit tests and the fuzzer.
 * On the wire: "OLD NEW NAME" lines, the first one with NUL and the client's
 * capabilities behind the name, "shallow ID" lines among them, a flush; with
 * the capability push-options then one line an option and a flush. The pack
 * follows if any NEW is not all zeros.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "wire/pkt.h"

#define CMDS_BYTES_MAX (4u << 20) /* of all lines together */
#define CMDS_CAPS_MAX 4096        /* what F_CAPS carries */
#define CMDS_NAME_MAX 4096 /* more than a path can have; gitd takes less */
#define CMDS_OPTIONS_MAX 64
#define CMDS_OPTION_MAX 1024

enum cmds_item {
	CMDS_REF,     /* old, new, name */
	CMDS_SHALLOW, /* old is the commit without parents */
	CMDS_LISTED,  /* the refs are complete, options follow */
	CMDS_OPTION,  /* name is its text */
	CMDS_END      /* the refs (and options) are complete */
};

struct cmds_line {
	enum cmds_item item;
	struct str old, new, name; /* borrowed from the line */
};

enum cmds_stage { CMDS_IN_REFS, CMDS_IN_OPTIONS, CMDS_DONE };

/* Start with {.max_refs = N}. */
struct cmds {
	uint64_t max_refs;
	enum cmds_stage stage;
	uint64_t refs;
	unsigned options;
	size_t bytes;
	bool pack; /* one will follow */
	size_t caps_len;
	char caps[CMDS_CAPS_MAX];
};

/*
 * Take the next line. ERR_INVALID when it is malformed, ERR_LIMIT past a
 * limit; nothing may be taken after that, or after CMDS_END.
 */
int cmds_take(struct cmds *c, const struct pkt *pkt, struct cmds_line *ret,
    struct error *err);

/* The capabilities that the client sent. */
static inline struct str cmds_caps(const struct cmds *c)
{
	return str_make(c->caps, c->caps_len);
}
