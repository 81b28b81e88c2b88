#include "backoff.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>

/* Signals that a program gets for what it does itself. */
static bool is_fault(int signo)
{
	return signo == SIGSEGV || signo == SIGBUS || signo == SIGILL ||
	       signo == SIGFPE || signo == SIGABRT || signo == SIGSYS ||
	       signo == SIGTRAP || signo == SIGXCPU || signo == SIGXFSZ;
}

static bool counts(int status)
{
	if (status == -1)
		return false;
	return !WIFSIGNALED(status) || is_fault(WTERMSIG(status));
}

uint64_t backoff_ended(struct backoff *b, int status, uint64_t up_ms)
{
	uint64_t wait;

	if (up_ms >= BACKOFF_STEADY_MS)
		b->next_ms = 0;
	if (!counts(status))
		return 0;
	wait = b->next_ms;
	b->next_ms = wait ? wait * 2 : BACKOFF_FIRST_MS;
	if (b->next_ms > BACKOFF_MOST_MS)
		b->next_ms = BACKOFF_MOST_MS;
	return wait;
}
