/*
 * body - where in a message's body we are, whatever its framing.
 *
 * Pure. One for each direction of an exchange; a tunnel's directions are
 * bodies that go to the end.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/error.h"
#include "wire/http1.h"

struct body {
	enum http1_framing framing;
	bool done;
	uint64_t left; /* of HTTP1_LENGTH */
	struct http1_chunks chunks;
	uint64_t bytes; /* of payload, so far */
};

void body_begin(struct body *b, enum http1_framing framing, uint64_t length);

/*
 * Take what n bytes at p hold of the body, decoding in place. Returns the
 * bytes it took, -1 when malformed; *ret_payload bytes at p are the payload.
 */
ssize_t body_take(
    struct body *b, char *p, size_t n, size_t *ret_payload, struct error *err);

#define BODY_PARTS 3
struct body_size { /* memory for a chunk's size line */
	char text[24];
};
/*
 * The parts that carry payload to the other side, as one chunk or plain, and
 * the last chunk when done. Returns how many of the BODY_PARTS are used.
 */
int body_parts(struct str payload, bool chunked, bool done,
    struct body_size *mem, struct iovec parts[BODY_PARTS]);
