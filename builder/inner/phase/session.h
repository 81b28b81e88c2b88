/*
 * session - what all programs of the lifecycle share: one struct, and how a
 * phase fails. Each phase is a function, so that creator calls them all.
 */
#pragma once
#include "inner/buildpack.h"
#include "inner/run.h"
#include "inputs.h"

struct session {
	struct inputs in;
	struct life life;
	struct runner runner;
	struct buildpacks all;
};

/* Tell "ERROR: failed to ..."; returns code, or what life.code asks for. */
int session_fail(struct session *s, int code, const struct error *err);

/* Each returns the exit code: 0 when it is done. */
int run_analyzer(struct session *s);
int run_detector(struct session *s);
int run_restorer(struct session *s);
int run_builder(struct session *s);
int run_exporter(struct session *s);
int run_creator(struct session *s);
int run_rebaser(struct session *s);
