/*
 * split: whatever the app writes and however reads tear it, the pieces put
 * together are what came; only a piece of the longest size is partial.
 */
/* links: runtime/shim/split.c */
#include <string.h>

#include "../../runtime/shim/split.h"
#include "fuzz.h"

/* Check one piece against what is left of the input, and step over it. */
static void check_piece(struct str *rest, struct str piece, bool partial)
{
	CHECK(piece.len <= LOGREC_TEXT_MAX && piece.len <= rest->len);
	CHECK(memcmp(piece.p, rest->p, piece.len) == 0);
	CHECK(str_find(piece, '\n') == -1);
	CHECK(!partial || piece.len == LOGREC_TEXT_MAX);
	*rest = str_sub(*rest, piece.len, rest->len);
	if (partial)
		return;
	CHECK(rest->len > 0 && rest->p[0] == '\n');
	*rest = str_sub(*rest, 1, rest->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct split s;
	size_t step = size > 1 ? 1 + data[0] * 64u : 1;
	struct str in = str_make(data, size), rest = in, piece;
	bool partial;

	memset(&s, 0, sizeof(s));
	while (in.len > 0) {
		size_t room;
		char *to = split_room(&s, &room);
		struct str some = str_sub(in, 0, step < room ? step : room);

		memcpy(to, some.p, some.len);
		split_added(&s, some.len);
		while (split_next(&s, &piece, &partial))
			check_piece(&rest, piece, partial);
		in = str_sub(in, some.len, in.len);
	}
	CHECK(split_waits(&s) == (rest.len > 0));
	if (split_rest(&s, &piece))
		CHECK(str_eq(piece, rest));
	split_trim(&s);
	return 0;
}
