/*
 * names - what the daemon's files share: who asks, what is being asked.
 *
 *   udp.c, tcp.c  questions come, answers go
 *   ask.c         a question: answered from who.h, or passed on
 *   query.c       one that is passed on to the host's resolvers, with bounds
 *   open.c        addresses behind a name that a rule opens: plan is asked
 *   refused.c     connections that were refused: lines in the app's log
 *   plan.c        plan's frames
 *
 * Nothing is kept on disk: plan tells it all again. No timer runs while no
 * question is open.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "ev/ev.h"
#include "ipc/peer.h"
#include "proc/settings.h"
#include "who.h"
#include "wire/dns.h"

#define RESOLVERS_MAX 3
#define QUERIES_MAX 256   /* passed on at once, of all apps */
#define QUERIES_OF_APP 64 /* of one */
#define CLIENTS_MAX 64    /* connections of TCP, of all apps */
#define CLIENTS_OF_APP 16 /* of one */
#define OPENED_MAX 256    /* that are remembered as open */
#define SEEN_MAX 64       /* private addresses whose name is remembered */
#define TOLD_MAX 128      /* destinations that the log has heard of */

struct opened {
	uint64_t app, until_ms;
	struct ip ip;
	uint16_t port;
};

struct seen {
	uint64_t app;
	struct ip ip;
	char name[DNS_NAME];
};

struct told {
	uint64_t app, until_ms;
	struct ip ip;
	uint16_t port;
};

struct names {
	struct ev *ev;
	const struct settings *settings;
	struct who who;
	struct ip resolvers[RESOLVERS_MAX];
	size_t nresolvers;

	struct ev_io udp, tcp, refused;
	struct list clients; /* tcp.c */
	size_t nclients;
	uint64_t last_client; /* id */
	struct list queries;  /* query.c */
	size_t nqueries;
	unsigned turn; /* of answers with many addresses */

	struct ipc_listener *listener;
	struct peer *plan, *logd; /* plan NULL while it is away */

	struct opened *opened; /* rings, made when first needed */
	struct seen *seen;
	struct told *told;
	unsigned next_opened, next_seen, next_told;
	char *bytes; /* DNS_MAX, for what is read this moment */
};

/* Who has asked, and where the answer goes. */
struct asker {
	uint64_t app;    /* 0: nobody that plan has told of */
	uint64_t client; /* by TCP: its id; 0 by UDP */
	uint32_t address;
	uint16_t port; /* both in the order of the network */
};

/* --- ask.c ---------------------------------------------------------------- */

/* Answer message, at once or later, by answer_send; or never. */
void ask(struct names *n, const struct asker *who, struct str message);
void answer_send(struct names *n, const struct asker *who, struct str message);
/* An answer of ours without addresses, to a question or what was none. */
void answer_code(struct names *n, const struct asker *who, struct str message,
    enum dns_code code);

/* --- udp.c, tcp.c --------------------------------------------------------- */

int udp_open(struct names *n, int fd, struct error *err);
void udp_send(struct names *n, const struct asker *who, struct str message);
int tcp_open(struct names *n, int fd, struct error *err);
void tcp_send(struct names *n, const struct asker *who, struct str message);
void tcp_close(struct names *n);

/* --- query.c -------------------------------------------------------------- */

/* Pass the question on; it is answered in any case, sooner or later. */
void query_start(struct names *n, const struct asker *who, struct str message,
    const struct dns_question *q);
/* A client is gone: what it asked is nobody's. */
void query_forget(struct names *n, uint64_t client);
void query_close(struct names *n);

/* --- open.c --------------------------------------------------------------- */

struct opening {         /* part of a query that has its answer */
	uint32_t ids[8]; /* of the frames that plan has not answered */
	unsigned n;
};

/* Ask for what has to be opened before the reply helps. False: nothing. */
bool open_ask(struct names *n, uint64_t app, const char *name, struct str reply,
    struct opening *ret);
/* Was that frame one of these? */
bool open_answered(struct opening *o, uint32_t id);
/* The rules have changed: ask again. */
void open_forget(struct names *n);
/* The name under which the app found this address, or NULL. */
const char *open_name(const struct names *n, uint64_t app, const struct ip *ip);

/* query.c, for plan.c: plan has answered frame id, or is gone (0). */
void query_opened(struct names *n, uint32_t id);

/* --- refused.c ------------------------------------------------------------ */

/* As root: have the kernel tell of this slot's refusals. -1: it does not. */
int refused_socket(uint64_t slot, struct error *err);
int refused_open(struct names *n, int fd, struct error *err);

/* --- plan.c --------------------------------------------------------------- */

void plan_listen(struct names *n, int fd, const struct roles *roles);
