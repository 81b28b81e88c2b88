/*
 * nft - load a text into the kernel's nftables, and ask for a table.
 *
 * Loading runs nft, once when jail starts and when rules change; asking is
 * one netlink message. Called by net.c.
 */
#pragma once
#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

/* All of text in one transaction, or nothing of it. err has nft's words. */
int nft_load(struct str text, struct error *err);

/* Is there an inet table of this name? */
bool nft_has(const char *table);
