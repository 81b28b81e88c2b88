#include <string.h>

#include "base/mem.h"
#include "names.h"

#define AGAIN_MS 1200000 /* well before jail closes it again */
#define PORTS_MAX 8      /* of rules about one host: frames of one answer */
#define ADDRESSES_MAX 32 /* of one answer */

/* --- what is remembered --------------------------------------------------- */

static bool is_open(
    const struct names *n, uint64_t app, const struct ip *ip, uint16_t port)
{
	for (unsigned i = 0; n->opened && i < OPENED_MAX; i++) {
		const struct opened *o = &n->opened[i];

		if (o->app == app && o->port == port && ip_eq(&o->ip, ip))
			return o->until_ms > ev_now_ms(n->ev);
	}
	return false;
}

static void note_open(
    struct names *n, uint64_t app, const struct ip *ip, uint16_t port)
{
	if (!n->opened)
		n->opened = xcalloc(OPENED_MAX, sizeof(*n->opened));
	n->opened[n->next_opened++ % OPENED_MAX] =
	    (struct opened){app, ev_now_ms(n->ev) + AGAIN_MS, *ip, port};
}

void open_forget(struct names *n)
{
	free(n->opened);
	n->opened = NULL;
	n->next_opened = 0;
}

static struct seen *find_seen(
    const struct names *n, uint64_t app, const struct ip *ip)
{
	for (unsigned i = 0; n->seen && i < SEEN_MAX; i++)
		if (n->seen[i].app == app && ip_eq(&n->seen[i].ip, ip))
			return &n->seen[i];
	return NULL;
}

const char *open_name(const struct names *n, uint64_t app, const struct ip *ip)
{
	const struct seen *s = find_seen(n, app, ip);

	return s ? s->name : NULL;
}

/* The last name by which the app came to the address. */
static void note_name(
    struct names *n, uint64_t app, const struct ip *ip, const char *name)
{
	struct seen *s = find_seen(n, app, ip);

	if (!n->seen)
		n->seen = xcalloc(SEEN_MAX, sizeof(*n->seen));
	if (!s)
		s = &n->seen[n->next_seen++ % SEEN_MAX];
	s->app = app;
	s->ip = *ip;
	str_copy(str_z(name), s->name, sizeof(s->name));
}

/* --- asking --------------------------------------------------------------- */

struct found {
	struct names *n;
	uint64_t app;
	const char *name;
	struct ip ips[ADDRESSES_MAX];
	size_t n_ips;
};

/* Public ones are open as they are. */
static void add(void *arg, const struct ip *ip)
{
	struct found *f = arg;

	if (!ip_is_private(ip) || f->n_ips == ADDRESSES_MAX)
		return;
	f->ips[f->n_ips++] = *ip;
	note_name(f->n, f->app, ip, f->name);
}

/* A frame about those that are not open yet; its id, 0: there are none. */
static uint32_t ask_port(struct names *n, struct found *f, uint16_t port)
{
	uint32_t id = peer_next_id(n->plan);
	scoped_frame_out struct frame_out o = frame_begin(MSG_NET_OPEN, id);
	bool any = false;
	char text[IP_TEXT];

	frame_put_u64(&o, F_APP, f->app);
	frame_put_u64(&o, F_PORT, port);
	for (size_t i = 0; i < f->n_ips; i++) {
		if (is_open(n, f->app, &f->ips[i], port))
			continue;
		ip_print(&f->ips[i], text);
		frame_put_z(&o, F_ADDRESS, text);
		note_open(n, f->app, &f->ips[i], port);
		any = true;
	}
	return any && peer_send(n->plan, &o) == 0 ? id : 0;
}

bool open_ask(struct names *n, uint64_t app, const char *name, struct str reply,
    struct opening *ret)
{
	struct found f = {.n = n, .app = app, .name = name};
	uint16_t ports[PORTS_MAX];
	size_t nports;

	ret->n = 0;
	if (!app || dns_addresses(reply, add, &f) == -1 || f.n_ips == 0 ||
	    !n->plan)
		return false;
	nports = who_ports(&n->who, app, name, ports, PORTS_MAX);
	for (size_t i = 0; i < nports; i++) {
		uint32_t id = ask_port(n, &f, ports[i]);

		if (id)
			ret->ids[ret->n++] = id;
	}
	return ret->n > 0;
}

bool open_answered(struct opening *o, uint32_t id)
{
	for (unsigned i = 0; i < o->n; i++) {
		if (o->ids[i] != id)
			continue;
		o->ids[i] = o->ids[--o->n];
		return true;
	}
	return false;
}
