/*
 * frame - the platform's internal message: a type, an id, typed fields.
 *
 * Pure: bytes in, struct out. Called by ipc on both ends and by the fuzzer.
 * On the wire (one SOCK_SEQPACKET packet, at most FRAME_MAX bytes, little
 * endian): u16 type, u16 flags (0), u32 id, then fields: u16 tag, u16 length,
 * that many bytes. Numbers are fields of 8 bytes. Descriptors travel beside
 * it. What a type's fields must be stands in ipc/msg.h.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

#define FRAME_MAX 65536  /* bytes of one frame, header included */
#define FRAME_HEAD 8     /* bytes of the header */
#define FRAME_FDS_MAX 16 /* descriptors beside one frame */

struct frame {
	uint16_t type;
	uint32_t id;       /* ties an answer to its question; 0 is none */
	struct str fields; /* borrowed */
	int fds[FRAME_FDS_MAX];
	int nfds;
};

/*
 * Parse one packet. Checks the header and that the fields fill it exactly.
 * Sets ret (which borrows packet, with no fds) on success.
 */
int frame_parse(struct str packet, struct frame *ret, struct error *err);

/* Walk the fields: start with pos 0, false at the end. */
bool frame_next(
    const struct frame *f, size_t *pos, uint16_t *ret_tag, struct str *ret);

/* The first field with this tag; empty with p NULL, or 0, when absent. */
struct str frame_str(const struct frame *f, uint16_t tag);
uint64_t frame_u64(const struct frame *f, uint16_t tag);
bool frame_has(const struct frame *f, uint16_t tag);
/* The number in a field's 8 bytes (for use with frame_next). */
uint64_t frame_number(struct str field);
/* Take descriptor i out of f, so that the caller owns it; -1 if there is none.
 */
int frame_take_fd(struct frame *f, int i);
/* Close what descriptors f still holds. */
void frame_close_fds(struct frame *f);

/* A frame being written. Fields keep the order in which they are put. */
struct frame_out {
	struct buf bytes;       /* .bad when it grew past FRAME_MAX */
	int fds[FRAME_FDS_MAX]; /* borrowed until sent */
	int nfds;
};
#define scoped_frame_out __attribute__((cleanup(frame_out_release)))

/* Start a frame; release it with frame_out_release. */
struct frame_out frame_begin(uint16_t type, uint32_t id);
void frame_put(struct frame_out *o, uint16_t tag, struct str value);
void frame_put_z(struct frame_out *o, uint16_t tag, const char *value);
void frame_put_u64(struct frame_out *o, uint16_t tag, uint64_t value);
void frame_put_all(struct frame_out *o, struct str fields); /* of a frame */
void frame_put_fd(struct frame_out *o, int fd); /* marks bad past the limit */
void frame_out_release(struct frame_out *o);
