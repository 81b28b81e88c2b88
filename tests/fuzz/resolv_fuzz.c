/*
 * resolv: what is found is printed, and found again in what was printed.
 */
/* links: runtime/jail/address.c runtime/jail/resolv.c */
#include <string.h>

#include "../../runtime/jail/resolv.h"
#include "base/buf.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped_buf struct buf text = BUF_INIT(256);
	struct resolvers found, again;
	char ip[IP_TEXT];

	resolv_parse(str_make(data, size), &found);
	CHECK(found.n <= RESOLVERS_MAX);
	for (uint32_t i = 0; i < found.n; i++) {
		ip_print(&found.address[i], ip);
		buf_addf(&text, "nameserver %s\n", ip);
	}
	CHECK(!text.bad);
	resolv_parse(buf_str(&text), &again);
	CHECK(memcmp(&found, &again, sizeof(found)) == 0);
	return 0;
}
