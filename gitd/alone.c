#include "alone.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "advert.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "http.h"
#include "push.h"
#include "refs.h"
#include "repodir.h"
#include "stream.h"
#include "target.h"

/* The program paas-receive lies beside us. */
static int find_worker(struct gitd *g, struct error *err)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n == -1)
		return error_sys(err, "find this program");
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return error_set(err, ERR_INTERNAL, "find this program");
	*slash = '\0';
	snprintf(
	    g->worker_path, sizeof(g->worker_path), "%s/paas-receive", self);
	if (access(g->worker_path, X_OK) == -1)
		return error_sys(err, "%s", g->worker_path);
	return 0;
}

static int set_dir(struct gitd *g, const char *dir, struct error *err)
{
	scoped_free char *real = realpath(dir, NULL);

	if (!real)
		return error_sys(err, "folder %s", dir);
	if (strlen(real) >= sizeof(g->dir))
		return error_set(
		    err, ERR_LIMIT, "the path %s is too long", real);
	snprintf(g->dir, sizeof(g->dir), "%s", real);
	g->dir_fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g->dir_fd == -1)
		return error_sys(err, "folder %s", real);
	return find_worker(g, err);
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* "127.0.0.1:8000" or "[::1]:8000": loopback, since nobody is asked for more.
 */
static int parse_address(
    const char *text, union address *ret, socklen_t *ret_len, struct error *err)
{
	const char *colon = strrchr(text, ':');
	struct str host;
	uint64_t port;
	char name[64];

	*ret = (union address){0};
	if (!colon || !str_u64(str_z(colon + 1), 65535, &port))
		return error_set(
		    err, ERR_INVALID, "--listen wants ADDR:PORT, not %s", text);
	host = str_make(text, (size_t)(colon - text));
	if (host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']')
		host = str_sub(host, 1, host.len - 1);
	snprintf(name, sizeof(name), STR_FMT, STR_ARG(host));
	if (inet_pton(AF_INET, name, &ret->v4.sin_addr) == 1 &&
	    ntohl(ret->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons((uint16_t)port);
		*ret_len = sizeof(ret->v4);
		return 0;
	}
	*ret = (union address){0};
	if (inet_pton(AF_INET6, name, &ret->v6.sin6_addr) == 1 &&
	    IN6_IS_ADDR_LOOPBACK(&ret->v6.sin6_addr)) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons((uint16_t)port);
		*ret_len = sizeof(ret->v6);
		return 0;
	}
	return error_set(err, ERR_FORBIDDEN,
	    "without a login only a loopback address is served (127.0.0.1 or "
	    "[::1]), not %s",
	    name);
}

static int open_listener(const char *text, struct error *err)
{
	scoped_fd int fd = -1;
	union address at;
	socklen_t len = 0;
	int on = 1;

	if (parse_address(text, &at, &len, err) == -1)
		return -1;
	fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return error_sys(err, "make a socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &at.any, len) == -1 || listen(fd, 128) == -1)
		return error_sys(err, "listen on %s", text);
	return take_fd(&fd);
}

static void print_ready(int fd)
{
	union address at = {0};
	socklen_t len = sizeof(at);
	char name[64] = "";

	(void)getsockname(fd, &at.any, &len);
	if (at.any.sa_family == AF_INET)
		printf("ready http://%s:%u/\n",
		    inet_ntop(AF_INET, &at.v4.sin_addr, name, sizeof(name)),
		    ntohs(at.v4.sin_port));
	else
		printf("ready http://[%s]:%u/\n",
		    inet_ntop(AF_INET6, &at.v6.sin6_addr, name, sizeof(name)),
		    ntohs(at.v6.sin6_port));
	fflush(stdout);
}

int alone_serve(
    struct gitd *g, const char *dir, const char *listen, struct error *err)
{
	int fd = open_listener(listen, err);

	if (fd == -1 || set_dir(g, dir, err) == -1)
		return -1;
	g->http = http_open(g, fd, (uid_t)-1, err);
	if (!g->http)
		return -1;
	print_ready(fd);
	ev_run(g->ev);
	return 0;
}

/* --- on the standard streams ---------------------------------------------- */

struct streams {
	struct gitd *g;
	struct stream *out;
	bool failed;
};

/* The stream has more: it goes out, or to stderr when it is a refusal. */
static void pass_on(void *ctx)
{
	struct streams *s = ctx;
	struct error err = {0};
	char chunk[4096];
	size_t n;
	int fd = s->out->status == 200 ? STDOUT_FILENO : STDERR_FILENO;

	while (s->out->status &&
	       (n = stream_take(s->out, chunk, sizeof(chunk))) > 0) {
		if (fd_write_all(fd, str_make(chunk, n), &err) == -1)
			break; /* the push goes on without its client */
	}
	if (s->out->end == STREAM_OPEN)
		return;
	s->failed = s->out->end == STREAM_BROKEN || s->out->status != 200;
	ev_stop(s->g->ev);
}

/* DIR, DIR.git or DIR/.git, as git takes it. */
static char *find_repo(const char *dir)
{
	static const char *const tails[] = {"", ".git", "/.git"};

	for (size_t i = 0; i < NELEM(tails); i++) {
		scoped_free char *path = xasprintf("%s%s", dir, tails[i]);

		if (repodir_exists(AT_FDCWD, path))
			return realpath(path, NULL);
	}
	return NULL;
}

static int say_first(struct repo *repo, struct error *err)
{
	scoped_buf struct buf out = BUF_INIT(ADVERT_MAX);
	scoped_reflist struct reflist refs = {0};
	enum protocol protocol = target_protocol(str_z(getenv("GIT_PROTOCOL")));

	if (refs_list(repo->path, &refs, err) == -1)
		return -1;
	advert_build(&out, &refs, false, protocol == PROTOCOL_1);
	return fd_write_all(STDOUT_FILENO, buf_str(&out), err);
}

int alone_receive(struct gitd *g, const char *dir, struct error *err)
{
	scoped_free char *path = find_repo(dir);
	struct streams s = {.g = g};
	struct push *p = NULL;
	struct repo *repo;
	char *slash;

	if (!path)
		return error_set(
		    err, ERR_NOT_FOUND, "%s is not a git repository", dir);
	slash = strrchr(path, '/');
	*slash = '\0';
	if (set_dir(g, path[0] ? path : "/", err) == -1)
		return -1;
	repo = repo_of_folder(g, slash + 1);
	if (say_first(repo, err) == -1)
		return -1;
	s.out = stream_new();
	s.out->more = pass_on;
	s.out->more_ctx = &s;
	p = push_new(repo, 0, 0, s.out, &p);
	push_ready_fd(p, dup(STDIN_FILENO));
	repo_leave(repo);
	ev_run(g->ev);
	stream_drop(s.out);
	return s.failed ? error_set(err, ERR_INVALID, "push failed") : 0;
}
