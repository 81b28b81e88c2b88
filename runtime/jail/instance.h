/*
 * instance - what jail knows of each one, from its first file to its last.
 *
 *   STARTING --the shim is ready--> RUNNING --the shim ends--> EXITED
 *
 * STARTING ends in EXITED, too. An instance stays in the table, and its
 * folder on disk, until plan has it removed. It owns its folder, its mounts,
 * cgroup, namespace, leases and the connection to its shim.
 */
#pragma once
#include "jail.h"
#include "memory.h"

struct instance {
	struct jail *j;
	struct record r;
	struct ending end; /* once EXITED */
	enum instance_state state;
	char name[ID_TEXT]; /* its folder, cgroup and container */
	int folder;
	int netns;             /* -1 when it has none, or has ended */
	struct ev_child shim;  /* watched unless EXITED */
	struct ev_io ready;    /* the shim's pipe, while STARTING */
	struct ev_timer retry; /* the group is not empty yet */
	struct memory_watch memory;
	struct peer *ctl;      /* to the shim; NULL until it is needed */
	struct list ctl_queue; /* what waits for it, see ctl.c */
	char failure[240];     /* why it could not start */
	bool ending;           /* killed, and not yet gone */
	bool greedy;           /* killed by reserve.c */
	bool frozen;           /* by rest.c */
};

/* An empty one in the table, with its folder made (or opened, if it exists). */
struct instance *instance_new(
    struct jail *j, const struct record *r, struct error *err);
struct instance *instance_find(const struct jail *j, uint64_t id);

/* Hold what the record says was lent: a range, an address. */
int instance_hold(struct instance *in, struct error *err);
/* Watch its shim from now on. */
int instance_watch(struct instance *in, pid_t shim, struct error *err);
/* The pipe on which the shim says how the start went. */
int instance_wait_ready(struct instance *in, int pipe, struct error *err);

/* Its container has been started. */
void instance_running(struct instance *in);

/*
 * The shim of one that runs inside another began among its host's processes,
 * and would be killed with them before it has told the end of its own: put it
 * into a group apart.
 */
void instance_apart(struct instance *in);

/* It has ended, or never began: take all back but its folder, tell. */
void instance_end(struct instance *in, const struct ending *e);
/* Read how it ended from what the shim left; lost when it left nothing. */
void instance_end_read(struct instance *in);

/* SIGKILL to its first process, and so to all of them. */
void instance_kill(struct instance *in);
/* Forget an exited one; ERR_INVALID when it has not. */
int instance_remove(struct instance *in, struct error *err);

/* Tell plan its state. */
void instance_tell(const struct instance *in);
