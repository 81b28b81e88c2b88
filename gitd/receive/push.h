/*
 * push - receive one push: the list of refs to gitd, the pack into quarantine.
 *
 * The current folder is the repository, already confined by main.
 */
#pragma once
#include <stdint.h>

#include "base/error.h"

struct push_job {
	int conn;               /* to gitd */
	int body;               /* a pipe with what the client sent */
	const char *quarantine; /* "objects/incoming-X" */
	uint64_t max_bytes, max_objects, max_refs;
};

/* Do the job and send DONE. On failure the caller sends ERROR. */
int push_receive(const struct push_job *job, struct error *err);
