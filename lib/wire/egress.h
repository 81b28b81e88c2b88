/*
 * egress - one rule about what an app may reach beside the internet.
 *
 * Pure. The text is HOST:PORT, CIDR, CIDR:PORT or host.internal:PORT, an IPv6
 * one with a port in brackets: [fd00::/8]:5432. As a person types it, it is
 * parsed once (web); its canonical form is what is stored and sent, to plan,
 * jail and names. A rule about a host follows its name's addresses in private
 * networks; one about a network never opens the machine itself, which is
 * host.internal.
 */
#pragma once
#include "base/error.h"
#include "wire/ip.h"

#define EGRESS_TEXT 262 /* a name of 253, a colon, a port and a NUL */
#define EGRESS_HOST "host.internal"

enum egress_kind { EGRESS_NET, EGRESS_NAME, EGRESS_MACHINE };

struct egress {
	enum egress_kind kind;
	struct ip_net net; /* of NET */
	char name[254];    /* of NAME, in lower case */
	uint16_t port;     /* 0: any (of NET alone) */
};

/* The error is a whole sentence that says what to type instead. */
int egress_parse(struct str text, struct egress *ret, struct error *err);
bool egress_eq(const struct egress *a, const struct egress *b);
void egress_print(const struct egress *e, char out[EGRESS_TEXT]);
