/*
 * frame, msg: a packet that parses is the one that its fields, written again,
 * make; a frame that a row lets through has what the row requires.
 */
#include "fuzz.h"
#include "ipc/msg.h"

static void check_again(struct str packet, const struct frame *f)
{
	scoped_frame_out struct frame_out o = frame_begin(f->type, f->id);
	struct str value;
	uint16_t tag;
	size_t pos = 0;

	while (frame_next(f, &pos, &tag, &value)) {
		CHECK(frame_has(f, tag));
		frame_put(&o, tag, value);
	}
	CHECK(str_eq(buf_str(&o.bytes), packet));
}

static void check_rows(struct frame *f)
{
	for (int from = ROLE_NONE; from < ROLE_N; from++) {
		for (f->nfds = 0; f->nfds <= 2; f->nfds++) {
			struct error err = {0};

			if (msg_check(f, (enum role)from, ROLE_WEB, &err) == 0)
				CHECK(f->type != MSG_PUSH_OPEN ||
				      (from == ROLE_GITD && f->nfds == 0 &&
				          frame_str(f, F_NEW).len == 40));
			else
				CHECK(err.code != ERR_NONE && err.msg[0]);
		}
	}
	f->nfds = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str packet = str_make(data, size);
	struct error err = {0};
	struct frame f;

	if (frame_parse(packet, &f, &err) == -1) {
		CHECK(err.code == ERR_INVALID);
		return 0;
	}
	check_again(packet, &f);
	check_rows(&f);
	return 0;
}
