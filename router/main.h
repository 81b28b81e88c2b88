/* main - what both ways of running share. */
#pragma once
#include "router.h"

/*
 * Raise the limit of descriptors as far as it goes, and share out in l what
 * nloops loops can have of them.
 */
void share_files(struct limits *l, unsigned nloops);
