#define OPENSSL_SUPPRESS_DEPRECATED /* see the header */
#include "digest.h"

#include <openssl/sha.h>

#include "base/mem.h"

struct digest {
	SHA256_CTX sha;
};

struct digest *digest_new(void)
{
	struct digest *d = xcalloc(1, sizeof(*d));

	SHA256_Init(&d->sha);
	return d;
}

void digest_add(struct digest *d, struct str bytes)
{
	SHA256_Update(&d->sha, bytes.p, bytes.len);
}

void digest_done(struct digest *d, char out[DIGEST_HEX])
{
	unsigned char bytes[SHA256_DIGEST_LENGTH];

	SHA256_Final(bytes, &d->sha);
	hex_encode(bytes, sizeof(bytes), out);
	SHA256_Init(&d->sha);
}

void digest_free(struct digest *d)
{
	free(d);
}

void digest_of(struct str bytes, char out[DIGEST_HEX])
{
	struct digest *d = digest_new();

	digest_add(d, bytes);
	digest_done(d, out);
	digest_free(d);
}
