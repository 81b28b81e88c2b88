/*
 * gitd - the state of the one daemon, and what its parts call of each other.
 *
 *   main     arguments, sandbox, loop          alone    serving without super
 *   http     libmicrohttpd in our loop         request  paths, logins, answers
 *   body     request body -> worker's pipe     stream   the answer's bytes
 *   push     receive-pack, from the list of refs to the report
 *   deploy   the part of a push that is a build: log, decision, ref
 *   fetch    upload-pack by a worker           worker   one paas-receive
 *   web      frames to and from web            auth     may this token push?
 *   repo     repositories in use               repodir, refs, refdir  on disk
 *   policy, report, caps, clean, queue, command, reflist, packed, target,
 *   advert                                     pure parts
 *
 * A push's life: GATHER -> QUEUE -> RECEIVE -> (OPEN -> BUILD -> DRAIN) -> end;
 * see push.h.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "ev/ev.h"
#include "ipc/peer.h"
#include "proc/settings.h"
#include "queue.h"

struct map;

struct gitd {
	struct ev *ev;
	struct settings settings;
	bool open;     /* serves alone: no login, no builds */
	char dir[264]; /* the folder of the repositories */
	int dir_fd;
	char worker_path[4200]; /* alone: the program paas-receive */
	struct peer *web;       /* NULL when alone */
	bool synced;            /* web has told its undecided pushes */
	uint32_t list_id;       /* of that question; 0 when none is open */
	struct http *http;      /* NULL while there is no listener */
	struct map *repos;      /* name -> struct repo, those in use */
	struct list pushes;
	struct list questions; /* to web, of auth */
	struct queue push_queue, fetch_queue;
	uint64_t requests; /* counts up: their ids */
};
