#include "wire/ip.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

struct ip ip_from4(uint32_t a)
{
	struct ip ip;

	memcpy(ip.b, mapped, sizeof(mapped));
	ip.b[12] = (uint8_t)(a >> 24);
	ip.b[13] = (uint8_t)(a >> 16);
	ip.b[14] = (uint8_t)(a >> 8);
	ip.b[15] = (uint8_t)a;
	return ip;
}

bool ip_is4(const struct ip *ip)
{
	return memcmp(ip->b, mapped, sizeof(mapped)) == 0;
}

uint32_t ip_v4(const struct ip *ip)
{
	return (uint32_t)ip->b[12] << 24 | (uint32_t)ip->b[13] << 16 |
	       (uint32_t)ip->b[14] << 8 | ip->b[15];
}

bool ip_eq(const struct ip *a, const struct ip *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* --- text ---------------------------------------------------------------- */

static bool parse4(struct str text, uint32_t *ret)
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
	*ret = address;
	return parts == 4;
}

bool ip_parse(struct str text, struct ip *ret)
{
	char z[IP_TEXT];
	uint32_t four;
	struct ip ip;

	if (str_find(text, ':') == -1) {
		if (!parse4(text, &four))
			return false;
		*ret = ip_from4(four);
		return true;
	}
	if (text.len >= sizeof(z) || str_find(text, '\0') != -1)
		return false;
	str_copy(text, z, sizeof(z));
	if (inet_pton(AF_INET6, z, ip.b) != 1)
		return false;
	*ret = ip;
	return true;
}

void ip_print(const struct ip *ip, char out[IP_TEXT])
{
	if (ip_is4(ip))
		snprintf(out, IP_TEXT, "%u.%u.%u.%u", ip->b[12], ip->b[13],
		    ip->b[14], ip->b[15]);
	else
		(void)inet_ntop(AF_INET6, ip->b, out, IP_TEXT);
}

static void clear_host(struct ip_net *net)
{
	for (unsigned i = 0; i < 128; i++)
		if (i >= net->bits)
			net->ip.b[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
}

bool ip_net_parse(struct str text, struct ip_net *ret)
{
	struct ip_net net = {.bits = 128};
	struct str address;
	uint64_t bits;
	bool four;

	if (!str_split(&text, '/', &address) || !ip_parse(address, &net.ip))
		return false;
	four = ip_is4(&net.ip);
	if (text.p) {
		if (!str_u64(text, four ? 32 : 128, &bits) ||
		    (text.len > 1 && text.p[0] == '0'))
			return false;
		net.bits = (uint8_t)(bits + (four ? 96 : 0));
	}
	clear_host(&net);
	*ret = net;
	return true;
}

void ip_net_print(const struct ip_net *net, char out[IP_NET_TEXT])
{
	char text[IP_TEXT];

	ip_print(&net->ip, text);
	if (net->bits == 128)
		snprintf(out, IP_NET_TEXT, "%s", text);
	else
		snprintf(out, IP_NET_TEXT, "%s/%u", text,
		    net->bits - (ip_is4(&net->ip) ? 96u : 0u));
}

bool ip_net_has(const struct ip_net *net, const struct ip *ip)
{
	struct ip_net same = {*ip, net->bits};

	clear_host(&same);
	return ip_eq(&same.ip, &net->ip);
}

/* --- kinds --------------------------------------------------------------- */

bool ip_is_private(const struct ip *ip)
{
	uint32_t a = ip_v4(ip);

	if (!ip_is4(ip))
		return (ip->b[0] & 0xfe) == 0xfc;
	return a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8;
}

bool ip_is_loopback(const struct ip *ip)
{
	static const struct ip six = {{[15] = 1}};

	return ip_is4(ip) ? ip_v4(ip) >> 24 == 127 : ip_eq(ip, &six);
}

bool ip_is_nowhere(const struct ip *ip)
{
	static const struct ip none;
	uint32_t top = ip_v4(ip) >> 24;

	if (ip_is_loopback(ip))
		return true;
	if (ip_is4(ip))
		return top == 0 || top >= 224;
	return ip_eq(ip, &none) || ip->b[0] == 0xff ||
	       (ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80);
}
