/*
 * client - one accepted connection: reads heads, carries one exchange at a
 * time, and ends without cutting off an answer.
 *
 *   HEAD --head--> BUSY --answered--> FLUSH --keep--> HEAD
 *                                     FLUSH --close--> LINGER --> closed
 *
 * 1. There is an exchange in BUSY only.
 * 2. The next head is not looked at before the last answer is sent, so what
 *    waits for a client that pipelines is bounded.
 */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "conn.h"
#include "page.h"

struct exchange;
struct listener;
struct router;

enum client_phase {
	CLIENT_HEAD,
	CLIENT_BUSY,
	CLIENT_FLUSH,
	CLIENT_LINGER,
	CLIENT_CLOSED
};

struct client {
	struct conn conn;
	struct router *router;
	struct list all; /* in router->clients */
	struct exchange *x;
	struct in6_addr addr; /* IPv4 as mapped */
	uint16_t port;        /* of ours that it connected to */
	uint8_t phase;        /* enum client_phase */
	bool pumping;
	bool keep;     /* after FLUSH: another request may come */
	bool unread;   /* after FLUSH: it may still be sending */
	bool begun;    /* a head has begun: its time runs */
	uint32_t seen; /* bytes of it that were not a whole one */
};

/* Take over a descriptor that l has accepted. */
void client_new(struct listener *l, int fd, const struct sockaddr *addr);
void client_close(struct client *c);

/* Go on with what is read; called whenever something changed. */
void client_pump(struct client *c);
/*
 * The exchange is over. keep: the next one may come. unread: of this one the
 * client may still be sending.
 */
void client_done(struct client *c, bool keep, bool unread);
/* Send p behind what waits. Returns the bytes of its body. */
size_t client_page(struct client *c, const struct page *p);

#define CLIENT_ADDR_MAX 46
/* The address as text in mem. */
struct str client_addr(const struct client *c, char mem[CLIENT_ADDR_MAX]);
