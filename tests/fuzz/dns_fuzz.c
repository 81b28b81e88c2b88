/*
 * dns: what is read as a question can be answered, and the answer replies to
 * it, fits, and has the addresses that were put in.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "wire/dns.h"

struct count {
	unsigned n;
};

static void count_one(void *arg, const struct ip *ip)
{
	(void)ip;
	((struct count *)arg)->n++;
}

static void check(struct str s, const struct dns_question *q)
{
	scoped_buf struct buf out = BUF_INIT(DNS_MAX);
	struct ip ips[2] = {ip_from4(1), {{0xfd}}};
	struct count c = {0};

	if (q->end > s.len || q->udp_max < DNS_UDP)
		abort();
	dns_answer(s, q, DNS_NOERROR, ips, 2, 5, q->udp_max, &out);
	if (out.bad || out.len > q->udp_max ||
	    !dns_replies(buf_str(&out), s, q->id) ||
	    dns_addresses(buf_str(&out), count_one, &c) == -1 || c.n > 2)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = str_make(data, size);
	struct error err = {0};
	struct dns_question q;
	struct count c = {0};
	enum dns_code why;

	if (dns_question(s, &q, &why, &err) == 0)
		check(s, &q);
	else if (err.code == ERR_NONE)
		abort();
	(void)dns_addresses(s, count_one, &c);
	(void)dns_replies(s, s, 0);
	return 0;
}
