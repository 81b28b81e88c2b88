/*
 * result - what a job told in its report, checked.
 *
 * Pure. The report of a build is the word of a stranger's container: of it
 * only stages and the error are used. That of an export or import comes from
 * our own program, which was alone; its form is checked all the same, so
 * that what is sent on as a frame keeps the frame's rules.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define RESULT_BYTES_MAX (256u * 1024)
#define RESULT_STAGES_MAX 16
#define RESULT_LAYERS_MAX 128
#define RESULT_PROCESSES_MAX 128
#define RESULT_BUILDPACKS_MAX 32
#define RESULT_APP_JSON_MAX 16384 /* bytes; F_APP_JSON of a frame */
#define DIGEST_SIZE 65            /* 64 hex digits and a NUL */

struct stage {
	char name[33];
	uint64_t ms;
	bool cached;
};

struct put { /* a folder in the work's out/ that is a new layer */
	char digest[DIGEST_SIZE];
	char name[129];
};

struct process {
	char type[64];
	char *command;
};

struct result {
	char kind[16];  /* of the error, in inner's words; "" for none */
	char text[240]; /* of the error: one printable line */
	struct stage stages[RESULT_STAGES_MAX];
	size_t nstages;
	char image[DIGEST_SIZE]; /* "" when there is none */
	char (*layers)[DIGEST_SIZE];
	size_t nlayers;
	struct put *puts;
	size_t nputs;
	struct process *processes;
	size_t nprocesses;
	char **buildpacks;
	size_t nbuildpacks;
	char *app_json; /* NULL when the app has none */
};

/* ERR_INVALID when the report breaks its form; ret is then empty. */
int result_parse(struct str text, struct result *ret, struct error *err);
void result_release(struct result *r);
