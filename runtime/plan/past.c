#include "past.h"

#include "base/mem.h"

struct past {
	size_t n; /* all that were ever added */
	struct past_job jobs[PAST_MAX];
};

struct past *past_new(void)
{
	return xcalloc(1, sizeof(struct past));
}

void past_free(struct past *p)
{
	free(p);
}

void past_add(struct past *p, const struct past_job *job)
{
	p->jobs[p->n++ % PAST_MAX] = *job;
}

const struct past_job *past_find(const struct past *p, uint64_t job)
{
	for (size_t i = 0; i < PAST_MAX && i < p->n; i++) {
		if (p->jobs[i].job == job)
			return &p->jobs[i];
	}
	return NULL;
}
