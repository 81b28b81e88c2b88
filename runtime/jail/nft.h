/*
 * nft - load a text into the kernel's nftables, and ask for a table.
 *
 * Loading runs nft, once when jail starts and when rules change; asking is
 * one netlink message. Called by net.c.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

/* All of text in one transaction, or nothing of it. err has nft's words. */
int nft_load(struct str text, struct error *err);

/* The generation of the kernel's nftables: grows by each transaction. */
uint32_t nft_generation(void);

/* A chain that the kernel calls, of whoever's table. */
struct nft_chain {
	uint8_t family; /* NFPROTO_* */
	const char *table, *name;
	uint32_t hook; /* NF_INET_* */
	bool drops;    /* what no rule of it decides */
};

/* Call each with every one; false: the kernel does not say. */
bool nft_chains(void (*each)(void *arg, const struct nft_chain *c), void *arg);

/* Is there an inet table of this name? */
bool nft_has(const char *table);
