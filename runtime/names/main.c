/*
 * paas-names - answers the DNS questions of instances at their gateway: names
 * of linked apps itself, all else by the host's resolvers.
 *
 * Listens on names.sock (plan) and on two sockets of DNS that the holder
 * keeps; connects to logd. Tells apps which connections were refused. Runs as
 * paas-names with no file of its own; what it knows, plan tells it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/mem.h"
#include "names.h"
#include "proc/sandbox.h"
#include "proc/start.h"

#define FDS_MAX 1024

static void on_term(void *arg, int signo)
{
	ev_stop(arg);
}

/* It makes sockets to ask resolvers; else as every daemon. */
static int enter_sandbox(const struct start *s, struct error *err)
{
	const struct sandbox_path paths[] = {{.path = s->settings.run}};
	bool missing;

	if (sandbox_rlimit(RLIMIT_NOFILE, FDS_MAX, err) == -1 ||
	    sandbox_basic(err) == -1 ||
	    sandbox_user(&s->roles, ROLE_NAMES, err) == -1 ||
	    sandbox_paths(paths, NELEM(paths), &missing, err) == -1)
		return -1;
	return sandbox_calls(SANDBOX_NO_EXEC | SANDBOX_NO_FORK, err);
}

static void on_logd(struct peer *p, void *ctx)
{
}

static void on_logd_frame(struct peer *p, struct frame *f, void *ctx)
{
}

static const struct peer_ops logd_ops = {on_logd, on_logd_frame, on_logd};

/* What only root may do; the platform goes on without it. */
static int open_refused(const struct start *s)
{
	struct error err = {0};
	int fd = refused_socket(s->settings.slot, &err);

	if (fd == -1)
		log_warn("refused connections are in no log: %s", err.msg);
	return fd;
}

static int open_all(struct names *n, struct start *s, struct error *err)
{
	int sock = start_fd(s, "names.sock"), udp = start_fd(s, "dns-udp"),
	    tcp = start_fd(s, "dns-tcp"), refused = open_refused(s);
	char path[128];

	if (sock == -1 || udp == -1 || tcp == -1)
		return error_set(err, ERR_INVALID,
		    "names.sock and the sockets of DNS were not handed in "
		    "(start `paas server`)");
	if (enter_sandbox(s, err) == -1 || udp_open(n, udp, err) == -1 ||
	    tcp_open(n, tcp, err) == -1 ||
	    refused_open(n, refused, err) == -1 ||
	    ev_signal(n->ev, SIGTERM, on_term, n->ev, err) == -1)
		return -1;
	plan_listen(n, sock, &s->roles);
	snprintf(path, sizeof(path), "%s/logd.sock", s->settings.run);
	n->logd = ipc_connect(n->ev, path, ROLE_NAMES, ROLE_LOGD, &logd_ops, n);
	return 0;
}

static int run(struct start *s, struct error *err)
{
	struct names n = {.ev = ev_new(), .settings = &s->settings};

	n.bytes = xmalloc(DNS_MAX);
	list_init(&n.queries);
	who_init(&n.who);
	if (open_all(&n, s, err) == -1)
		return -1;
	start_ready(s);
	ev_run(n.ev);
	tcp_close(&n);
	query_close(&n);
	peer_close(n.logd);
	ipc_listener_free(n.listener);
	ev_free(n.ev);
	who_release(&n.who);
	return 0;
}

int main(void)
{
	struct start start;
	struct error err = {0};

	if (start_open(&start, "names", &err) == -1 ||
	    run(&start, &err) == -1) {
		log_error("%s", err.msg);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
