/*
 * policy - what each app may reach beside the internet, as plan told it.
 *
 * Pure. The rules of egress (wire/egress.h), links to other apps, and the
 * addresses that names has opened for a name of a rule, for some time. It is
 * kept as text in RUN/net, so that a jail that starts knows what the one
 * before it knew, and printed as a part of the slot's nft table (rules.h):
 *
 *   apps       map: app's group -> its chain app_ID, of its networks
 *   app_0      chain: networks of all apps; machine: ports of the host
 *   ports      set: group . port of the host (host.internal)
 *   links      set: group . group, from whom to whom
 *   open4, 6   set: group . address . port, by name, each for a time
 *
 * An app's group is that of its instances' veths, so that nothing in here
 * depends on what runs, and an instance is under its rules from its first
 * packet on. Lines: "app ID", "egress RULE", "link ID", "open IP PORT TIME".
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/map.h"
#include "wire/egress.h"

#define POLICY_TEXT_MAX (64u << 20) /* bytes, of a thousand apps at most */
#define POLICY_RULES_MAX 1000       /* of an app: more than web lets in */
#define POLICY_OPEN_MAX 512         /* addresses by name, of an app */
#define POLICY_OPEN_SECONDS 3600    /* that one stays open */
#define POLICY_GROUP 0x10000000u    /* of app 0; that of app N is N more */

struct policy_open {
	struct ip ip;
	uint16_t port;
	uint64_t until; /* monotonic seconds */
};

struct policy_app {
	uint64_t id; /* 0: every app */
	struct egress *egress;
	size_t negress;
	uint64_t *links;
	size_t nlinks;
	struct policy_open *open;
	size_t nopen;
};

struct policy {
	struct map *apps; /* by id + 1 */
};

void policy_init(struct policy *p);
void policy_release(struct policy *p);

struct policy_app *policy_app_new(uint64_t id);
void policy_app_free(struct policy_app *a);
/* Text in canonical form; what is not is left out: false. */
bool policy_app_egress(struct policy_app *a, struct str text);
void policy_app_link(struct policy_app *a, uint64_t to);

const struct policy_app *policy_find(const struct policy *p, uint64_t id);
/* Take the app's entry out; NULL when there is none. */
struct policy_app *policy_take(struct policy *p, uint64_t id);
/*
 * a takes the place of the app's entry (it is freed when it is empty). What
 * was opened by name for the old one is kept while a rule by name is left
 * that may be its reason. True: something has changed.
 */
bool policy_put(struct policy *p, struct policy_app *a);
/* Does a rule by name, of the app or of all, open this port of some host? */
bool policy_may_open(const struct policy *p, uint64_t app, uint16_t port);
/* Note an address as open until then. True: it was not, or not so long. */
bool policy_open(struct policy *p, uint64_t app, const struct ip *ip,
    uint16_t port, uint64_t now, uint64_t until);
/* The same content, what is open aside. */
bool policy_app_same(const struct policy_app *a, const struct policy_app *b);

/* The group of an app's veths; of one too large to have one: that of none. */
uint32_t policy_group(uint64_t app);

/* --- as text of its own --------------------------------------------------- */

void policy_print(const struct policy *p, struct buf *out);
/* What is not understood is skipped. p is empty before. */
void policy_parse(struct policy *p, struct str text);

/* --- as text for nft ------------------------------------------------------ */

/* Sets, maps and chains, inside the table; now decides what is still open. */
void policy_rules(const struct policy *p, uint64_t now, struct buf *out);
/* Commands that make the app's part of a loaded table be `new`, not `old`;
 * either may be NULL. For app 0 the whole table is to be loaded instead. */
void policy_change(const char *table, const struct policy_app *old,
    const struct policy_app *new, struct buf *out);
/* A command that opens one more address. */
void policy_open_print(const char *table, uint64_t app, const struct ip *ip,
    uint16_t port, uint64_t seconds, struct buf *out);
