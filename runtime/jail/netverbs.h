/*
 * netverbs - plan's verbs about what apps may reach: into the table.
 *
 * Called by plan.c with checked frames. The text of rules and addresses is
 * web's and names' own canonical form; what is not is left out.
 */
#pragma once
#include "jail.h"

void on_net_begin(struct jail *j, struct frame *f);
void on_net(struct jail *j, struct frame *f);
void on_net_end(struct jail *j, struct frame *f);
void on_net_open(struct jail *j, struct frame *f);
