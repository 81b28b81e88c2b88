#include "netverbs.h"

#include <inttypes.h>

#include "base/log.h"

#define ADDRESSES_MAX 64 /* of one answer of DNS */

void on_net_begin(struct jail *j, struct frame *f)
{
	table_begin(net_table(j->net));
}

void on_net_end(struct jail *j, struct frame *f)
{
	table_end(net_table(j->net));
}

void on_net(struct jail *j, struct frame *f)
{
	struct policy_app *a = policy_app_new(frame_u64(f, F_APP));
	struct str value;
	uint16_t tag;
	size_t pos = 0;

	while (frame_next(f, &pos, &tag, &value)) {
		if (tag == F_LINK)
			policy_app_link(a, frame_number(value));
		else if (tag == F_EGRESS && !policy_app_egress(a, value))
			log_warn("rule left out app=%" PRIu64 " rule=%s", a->id,
			    log_quote(value));
	}
	table_set(net_table(j->net), a);
}

/* Private ones alone: no name opens what is nobody's to open. */
static size_t read_addresses(const struct frame *f, struct ip *out)
{
	struct str value;
	uint16_t tag;
	size_t pos = 0, n = 0;

	while (n < ADDRESSES_MAX && frame_next(f, &pos, &tag, &value))
		if (tag == F_ADDRESS && ip_parse(value, &out[n]) &&
		    ip_is_private(&out[n]))
			n++;
	return n;
}

void on_net_open(struct jail *j, struct frame *f)
{
	struct ip ips[ADDRESSES_MAX];
	size_t n = read_addresses(f, ips);
	uint64_t port = frame_u64(f, F_PORT);
	struct error err = {0};
	int done;

	if (port == 0 || port > 65535)
		done = error_set(&err, ERR_INVALID, "a port out of range");
	else
		done = table_open_addresses(net_table(j->net),
		    frame_u64(f, F_APP), (uint16_t)port, ips, n, &err);
	if (f->id == 0)
		return;
	if (done == -1)
		(void)peer_send_error(j->plan, f->id, &err);
	else
		(void)peer_send_ok(j->plan, f->id);
}
