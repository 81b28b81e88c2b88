#include "alone.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/name.h"
#include "main.h"
#include "router.h"
#include "tls.h"

#define MAP_MAX (4u << 20) /* bytes of the file */
#define WORKERS_MAX 64

struct address {
	struct sockaddr_storage addr;
	socklen_t len;
	bool tls; /* of a listener */
};

struct mapping { /* one line of the file */
	struct str host;
	struct address to;
};

struct alone {
	const char *map, *cert, *key;
	struct tls_front *tls; /* shared by all workers */
	struct address listen[LISTENERS_MAX];
	int nlisten;
	unsigned workers;
	struct limits limits;
	struct buf text; /* of the file; hosts borrow it */
	struct mapping *mappings;
	size_t nmappings;
};

/* --- addresses and the file ----------------------------------------------- */

/* "127.0.0.1:8080" or "[::1]:8080". */
static int parse_address(struct str s, struct address *ret, struct error *err)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&ret->addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ret->addr;
	char ip[INET6_ADDRSTRLEN];
	bool is_v6 = s.len > 0 && s.p[0] == '[';
	size_t n = s.len;
	uint64_t port;
	struct str host;

	while (n > 0 && s.p[n - 1] != ':')
		n--;
	if (n == 0 || !str_u64(str_sub(s, n, s.len), 65535, &port))
		goto bad;
	host = str_sub(s, 0, n - 1);
	if (is_v6 && (host.len < 3 || host.p[host.len - 1] != ']'))
		goto bad;
	if (is_v6)
		host = str_sub(host, 1, host.len - 1);
	if (host.len >= sizeof(ip))
		goto bad;
	memcpy(ip, host.p, host.len);
	ip[host.len] = '\0';
	*ret = (struct address){.len = is_v6 ? sizeof(*v6) : sizeof(*v4)};
	ret->addr.ss_family = is_v6 ? AF_INET6 : AF_INET;
	if (is_v6)
		v6->sin6_port = htons((uint16_t)port);
	else
		v4->sin_port = htons((uint16_t)port);
	if (inet_pton(ret->addr.ss_family, ip,
	        is_v6 ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr) == 1)
		return 0;
bad:
	return error_set(err, ERR_INVALID,
	    "\"" STR_FMT "\" is not ADDR:PORT, as 127.0.0.1:5000 or [::1]:5000",
	    STR_ARG(s));
}

/* Take the word at the front of *line. */
static struct str take_word(struct str *line)
{
	struct str s = str_trim(*line), word;
	size_t n = 0;

	while (n < s.len && s.p[n] != ' ' && s.p[n] != '\t')
		n++;
	word = str_sub(s, 0, n);
	*line = str_sub(s, n, s.len);
	return word;
}

static int parse_line(struct alone *a, struct str whole, struct error *err)
{
	struct mapping m = {0};
	struct str line, word;

	(void)str_split(&whole, '#', &line);
	if (line.len > 0 && line.p[line.len - 1] == '\r')
		line.len--;
	word = take_word(&line);
	if (word.len == 0)
		return 0;
	/* In place: the text is ours. */
	m.host = host_plain(word, (char *)word.p);
	if (!name_host(m.host) && !host_is_ip(m.host))
		return error_set(err, ERR_INVALID,
		    "\"" STR_FMT "\" is not a host's name", STR_ARG(word));
	if (parse_address(take_word(&line), &m.to, err) == -1)
		return -1;
	if (str_trim(line).len > 0)
		return error_set(err, ERR_INVALID, "more than HOST ADDR:PORT");
	a->mappings =
	    xrealloc(a->mappings, (a->nmappings + 1) * sizeof(struct mapping));
	a->mappings[a->nmappings++] = m;
	return 0;
}

static int read_map(struct alone *a, struct error *err)
{
	struct str rest, line;
	unsigned number = 0;

	a->text = (struct buf)BUF_INIT(MAP_MAX);
	if (fd_read_file(AT_FDCWD, a->map, &a->text, err) == -1)
		return -1;
	rest = buf_str(&a->text);
	while (str_split(&rest, '\n', &line)) {
		number++;
		if (parse_line(a, line, err) == -1)
			return error_wrap(err, "%s line %u", a->map, number);
	}
	return 0;
}

/* --- the command line ----------------------------------------------------- */

static const char help_text[] =
    "usage: paas-router --map FILE --listen ADDR:PORT [OPTION]...\n"
    "\n"
    "Routes HTTP/1.1 by host, without a platform. Each line of FILE is\n"
    "\"HOST ADDR:PORT\"; a host with several lines has several instances.\n"
    "Blank lines and # comments are skipped.\n"
    "\n"
    "  --listen ADDR:PORT      where to accept; with --tls up to 8 of them\n"
    "  --workers N             loops, each on a thread of its own (1)\n"
    "  --timeout head=S        seconds for a whole request head (30)\n"
    "  --timeout body=S        seconds that a body may stand still (55)\n"
    "  --timeout response=S    seconds until an answer begins (30)\n"
    "  --tls ADDR:PORT         where to accept TLS\n"
    "  --cert FILE             the certificate for it and its chain, in PEM\n"
    "  --key FILE              its private key, in PEM\n"
    "  --help                  this text\n";

static int set_timeout(struct alone *a, struct str value, struct error *err)
{
	static const struct {
		const char *name;
		size_t at;
	} timeouts[] = {
	    {"head", offsetof(struct limits, head_ms)},
	    {"body", offsetof(struct limits, body_ms)},
	    {"response", offsetof(struct limits, response_ms)},
	};
	struct str name, whole = value;
	uint64_t seconds;

	(void)str_split(&value, '=', &name);
	for (size_t i = 0; i < NELEM(timeouts); i++) {
		if (!str_eqz(name, timeouts[i].name) ||
		    !str_u64(value, 86400, &seconds) || seconds == 0)
			continue;
		*(uint64_t *)((char *)&a->limits + timeouts[i].at) =
		    seconds * 1000;
		return 0;
	}
	return error_set(err, ERR_INVALID,
	    "--timeout " STR_FMT ": it is head=SECONDS, body=SECONDS or "
	    "response=SECONDS",
	    STR_ARG(whole));
}

static int set_workers(struct alone *a, struct str value, struct error *err)
{
	uint64_t n;

	if (!str_u64(value, WORKERS_MAX, &n) || n == 0)
		return error_set(
		    err, ERR_INVALID, "--workers is 1 to %d", WORKERS_MAX);
	a->workers = (unsigned)n;
	return 0;
}

static int add_listener(
    struct alone *a, struct str value, bool tls, struct error *err)
{
	struct address *to = &a->listen[a->nlisten];

	if (a->nlisten == LISTENERS_MAX)
		return error_set(err, ERR_LIMIT,
		    "more than %d of --listen and --tls", LISTENERS_MAX);
	if (parse_address(value, to, err) == -1)
		return -1;
	to->tls = tls;
	a->nlisten++;
	return 0;
}

static int set_listen(struct alone *a, struct str value, struct error *err)
{
	return add_listener(a, value, false, err);
}

static int set_tls(struct alone *a, struct str value, struct error *err)
{
	return add_listener(a, value, true, err);
}

static const struct option {
	const char *name;
	int (*set)(struct alone *a, struct str value, struct error *err);
	size_t at; /* of a text, when there is no set */
} options[] = {
    {"--map", NULL, offsetof(struct alone, map)},
    {"--listen", set_listen, 0},
    {"--tls", set_tls, 0},
    {"--cert", NULL, offsetof(struct alone, cert)},
    {"--key", NULL, offsetof(struct alone, key)},
    {"--workers", set_workers, 0},
    {"--timeout", set_timeout, 0},
};

static int set_option(
    struct alone *a, const char *name, const char *value, struct error *err)
{
	for (size_t i = 0; i < NELEM(options); i++) {
		const struct option *o = &options[i];

		if (strcmp(name, o->name) != 0)
			continue;
		if (!value)
			return error_set(
			    err, ERR_INVALID, "%s needs a value", name);
		if (o->set)
			return o->set(a, str_z(value), err);
		*(const char **)((char *)a + o->at) = value;
		return 0;
	}
	return error_set(err, ERR_INVALID, "unknown option %s", name);
}

static int parse_args(struct alone *a, int argc, char **argv, struct error *err)
{
	bool tls = false;

	for (int i = 1; i < argc; i += 2)
		if (set_option(a, argv[i], argv[i + 1], err) == -1)
			return -1;
	for (int i = 0; i < a->nlisten; i++)
		tls = tls || a->listen[i].tls;
	if (!a->map || a->nlisten == 0)
		return error_set(err, ERR_INVALID,
		    "--map and one of --listen and --tls are needed");
	if (tls != (a->cert != NULL) || tls != (a->key != NULL))
		return error_set(err, ERR_INVALID,
		    "--tls, --cert and --key are given together");
	return 0;
}

/* --- workers -------------------------------------------------------------- */

struct worker {
	struct router router;
	struct ev_io stop_io; /* an eventfd that the first worker writes to */
	pthread_t thread;
	struct worker *all; /* in the first one: all of them */
	unsigned nall;
};

static void stop_ready(struct ev_io *io, unsigned events)
{
	struct worker *w = container_of(io, struct worker, stop_io);

	ev_io_del(io);
	router_stop(&w->router);
}

static void on_stop(void *arg, int signo)
{
	struct worker *first = arg;

	for (unsigned i = 0; i < first->nall; i++)
		(void)eventfd_write(first->all[i].stop_io.fd, 1);
}

static int open_listener(struct router *r, const struct address *to,
    struct tls_front *tls, struct error *err)
{
	int on = 1, fd = socket(to->addr.ss_family,
	                SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return error_sys(err, "a socket to listen");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (r->share_ports &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == -1)
		goto failed;
	if (bind(fd, (const struct sockaddr *)&to->addr, to->len) == -1 ||
	    listen(fd, SOMAXCONN) == -1)
		goto failed;
	return listener_open(
	    r, &r->listeners[r->nlisteners++], fd, to->tls ? tls : NULL, err);
failed:
	error_sys(err, "listen at port %u",
	    ntohs(((const struct sockaddr_in *)&to->addr)->sin_port));
	fd_close(&fd);
	return -1;
}

/* An app for each host, a target for each line. */
static void add_routes(struct router *r, const struct alone *a)
{
	uint64_t apps = 0;

	for (size_t i = 0; i < a->nmappings; i++) {
		const struct mapping *m = &a->mappings[i];
		struct route to = {ROUTE_APP, 0};
		char name[32];

		if (!route_set_get(r->route_set, m->host, &to)) {
			to.app = ++apps;
			route_set_put(r->route_set, m->host, to);
		}
		snprintf(name, sizeof(name), "line.%zu", i + 1);
		(void)fleet_add_fixed(fleet_app(r, to.app), i + 1, name,
		    (const struct sockaddr *)&m->to.addr, m->to.len);
	}
	r->routes_known = true;
	r->fleet.known = true;
	router_publish(r);
}

static int worker_init(
    struct worker *w, const struct alone *a, struct error *err)
{
	struct router *r = &w->router;

	router_init(r, ev_new());
	r->limits = a->limits;
	r->share_ports = a->workers > 1;
	add_routes(r, a);
	w->stop_io.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->stop_io.ready = stop_ready;
	if (w->stop_io.fd == -1)
		return error_sys(err, "eventfd");
	if (ev_io_add(r->ev, &w->stop_io, EV_READ, err) == -1)
		return -1;
	for (int i = 0; i < a->nlisten; i++)
		if (open_listener(r, &a->listen[i], a->tls, err) == -1)
			return -1;
	return 0;
}

static void worker_release(struct worker *w)
{
	struct ev *ev = w->router.ev;

	if (!ev)
		return;
	ev_io_del(&w->stop_io);
	fd_close(&w->stop_io.fd);
	router_release(&w->router);
	ev_free(ev);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	ev_run(w->router.ev);
	return NULL;
}

static int run_workers(struct worker *w, unsigned n, struct error *err)
{
	unsigned started = 1;

	w[0].all = w;
	w[0].nall = n;
	/* Before the threads are made, so that they inherit the mask. */
	if (ev_signal(w[0].router.ev, SIGTERM, on_stop, w, err) == -1 ||
	    ev_signal(w[0].router.ev, SIGINT, on_stop, w, err) == -1)
		return -1;
	for (; started < n; started++) {
		errno = pthread_create(
		    &w[started].thread, NULL, worker_main, &w[started]);
		if (errno != 0)
			break;
	}
	if (started < n) {
		error_sys(err, "thread %u", started);
		on_stop(w, SIGTERM);
	}
	ev_run(w[0].router.ev);
	for (unsigned i = 1; i < started; i++)
		(void)pthread_join(w[i].thread, NULL);
	return started < n ? -1 : 0;
}

static int alone_run(struct alone *a, struct error *err)
{
	struct worker *w;
	int result = 0;

	if (read_map(a, err) == -1)
		return -1;
	if (a->cert) {
		a->tls = tls_front_new(a->cert, a->key, err);
		if (!a->tls)
			return -1;
	}
	share_files(&a->limits, a->workers);
	w = xcalloc(a->workers, sizeof(*w));
	for (unsigned i = 0; i < a->workers && result == 0; i++)
		result = worker_init(&w[i], a, err);
	if (result == 0)
		result = run_workers(w, a->workers, err);
	for (unsigned i = 0; i < a->workers; i++)
		worker_release(&w[i]);
	free(w);
	tls_front_free(a->tls);
	return result;
}

int alone_main(int argc, char **argv)
{
	struct alone a = {.workers = 1};
	struct error err = {0};
	int result;

	log_open("router", LOG_LEVEL_INFO);
	(void)signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without a flag */
	limits_init(&a.limits);
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0) {
			fputs(help_text, stdout);
			return 0;
		}
	if (parse_args(&a, argc, argv, &err) == -1) {
		fprintf(stderr, "paas-router: %s\nTry: paas-router --help\n",
		    err.msg);
		return 2;
	}
	result = alone_run(&a, &err);
	if (result == -1)
		log_error("%s", err.msg);
	free(a.mappings);
	buf_release(&a.text);
	return result == -1 ? 1 : 0;
}
