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

struct ip_net address6_net(uint64_t slot)
{
	struct ip_net net = {
	    .ip = {{0xfd, 0x70, 0x61, 0x61, 0x73, (uint8_t)slot}}, .bits = 48};

	assert(slot < SLOTS_MAX);
	return net;
}

struct ip address6_of(uint64_t slot, uint32_t number)
{
	struct ip ip = address6_net(slot).ip;

	assert(number >= ADDRESS_FIRST && number <= ADDRESS_LAST);
	ip.b[14] = (uint8_t)(number >> 8);
	ip.b[15] = (uint8_t)number;
	return ip;
}

void veth_name(uint64_t slot, uint32_t number, char out[VETH_NAME])
{
	assert(slot < SLOTS_MAX && number <= ADDRESS_LAST);
	snprintf(
	    out, VETH_NAME, "paas%u-%" PRIu32, (unsigned)slot & 63, number);
}
