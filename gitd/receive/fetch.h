/*
 * fetch - answer a fetch by stock git upload-pack, confined by main.
 *
 * The current folder is the repository.
 */
#pragma once
#include <stdbool.h>

#include "base/error.h"

struct fetch_job {
	int conn;             /* to gitd */
	int body;             /* what the client asks */
	int out;              /* where the answer goes */
	bool refs;            /* only the list of refs */
	const char *protocol; /* the client's Git-Protocol header, or NULL */
};

/* Do the job and send DONE. On failure the caller sends ERROR. */
int fetch_serve(const struct fetch_job *job, struct error *err);
