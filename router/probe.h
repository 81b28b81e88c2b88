/*
 * probe - the health check of a new instance: until its port accepts, then
 * `GET /` once. What it found goes to target_checked.
 */
#pragma once
#include "fleet.h"

void probe_start(struct target *t);
/* There is a socket now, if it waited for one. */
void probe_kick(struct target *t);
void probe_stop(struct target *t); /* twice is harmless */
/* Drop those that have their result, at the end of all. */
void probe_release(struct router *r);
