#include "names.h"

#include <string.h>

#define FOUND_MAX 256 /* addresses of one name */
#define TTL 5         /* seconds: instances move */

void answer_send(struct names *n, const struct asker *who, struct str message)
{
	if (who->client)
		tcp_send(n, who, message);
	else
		udp_send(n, who, message);
}

static size_t most(const struct asker *who, const struct dns_question *q)
{
	if (who->client)
		return DNS_MAX;
	return q->udp_max < 1232 ? q->udp_max : 1232; /* no pieces of IP */
}

static void answer(struct names *n, const struct asker *who, struct str message,
    const struct dns_question *q, enum dns_code code, const struct ip *ips,
    size_t nips)
{
	scoped_buf struct buf out = BUF_INIT(DNS_MAX);

	dns_answer(message, q, code, ips, nips, TTL, most(who, q), &out);
	answer_send(n, who, buf_str(&out));
}

void answer_code(struct names *n, const struct asker *who, struct str message,
    enum dns_code code)
{
	struct dns_question q;
	struct error err;
	enum dns_code why;

	if (dns_question(message, &q, &why, &err) == -1)
		q = (struct dns_question){
		    .id = dns_id(message), .udp_max = DNS_UDP};
	answer(n, who, message, &q, code, NULL, 0);
}

/* Another one first each time, since most programs take the first. */
static void turn(struct names *n, struct ip *ips, size_t count)
{
	struct ip copy[FOUND_MAX];
	unsigned by = count > 0 ? n->turn++ % (unsigned)count : 0;

	memcpy(copy, ips, count * sizeof(*ips));
	for (size_t i = 0; i < count; i++)
		ips[i] = copy[(i + by) % count];
}

void ask(struct names *n, const struct asker *who, struct str message)
{
	struct ip ips[FOUND_MAX];
	struct dns_question q;
	struct error err;
	enum dns_code why;
	size_t count;

	if (dns_question(message, &q, &why, &err) == -1) {
		if (why != DNS_NOERROR)
			answer_code(n, who, message, why);
		return;
	}
	switch (who_find(
	    &n->who, who->app, str_z(q.name), ips, FOUND_MAX, &count)) {
	case WHO_FOUND:
		turn(n, ips, count);
		answer(n, who, message, &q, DNS_NOERROR, ips, count);
		break;
	case WHO_NONE:
		/* Of one not known yet nothing is known: it asks again. */
		answer_code(
		    n, who, message, who->app ? DNS_NXDOMAIN : DNS_SERVFAIL);
		break;
	case WHO_OTHERS:
		query_start(n, who, message, &q);
		break;
	}
}
