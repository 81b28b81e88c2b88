/*
 * inner - the lifecycle inside the containers of a build: one static program.
 *
 *   inner build [files=N] [bytes=N]               source in, buildpacks run
 *   inner export base=DIGEST [files=N] [bytes=N]  layers and OCI config out
 *   inner import [files=N] [bytes=N]              a base image's tar in
 *
 * As analyzer, detector, restorer, builder, exporter, creator or rebaser it is
 * that program of the Cloud Native Buildpacks lifecycle (phase/).
 *
 * Started by the builder through jail: 0 the source or tar, 1 and 2 the log,
 * 3 the config vars, 4 the report. Reads what strangers wrote; has no more
 * rights than the container it is in.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/name.h"
#include "jobs.h"
#include "phase/phase.h"

#define FILES_MOST 1000000      /* where the caller names no limit */
#define BYTES_MOST (8ull << 30) /* the same */

static const struct job {
	const char *name;
	int (*run)(const struct options *o, struct report *r);
} jobs[] = {
    {"build", job_build},
    {"export", job_export},
    {"import", job_import},
};

static bool set_option(struct options *o, const char *text)
{
	struct str value = str_z(text), name;

	if (!str_split(&value, '=', &name) || !value.p)
		return false;
	if (str_eqz(name, "files"))
		return str_u64(value, UINT64_MAX, &o->files);
	if (str_eqz(name, "bytes"))
		return str_u64(value, UINT64_MAX, &o->bytes);
	if (!str_eqz(name, "base") || !name_sha256(value))
		return false;
	str_copy(value, o->base, sizeof(o->base));
	return true;
}

static const struct job *parse(int argc, char **argv, struct options *o)
{
	for (int i = 2; i < argc; i++)
		if (!set_option(o, argv[i]))
			return NULL;
	for (size_t i = 0; argc > 1 && i < NELEM(jobs); i++) {
		if (strcmp(argv[1], jobs[i].name) == 0)
			return jobs[i].run == job_export && !o->base[0]
			           ? NULL
			           : &jobs[i];
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct options o = {.files = FILES_MOST, .bytes = BYTES_MOST};
	const struct job *job =
	    phase_named(argv[0]) ? NULL : parse(argc, argv, &o);
	struct report report;
	int done;

	if (argc > 0 && phase_named(argv[0]))
		return phase_run(argc, argv);
	if (!job) {
		fprintf(stderr,
		    "usage: inner build|export|import [base=DIGEST] "
		    "[files=N] [bytes=N]\nRun by the builder in a "
		    "container.\n");
		return 2;
	}
	umask(022);
	(void)fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC);
	if (chdir("/") == -1)
		return 1;
	report_init(&report);
	done = job->run(&o, &report);
	report_send(&report);
	report_release(&report);
	return done == -1 ? 1 : 0;
}
