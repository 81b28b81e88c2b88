#include "damage.h"

#include <unistd.h>

#include "base/mem.h"
#include "wire/logrec.h"

#define LONGEST (LOGREC_HEAD + LOGREC_TEXT_MAX)
#define WINDOW (4 * LONGEST)

int64_t damage_skip(int fd, uint64_t from)
{
	scoped_free char *win = xmalloc(WINDOW);
	uint64_t end = from + DAMAGE_MAX;
	struct logrec rec;

	for (uint64_t at = from + 1; at < end;) {
		ssize_t got = pread(fd, win, WINDOW, (off_t)at);
		size_t n = got > 0 ? (size_t)got : 0, i;
		/* Behind that the window may cut a record off. */
		size_t whole = n < WINDOW ? n : n - LONGEST;

		for (i = 0; i < whole; i++)
			if (logrec_parse(str_make(win + i, n - i), &rec, NULL) >
			    0)
				return (int64_t)(at + i);
		if (n < WINDOW)
			return -1;
		at += i;
	}
	return -1;
}
