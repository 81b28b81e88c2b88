#include "base/rand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/str.h"

void rand_bytes(void *p, size_t n)
{
	char *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		if (got == -1 && errno != EINTR)
			abort();
		if (got > 0) {
			at += got;
			n -= (size_t)got;
		}
	}
}

uint64_t rand_u64(void)
{
	uint64_t n;

	rand_bytes(&n, sizeof(n));
	return n;
}

void rand_secret(char out[44])
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                              "abcdefghijklmnopqrstuvwxyz"
	                              "0123456789-_";
	unsigned char bytes[33] = {0}; /* 32 of them random */

	rand_bytes(bytes, 32);
	for (size_t i = 0; i < 43; i++) {
		size_t bit = i * 6;
		unsigned pair =
		    (unsigned)bytes[bit / 8] << 8 | bytes[bit / 8 + 1];

		out[i] = letters[pair >> (10 - bit % 8) & 63];
	}
	out[43] = '\0';
}

void rand_uuid(char out[37])
{
	unsigned char bytes[16];

	rand_bytes(bytes, sizeof(bytes));
	rand_uuid_of(bytes, out);
}

void rand_uuid_of(const unsigned char bytes[16], char out[37])
{
	unsigned char b[16];
	char hex[33];

	memcpy(b, bytes, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	hex_encode(b, sizeof(b), hex);
	for (size_t i = 0, o = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			out[o++] = '-';
		out[o++] = hex[i];
	}
	out[36] = '\0';
}
