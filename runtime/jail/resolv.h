/*
 * resolv - the name servers that instances may ask: those of the host.
 *
 * Parsing is pure; resolv_read reads the host's files. Only IPv4 addresses
 * outside the loopback count, since an instance can reach no others.
 */
#pragma once
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define RESOLVERS_MAX 3             /* as many as the C library asks */
#define RESOLV_FILE_MAX (64 * 1024) /* bytes of a resolv.conf */

struct resolvers {
	uint32_t n;
	uint32_t address[RESOLVERS_MAX]; /* host order; 0 behind the last */
};

/* Those that text, a resolv.conf, names. What is not understood is skipped. */
void resolv_parse(struct str text, struct resolvers *ret);
/* The text of a resolv.conf with them and no search list. */
void resolv_print(const struct resolvers *r, struct buf *out);

/*
 * The host's: of /etc/resolv.conf or, when that names none that can be
 * reached (127.0.0.53), those that systemd-resolved asks itself.
 */
void resolv_read(struct resolvers *ret);
