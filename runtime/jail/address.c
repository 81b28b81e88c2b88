#include "address.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "lease.h"

#define FIRST_NET 0x64400000u /* 100.64.0.0 */

uint32_t address_net(uint64_t slot)
{
	assert(slot < SLOTS_MAX);
	return FIRST_NET + ((uint32_t)slot << 16);
}

uint32_t address_of(uint64_t slot, uint32_t number)
{
	assert(number >= ADDRESS_FIRST && number <= ADDRESS_LAST);
	return address_net(slot) + number;
}

void address_print(uint32_t address, char out[ADDRESS_TEXT])
{
	snprintf(out, ADDRESS_TEXT, "%u.%u.%u.%u", address >> 24,
	    address >> 16 & 255, address >> 8 & 255, address & 255);
}

bool address_parse(struct str text, uint32_t *ret)
{
	uint32_t address = 0;
	uint64_t byte;
	struct str part;
	int parts = 0;

	while (str_split(&text, '.', &part)) {
		if (++parts > 4 || !str_u64(part, 255, &byte) ||
		    (part.len > 1 && part.p[0] == '0'))
			return false;
		address = address << 8 | (uint32_t)byte;
	}
	if (parts != 4)
		return false;
	*ret = address;
	return true;
}

void veth_name(uint64_t slot, uint32_t number, char out[VETH_NAME])
{
	assert(slot < SLOTS_MAX && number <= ADDRESS_LAST);
	snprintf(
	    out, VETH_NAME, "paas%u-%" PRIu32, (unsigned)slot & 63, number);
}
