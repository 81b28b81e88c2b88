/*
 * doctor - what this host can't do, said once at start and to `paas doctor`.
 *
 * Each subject is a check: a function (in a doctor_NAME.c) and a
 * line in doctor.c's list. A check looks at the host, changes nothing, and
 * says what it found with doctor_say: also when all is well, so that the
 * owner sees what was looked at. Every finding but FINDING_OK says what to
 * do. Checks read files below `root`, so tests show them other hosts.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "ipc/msg.h"
#include "jail.h"

#define FINDING_TEXT 240
#define FINDINGS_MAX 64 /* one frame takes them all */

struct finding {
	enum finding_level level;
	char text[FINDING_TEXT]; /* what is so */
	char todo[FINDING_TEXT]; /* what to do; "" for FINDING_OK */
};

struct doctor {
	struct jail *j;
	int root; /* the host's /, as an open folder */
	struct finding items[FINDINGS_MAX];
	size_t n;
};

/* Add a finding; todo is NULL for FINDING_OK, and a sentence otherwise. */
void doctor_say(struct doctor *d, enum finding_level level, const char *todo,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The text of a file of the host ("proc/swaps"), or false. b is its. */
bool doctor_read(const struct doctor *d, const char *path, struct buf *b);
/* The number that a file of the host starts with, or false. */
bool doctor_number(const struct doctor *d, const char *path, uint64_t *ret);

/* --- the checks ----------------------------------------------------------- */

void doctor_kernel(struct doctor *d);   /* version, Landlock, namespaces */
void doctor_cgroups(struct doctor *d);  /* kind, controllers */
void doctor_swap(struct doctor *d);     /* swap or zram, accounting */
void doctor_apparmor(struct doctor *d); /* is there, our profile is loaded */
void doctor_mounts(struct doctor *d);   /* id-mapped, loop devices */
void doctor_runtime(struct doctor *d);  /* crun or runc and its version */
/* The same, of what `NAME --version` has printed. */
void doctor_say_runtime(struct doctor *d, const char *name, struct str text);
void doctor_disk(struct doctor *d);    /* free bytes and files */
void doctor_limits(struct doctor *d);  /* inotify, pids, files */
void doctor_sizes(struct doctor *d);   /* what their limits need */
void doctor_clock(struct doctor *d);   /* set, and kept right */
void doctor_network(struct doctor *d); /* firewalls, IPv6, resolvers */
/* The same about one chain of somebody's firewall. */
struct nft_chain;
void doctor_say_chain(struct doctor *d, const struct nft_chain *c);

/* Is our profile loaded on the host whose / is open as root? */
bool apparmor_has_profile(int root);

/* --- what calls them ------------------------------------------------------ */

/* Run all checks now. */
void doctor_look(struct jail *j, struct doctor *d);
/* main.c, once at start: what is weaker here, into the log. */
void doctor_log(struct jail *j);
/* plan.c: answer MSG_DOCTOR with groups of F_LEVEL F_TEXT F_TODO. */
void doctor_answer(struct jail *j, struct frame *f);
