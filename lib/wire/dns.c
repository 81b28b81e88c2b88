#include "wire/dns.h"

#include <string.h>

#define FLAG_QR 0x8000u /* a reply */
#define FLAG_TC 0x0200u
#define FLAG_RD 0x0100u
#define FLAG_RA 0x0080u
#define OPCODE 0x7800u
#define CLASS_IN 1
#define TYPE_OPT 41
#define TYPE_ANY 255

static uint16_t get16(struct str s, size_t at)
{
	return (
	    uint16_t)((unsigned char)s.p[at] << 8 | (unsigned char)s.p[at + 1]);
}

static void put16(struct buf *out, unsigned value)
{
	buf_addc(out, (char)(value >> 8));
	buf_addc(out, (char)value);
}

/* --- names --------------------------------------------------------------- */

/* The end of the name at `at` in the message, without following; 0: bad. */
static size_t skip_name(struct str s, size_t at)
{
	size_t length = 0;

	while (at < s.len) {
		unsigned n = (unsigned char)s.p[at];

		if (n == 0)
			return at + 1;
		if (n >= 0xc0)
			return at + 2 <= s.len ? at + 2 : 0;
		length += n + 1;
		if (n > 63 || length > 254)
			return 0;
		at += n + 1;
	}
	return 0;
}

static char plain(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c | 0x20);
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '_')
		return c;
	return '?';
}

/* The name of a question: no pointers. Its end, 0 when malformed. */
static size_t read_name(struct str s, size_t at, char out[DNS_NAME])
{
	size_t n = 0, end = skip_name(s, at);

	if (end == 0 || end - at > 255)
		return 0;
	for (; s.p[at] != 0; at += (unsigned char)s.p[at] + 1u) {
		unsigned label = (unsigned char)s.p[at];

		if (label > 63)
			return 0;
		if (n > 0)
			out[n++] = '.';
		for (unsigned i = 1; i <= label; i++)
			out[n++] = plain(s.p[at + i]);
	}
	out[n] = '\0';
	return end;
}

/* --- questions ----------------------------------------------------------- */

/* What the OPT record behind the question says, if that is what is there. */
static void read_opt(struct str s, struct dns_question *q)
{
	size_t at = q->end;

	q->udp_max = DNS_UDP;
	if (get16(s, 10) == 0 || s.len < at + 11 || s.p[at] != 0 ||
	    get16(s, at + 1) != TYPE_OPT)
		return;
	if (get16(s, at + 3) > DNS_UDP)
		q->udp_max = get16(s, at + 3);
}

static int refuse(enum dns_code *ret_why, enum dns_code why, struct error *err)
{
	*ret_why = why;
	return error_set(err, ERR_INVALID, "not a question");
}

int dns_question(struct str s, struct dns_question *ret, enum dns_code *ret_why,
    struct error *err)
{
	struct dns_question q = {0};
	unsigned flags;
	size_t end;

	*ret_why = DNS_NOERROR; /* nothing to say to that */
	if (s.len < DNS_HEAD || s.len > DNS_MAX)
		return error_set(err, ERR_INVALID, "not a DNS message");
	flags = get16(s, 2);
	if (flags & FLAG_QR)
		return error_set(err, ERR_INVALID, "a reply");
	if (flags & OPCODE)
		return refuse(ret_why, DNS_NOTIMP, err);
	if (get16(s, 4) != 1 || get16(s, 6) != 0 || get16(s, 8) != 0)
		return refuse(ret_why, DNS_FORMERR, err);
	end = read_name(s, DNS_HEAD, q.name);
	if (end == 0 || end + 4 > s.len)
		return refuse(ret_why, DNS_FORMERR, err);
	q.id = get16(s, 0);
	q.recursion = flags & FLAG_RD;
	q.type = get16(s, end);
	q.class = get16(s, end + 2);
	q.end = end + 4;
	read_opt(s, &q);
	*ret = q;
	return 0;
}

/* --- replies ------------------------------------------------------------- */

uint16_t dns_id(struct str s)
{
	return get16(s, 0);
}

void dns_set_id(char *message, uint16_t id)
{
	message[0] = (char)(id >> 8);
	message[1] = (char)id;
}

bool dns_truncated(struct str s)
{
	return get16(s, 2) & FLAG_TC;
}

enum dns_code dns_rcode(struct str s)
{
	return (enum dns_code)(get16(s, 2) & 15);
}

bool dns_replies(struct str reply, struct str asked, uint16_t id)
{
	size_t end;

	if (reply.len < DNS_HEAD || get16(reply, 0) != id ||
	    !(get16(reply, 2) & FLAG_QR) || (get16(reply, 2) & OPCODE) ||
	    get16(reply, 4) != 1 || asked.len < DNS_HEAD)
		return false;
	end = skip_name(asked, DNS_HEAD);
	if (end == 0 || end + 4 > asked.len || end + 4 > reply.len)
		return false;
	end += 4;
	/* Lengths are below 64 and so the same in either case. */
	return str_eq_nocase(
	    str_sub(reply, DNS_HEAD, end), str_sub(asked, DNS_HEAD, end));
}

static void give_address(struct str data, unsigned type,
    void (*each)(void *arg, const struct ip *ip), void *arg)
{
	struct ip ip;

	if (type == DNS_A && data.len == 4) {
		ip = ip_from4((uint32_t)get16(data, 0) << 16 | get16(data, 2));
		each(arg, &ip);
	} else if (type == DNS_AAAA && data.len == 16) {
		memcpy(ip.b, data.p, 16);
		each(arg, &ip);
	}
}

int dns_addresses(
    struct str s, void (*each)(void *arg, const struct ip *ip), void *arg)
{
	size_t at;

	if (s.len < DNS_HEAD)
		return -1;
	at = DNS_HEAD;
	for (unsigned n = get16(s, 4); n > 0; n--) {
		at = skip_name(s, at);
		if (at == 0 || at + 4 > s.len)
			return -1;
		at += 4;
	}
	for (unsigned n = get16(s, 6); n > 0; n--) {
		unsigned length;

		at = skip_name(s, at);
		if (at == 0 || at + 10 > s.len)
			return -1;
		length = get16(s, at + 8);
		if (at + 10 + length > s.len)
			return -1;
		if (get16(s, at + 2) == CLASS_IN)
			give_address(str_sub(s, at + 10, at + 10 + length),
			    get16(s, at), each, arg);
		at += 10 + length;
	}
	return 0;
}

/* --- answers of ours ----------------------------------------------------- */

static bool wants(const struct dns_question *q, const struct ip *ip)
{
	return q->class == CLASS_IN &&
	       (q->type == TYPE_ANY ||
	           q->type == (ip_is4(ip) ? DNS_A : DNS_AAAA));
}

static void put_record(struct buf *out, const struct ip *ip, uint32_t ttl)
{
	bool four = ip_is4(ip);

	put16(out, 0xc000 | DNS_HEAD); /* the name of the question */
	put16(out, four ? DNS_A : DNS_AAAA);
	put16(out, CLASS_IN);
	put16(out, ttl >> 16);
	put16(out, ttl & 0xffff);
	put16(out, four ? 4 : 16);
	buf_add(out, str_make(ip->b + (four ? 12 : 0), four ? 4 : 16));
}

void dns_answer(struct str message, const struct dns_question *q,
    enum dns_code code, const struct ip *ips, size_t n, uint32_t ttl,
    size_t max, struct buf *out)
{
	unsigned flags =
	    FLAG_QR | FLAG_RA | (unsigned)code | (q->recursion ? FLAG_RD : 0);
	size_t start = out->len;
	unsigned count = 0;

	put16(out, q->id);
	put16(out, flags);
	put16(out, q->end ? 1 : 0);
	put16(out, 0);
	put16(out, 0);
	put16(out, 0);
	if (q->end)
		buf_add(out, str_sub(message, DNS_HEAD, q->end));
	for (size_t i = 0; i < n; i++) {
		size_t size = ip_is4(&ips[i]) ? 16 : 28;

		if (!wants(q, &ips[i]))
			continue;
		if (out->len - start + size > max) {
			flags |= FLAG_TC;
			break;
		}
		put_record(out, &ips[i], ttl);
		count++;
	}
	if (out->bad)
		return;
	dns_set_id(out->p + start + 2, (uint16_t)flags);
	dns_set_id(out->p + start + 6, (uint16_t)count);
}
