#include "split.h"

#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>

#define PAGE ((uintptr_t)4096) /* or more: then nothing is given back */

char *split_room(struct split *s, size_t *ret_size)
{
	if (s->start > 0) {
		memmove(s->bytes, s->bytes + s->start, s->end - s->start);
		s->searched -= s->start;
		s->end -= s->start;
		s->start = 0;
	}
	assert(s->end < sizeof(s->bytes));
	*ret_size = sizeof(s->bytes) - s->end;
	return s->bytes + s->end;
}

void split_added(struct split *s, size_t n)
{
	assert(n <= sizeof(s->bytes) - s->end);
	s->end += n;
	if (s->end > s->touched)
		s->touched = s->end;
}

bool split_next(struct split *s, struct str *ret, bool *ret_partial)
{
	const char *from = s->bytes + s->searched;
	const char *newline = memchr(from, '\n', s->end - s->searched);
	size_t taken;

	if (newline) {
		taken = (size_t)(newline - s->bytes);
		*ret = str_make(s->bytes + s->start, taken - s->start);
		s->start = s->searched = taken + 1;
		*ret_partial = false;
		return true;
	}
	s->searched = s->end;
	if (s->end - s->start <= LOGREC_TEXT_MAX)
		return false;
	*ret = str_make(s->bytes + s->start, LOGREC_TEXT_MAX);
	s->start += LOGREC_TEXT_MAX;
	*ret_partial = true;
	return true;
}

bool split_rest(struct split *s, struct str *ret)
{
	if (!split_waits(s))
		return false;
	*ret = str_make(s->bytes + s->start, s->end - s->start);
	s->start = s->searched = s->end;
	return true;
}

bool split_waits(const struct split *s)
{
	return s->end > s->start;
}

void split_trim(struct split *s)
{
	uintptr_t from = ((uintptr_t)s->bytes + PAGE - 1) & ~(PAGE - 1);
	uintptr_t to = (uintptr_t)(s->bytes + sizeof(s->bytes)) & ~(PAGE - 1);

	if (split_waits(s))
		return;
	s->start = s->searched = s->end = 0;
	(void)madvise((void *)from, to - from, MADV_DONTNEED);
	s->touched = 0;
}
