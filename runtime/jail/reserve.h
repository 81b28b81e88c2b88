/*
 * reserve - builds end before they fill the disk of the whole platform.
 *
 * An app's cache lies on the state's disk, and nothing bounds it there. While
 * builds run, the free space is looked at; when it falls below a reserve they
 * are killed, and their caches removed once they have ended. Called where a
 * build begins or is adopted (make.c, adopt.c) and ends (instance.c).
 */
#pragma once
#include "instance.h"

/* A build runs from now on; nothing for other kinds. */
void reserve_watch(struct instance *in);
/* It has ended, its mounts are gone. */
void reserve_ended(struct instance *in);
