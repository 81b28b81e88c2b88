#include "rendezvous.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "exit_scan.h"
#include "term.h"
#include "url_base.h"

#define HEAD_MAX 16384
#define CHUNK 32768

struct link {
	CURL *curl;
	curl_socket_t fd;
	bool tls;
	bool input; /* stdin is open */
	struct exit_scan scan;
	char out[CHUNK]; /* typed, and on its way */
	size_t at, len;
	sigset_t mask; /* while it waits: SIGWINCH comes in */
};

static volatile sig_atomic_t window_changed;

static void on_window(int signo)
{
	(void)signo;
	window_changed = 1;
}

static void curl_close(CURL **c)
{
	curl_easy_cleanup(*c);
}
#define scoped_curl __attribute__((cleanup(curl_close)))

static int wait_for(curl_socket_t fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	while (poll(&p, 1, -1) == -1)
		if (errno != EINTR)
			return -1;
	return 0;
}

static int send_all(struct link *l, struct str s, struct error *err)
{
	while (s.len) {
		size_t n = 0;
		CURLcode rc = curl_easy_send(l->curl, s.p, s.len, &n);

		if (rc == CURLE_AGAIN && wait_for(l->fd, POLLOUT) == 0)
			continue;
		if (rc != CURLE_OK)
			return error_set(err, ERR_UNAVAILABLE,
			    "the connection to the command broke (%s)",
			    curl_easy_strerror(rc));
		s = str_sub(s, n, s.len);
	}
	return 0;
}

/* Bytes, 0 at the end, -1 when there are none for now. */
static ssize_t receive(struct link *l, char *mem, size_t n)
{
	size_t got = 0;
	CURLcode rc = curl_easy_recv(l->curl, mem, n, &got);

	if (rc == CURLE_AGAIN)
		return -1;
	return rc == CURLE_OK ? (ssize_t)got : 0;
}

static int dial(struct link *l, const char *url, struct error *err)
{
	CURLcode rc;

	curl_easy_setopt(l->curl, CURLOPT_URL, url);
	curl_easy_setopt(l->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(l->curl, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(l->curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(l->curl, CURLOPT_SSL_ENABLE_ALPN, 0L);
	curl_easy_setopt(l->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(l->curl, CURLOPT_CONNECTTIMEOUT, 10L);
	if (url_loopback(url))
		curl_easy_setopt(l->curl, CURLOPT_NOPROXY, "*");
	rc = curl_easy_perform(l->curl);
	if (rc == CURLE_OK)
		rc = curl_easy_getinfo(l->curl, CURLINFO_ACTIVESOCKET, &l->fd);
	if (rc != CURLE_OK)
		return error_set(err, ERR_UNAVAILABLE,
		    "the command's door does not open: %s",
		    curl_easy_strerror(rc));
	l->tls = strncmp(url, "https", 5) == 0;
	return 0;
}

static int send_request(struct link *l, const char *url, struct error *err)
{
	scoped_buf struct buf out = BUF_INIT(HEAD_MAX);
	const char *rest = strstr(url, "://");
	size_t host;

	if (!rest)
		return error_set(err, ERR_INVALID, "a bad attach address");
	rest += 3;
	host = strcspn(rest, "/");
	buf_addf(&out,
	    "GET %s HTTP/1.1\r\nHost: %.*s\r\nConnection: Upgrade\r\n"
	    "Upgrade: rendezvous\r\n\r\n",
	    rest[host] ? rest + host : "/", (int)host, rest);
	return send_all(l, buf_str(&out), err);
}

/* Read the answer's head; what lies behind it stays in `in`. */
static int read_head(struct link *l, struct buf *in, struct error *err)
{
	struct str rest, status;
	ssize_t end;

	while ((end = str_find_str(buf_str(in), STR("\r\n\r\n"))) == -1) {
		char mem[4096];
		ssize_t n = receive(l, mem, sizeof(mem));

		if (n == -1 && wait_for(l->fd, POLLIN) == 0)
			continue;
		if (n > 0)
			buf_add(in, str_make(mem, (size_t)n));
		if (n <= 0 || in->bad)
			return error_set(err, ERR_UNAVAILABLE,
			    "the platform closed the connection to the "
			    "command (try again)");
	}
	rest = buf_str(in);
	(void)str_split(&rest, '\r', &status);
	if (!str_starts(status, STR("HTTP/1.1 101")))
		return error_set(err, ERR_UNAVAILABLE,
		    "the platform did not connect to the command: " STR_FMT,
		    STR_ARG(str_sub(status, 0, 60)));
	buf_consume(in, (size_t)end + 4);
	return 0;
}

static int show(struct link *l, struct str bytes, struct error *err)
{
	scoped_buf struct buf out = BUF_INIT(CHUNK + 128);

	exit_scan_feed(&l->scan, bytes, &out);
	return fd_write_all(STDOUT_FILENO, buf_str(&out), err);
}

/* Send what is on its way, as far as it goes now. */
static int flush_input(struct link *l, struct error *err)
{
	while (l->len > 0) {
		size_t n = 0;
		CURLcode rc =
		    curl_easy_send(l->curl, l->out + l->at, l->len, &n);

		if (rc == CURLE_AGAIN)
			return 0;
		if (rc != CURLE_OK)
			return error_set(err, ERR_UNAVAILABLE,
			    "the connection to the command broke (%s)",
			    curl_easy_strerror(rc));
		l->at += n;
		l->len -= n;
	}
	return 0;
}

/* Take what was typed; at its end tell the other side. */
static int take_input(struct link *l, struct error *err)
{
	ssize_t n = read(STDIN_FILENO, l->out, sizeof(l->out));

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return 0;
	l->at = 0;
	l->len = n > 0 ? (size_t)n : 0;
	l->input = n > 0;
	if (n <= 0 && l->tls)
		l->out[l->len++] = 4; /* as a terminal's ^D */
	else if (n <= 0)
		(void)shutdown(l->fd, SHUT_WR);
	return flush_input(l, err);
}

/* Show all that has come. 1 at the end, 0, -1. */
static int pass_output(struct link *l, struct error *err)
{
	char mem[CHUNK];

	for (;;) {
		ssize_t n = receive(l, mem, sizeof(mem));

		if (n <= 0)
			return n == 0;
		if (show(l, str_make(mem, (size_t)n), err) == -1)
			return -1;
	}
}

/*
 * Both ways at once: a command that answers while it is still being sent its
 * input would otherwise wait for us, and we for it.
 */
static int turn(struct link *l, struct error *err)
{
	bool more = l->input && l->len == 0;
	struct pollfd p[] = {
	    {.fd = l->fd, .events = l->len ? POLLIN | POLLOUT : POLLIN},
	    {.fd = more ? STDIN_FILENO : -1, .events = POLLIN}};
	int end = 0, sent = 0;

	if (ppoll(p, NELEM(p), NULL, &l->mask) == -1)
		return errno == EINTR ? 0 : error_sys(err, "wait for it");
	if (p[0].revents & POLLOUT)
		sent = flush_input(l, err);
	if (p[0].revents & ~POLLOUT)
		end = pass_output(l, err);
	if (end == 0 && p[1].revents)
		sent = take_input(l, err);
	/* The command may have ended before its input did. */
	if (end == 0 && sent == -1)
		end = pass_output(l, NULL) == -1 ? -1 : 1;
	return end;
}

static int relay(struct link *l, const struct session *s, struct error *err)
{
	int end = pass_output(l, err); /* TLS may hold some already */

	while (end == 0) {
		if (window_changed && s->resized) {
			window_changed = 0;
			s->resized(s->arg);
		}
		end = turn(l, err);
	}
	return end == -1 ? -1 : 0;
}

/* SIGWINCH is blocked but while we wait, so that none is missed. */
static void watch_window(struct link *l)
{
	const struct sigaction act = {.sa_handler = on_window};
	sigset_t window;

	sigemptyset(&window);
	sigaddset(&window, SIGWINCH);
	(void)sigprocmask(SIG_BLOCK, &window, &l->mask);
	sigdelset(&l->mask, SIGWINCH);
	(void)sigaction(SIGWINCH, &act, NULL);
}

/* The rest of what was held back. */
static void flush(struct link *l)
{
	scoped_buf struct buf out = BUF_INIT(128);

	exit_scan_end(&l->scan, &out);
	(void)fd_write_all(STDOUT_FILENO, buf_str(&out), NULL);
}

int rendezvous(const struct session *s, int *ret_code, struct error *err)
{
	scoped_buf struct buf in = BUF_INIT(HEAD_MAX);
	scoped_curl CURL *curl = curl_easy_init();
	struct link l = {.curl = curl, .input = true, .scan = EXIT_SCAN_INIT};
	int rc;

	watch_window(&l);
	if (dial(&l, s->url, err) == -1 ||
	    send_request(&l, s->url, err) == -1 ||
	    read_head(&l, &in, err) == -1 ||
	    (s->raw && term_raw(STDIN_FILENO, err) == -1))
		return -1;
	rc = show(&l, buf_str(&in), err);
	if (rc == 0)
		rc = relay(&l, s, err);
	flush(&l);
	term_restore();
	*ret_code = l.scan.code;
	return rc;
}
