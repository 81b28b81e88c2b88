#include "wire/packet.h"

#include <string.h>

static unsigned byte(struct str s, size_t at)
{
	return (unsigned char)s.p[at];
}

static uint16_t port_at(struct str s, size_t at, uint8_t protocol)
{
	if ((protocol != PACKET_TCP && protocol != PACKET_UDP) ||
	    s.len < at + 4)
		return 0;
	return (uint16_t)(byte(s, at + 2) << 8 | byte(s, at + 3));
}

static uint32_t word(struct str s, size_t at)
{
	return (uint32_t)byte(s, at) << 24 | (uint32_t)byte(s, at + 1) << 16 |
	       (uint32_t)byte(s, at + 2) << 8 | byte(s, at + 3);
}

static bool parse4(struct str s, struct packet *ret)
{
	size_t head;

	if (s.len < 20)
		return false;
	head = 4u * (byte(s, 0) & 15);
	if (head < 20)
		return false;
	*ret = (struct packet){.from = ip_from4(word(s, 12)),
	    .to = ip_from4(word(s, 16)),
	    .protocol = (uint8_t)byte(s, 9)};
	if ((word(s, 4) & 0x1fff) == 0) /* the first piece has the ports */
		ret->port = port_at(s, head, ret->protocol);
	return true;
}

/* Behind other heads of IPv6 no port is looked for. */
static bool parse6(struct str s, struct packet *ret)
{
	if (s.len < 40)
		return false;
	*ret = (struct packet){.protocol = (uint8_t)byte(s, 6)};
	memcpy(ret->from.b, s.p + 8, 16);
	memcpy(ret->to.b, s.p + 24, 16);
	ret->port = port_at(s, 40, ret->protocol);
	return true;
}

bool packet_parse(struct str s, struct packet *ret)
{
	if (s.len == 0)
		return false;
	switch (byte(s, 0) >> 4) {
	case 4:
		return parse4(s, ret);
	case 6:
		return parse6(s, ret);
	default:
		return false;
	}
}
