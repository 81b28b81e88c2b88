/*
 * packet: what is a head stays one with more behind it, and says the same.
 */
#include <string.h>

#include "fuzz.h"
#include "wire/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char more[256];
	struct packet p, q;

	if (size > sizeof(more) - 4 || !packet_parse(str_make(data, size), &p))
		return 0;
	CHECK(size >= 20);
	if (size)
		memcpy(more, data, size);
	memset(more + size, 0, 4);
	CHECK(packet_parse(str_make(more, size + 4), &q));
	CHECK(ip_eq(&p.from, &q.from) && ip_eq(&p.to, &q.to));
	CHECK(p.protocol == q.protocol);
	CHECK(p.port == 0 || p.port == q.port);
	return 0;
}
