/*
 * who - who asks, and which names there are for him.
 *
 * Pure: no I/O, no clock. Fed by plan's frames: what each app may reach by
 * name (NET), and the instances with their addresses (ENDPOINT). A name is
 * there for the apps alone that are linked to what it names:
 *
 *   APP.internal         every web process of the linked app that serves
 *   TYPE.APP.internal    its processes of that type
 *   host.internal        the machine, for all
 *
 * Two labels below internal are ours alone; all other names are the host's
 * resolvers' matter.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "wire/egress.h"

#define WHO_GATEWAY 0xa9fe0101u /* 169.254.1.1 */
#define WHO_RULES_MAX 1000      /* of an app, of each kind */

struct who_link {
	uint64_t app;
	char name[31];
};

struct who_app {     /* what an app may reach, in names */
	uint64_t id; /* 0: all apps may */
	bool stale;
	struct egress *rules; /* of kind NAME alone */
	size_t nrules;
	struct who_link *links;
	size_t nlinks;
};

struct endpoint { /* an instance with an address */
	struct list all;
	uint64_t id, app;
	struct ip ip;
	char app_name[31], name[129], type[64];
	bool found; /* its app's name leads to it */
	bool stale;
};

struct who {
	struct map *apps;       /* by id + 1 */
	struct map *by_id;      /* endpoints */
	struct map *by_address; /* the same, by IPv4 address + 1 */
	struct list endpoints;  /* the same, the oldest first */
};

void who_init(struct who *w);
void who_release(struct who *w);

struct who_app *who_app_new(uint64_t id);
void who_app_free(struct who_app *a);
void who_app_rule(struct who_app *a, struct str text);
void who_app_link(struct who_app *a, uint64_t app, struct str name);
/* a takes the place of what was known of the app. */
void who_app_put(struct who *w, struct who_app *a);
const struct who_app *who_app(const struct who *w, uint64_t id);
/* Between these two all apps are told; the rest is forgotten. */
void who_apps_mark(struct who *w);
void who_apps_sweep(struct who *w);

/* Of the network of instances: others on the host's networks ask nothing. */
bool who_is_instance(const struct ip *ip);
/* A new endpoint, or the one of this id; the caller fills in the rest. */
struct endpoint *who_endpoint(struct who *w, uint64_t id, const struct ip *ip);
void who_endpoint_drop(struct who *w, uint64_t id);
const struct endpoint *who_at(const struct who *w, const struct ip *ip);
void who_endpoints_mark(struct who *w);
void who_endpoints_sweep(struct who *w);

enum who_answer {
	WHO_OTHERS, /* not ours: ask the host's resolvers */
	WHO_NONE,   /* ours, and there is no such name for this app */
	WHO_FOUND   /* *ret_n addresses, or none at the moment */
};
/* The name, in lower case, as this app sees it; at most max addresses. */
enum who_answer who_find(const struct who *w, uint64_t app, struct str name,
    struct ip *out, size_t max, size_t *ret_n);

/* The ports on which the app may reach a host of this name. */
size_t who_ports(const struct who *w, uint64_t app, const char *name,
    uint16_t *out, size_t max);
