/*
 * crypt - what lies in the database is read only with the key beside it.
 *
 * AES-256-GCM. A box is: 12 random bytes, the text, 16 bytes of tag. The
 * context (the app's id) is bound to it, so that a box can't be moved to
 * another app. Owns the key. Called by the store alone.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

#define CRYPT_KEY 32
#define CRYPT_OVERHEAD 28 /* bytes that a box is longer than its text */

struct crypt {
	unsigned char key[CRYPT_KEY];
};

/*
 * Read the key in the folder; make it (0600) when make is set and there is
 * none yet.
 */
int crypt_open(
    const char *folder, bool make, struct crypt *ret, struct error *err);
void crypt_close(struct crypt *c);

int crypt_seal(const struct crypt *c, uint64_t context, struct str text,
    struct buf *box, struct error *err);
int crypt_unseal(const struct crypt *c, uint64_t context, struct str box,
    struct buf *text, struct error *err);

/* sha256 of s. */
void crypt_hash(struct str s, unsigned char out[32]);
