/*
 * digest - SHA-256, by OpenSSL's assembly.
 *
 * The plain SHA256_ functions and not EVP: a static program that fetches an
 * algorithm by name brings in the whole of OpenSSL, its dlopen included.
 */
#pragma once
#include "base/str.h"

#define DIGEST_HEX 65 /* 64 digits and a NUL */

struct digest; /* opaque */

struct digest *digest_new(void);
void digest_add(struct digest *d, struct str bytes);
/* Write the hex form into out; d starts afresh. */
void digest_done(struct digest *d, char out[DIGEST_HEX]);
void digest_free(struct digest *d); /* NULL is fine */
void digest_of(struct str bytes, char out[DIGEST_HEX]);
