/*
 * nets - what names and jail are told about the network: passed on from web,
 * and what follows from the model.
 *
 * What each app may reach (web's NET) is kept as it came and given to jail and
 * names, as a whole when they are back and each change at once; without web
 * ever having told it, they keep what they know. names also gets the host's
 * resolvers from jail, and every instance with an address: who it is, and
 * whether its app's name leads to it. It asks, through here, for addresses to
 * be opened. Called by peers.c, loop.c and act.c.
 */
#pragma once
#include "loop.h"

#define OPENINGS_MAX 1024 /* that jail has not answered */

struct nets; /* opaque */

struct nets *nets_new(void);
void nets_free(struct nets *n);

/* web */
void on_net(struct plan *p, struct peer *from, struct frame *f);
/* jail */
void on_resolvers(struct plan *p, struct peer *from, struct frame *f);
/* names */
void on_net_open(struct plan *p, struct peer *from, struct frame *f);

/* jail or names is there: the whole. */
void nets_tell_jail(struct plan *p);
void nets_tell_names(struct plan *p);
/* jail is gone: what it was asked for is not done. */
void nets_jail_gone(struct plan *p);
/* Is it the answer to an opening? Then it is passed on. */
bool nets_answer(struct plan *p, const struct frame *f);

/* The app's instances may have changed: tell names. */
void nets_look(struct plan *p, struct app *a);
/* The instance is about to be removed. */
void nets_inst_gone(struct plan *p, struct inst *in);
