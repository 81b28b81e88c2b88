/*
 * stream - batches down a syslog stream, plain or in TLS.
 *
 * Syslog has no answers, so what has arrived is learned by ending the stream:
 * when our side is closed and the other side then closes its own in order, it
 * has read all (a program that dies, or closes with bytes unread, resets
 * the connection instead). So a stream is ended when no further batch
 * comes, and now and then while they do; what it carried is told DONE only
 * then, and begins anew with another stream if it broke. A server that does
 * not close is believed when its machine has acknowledged every byte.
 */
#include "outbound.h"

#include <errno.h>
#include <linux/sockios.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/clock.h"

#define DRAIN_ROOM 4096 /* what a server says is read and left */

static void broke(struct drain *d, const char *what)
{
	struct error why = {0};

	(void)error_set(&why, ERR_UNAVAILABLE, "%s", what);
	drain_failed(d, &why);
}

int stream_begin(struct drain *d, struct error *err)
{
	if (d->o->streams == STREAMS_MOST)
		return error_set(
		    err, ERR_UNAVAILABLE, "%d streams are open", STREAMS_MOST);
	if (call_begin(d, err) == -1)
		return -1;
	(void)curl_easy_setopt(d->easy, CURLOPT_CONNECT_ONLY, 1L);
	(void)curl_easy_setopt(d->easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
	(void)curl_easy_setopt(d->easy, CURLOPT_FRESH_CONNECT, 1L);
	d->state = DRAIN_CALLING;
	if (curl_multi_add_handle(d->o->multi, d->easy) != CURLM_OK)
		return error_set(err, ERR_INTERNAL, "start a call");
	return 0;
}

void stream_done(struct drain *d, CURLcode rc)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	struct error why = {0};

	if (rc == CURLE_OK &&
	    curl_easy_getinfo(d->easy, CURLINFO_ACTIVESOCKET, &fd) ==
	        CURLE_OK &&
	    fd != CURL_SOCKET_BAD) {
		d->fd = fd;
		d->state = DRAIN_OPEN;
		d->o->streams++;
		d->carried = 0;
		d->opened_ms = d->moved_ms = clock_mono_ms();
		return;
	}
	call_why(d, rc, &why);
	drain_failed(d, &why);
}

/* Say goodbye as TLS does, then close our side. */
static void half_close(struct drain *d, uint64_t now_ms)
{
	struct curl_tlssessioninfo *tls = NULL;

	if (d->url.kind == DRAIN_SYSLOG_TLS &&
	    curl_easy_getinfo(d->easy, CURLINFO_TLS_SSL_PTR, &tls) ==
	        CURLE_OK &&
	    tls && tls->backend == CURLSSLBACKEND_OPENSSL && tls->internals)
		(void)SSL_shutdown(tls->internals);
	(void)shutdown(d->fd, SHUT_WR);
	d->state = DRAIN_CLOSING;
	d->closing_ms = now_ms;
}

/* Is the server still there? Reads what it says, and leaves it. */
static bool still_there(struct drain *d)
{
	char bytes[DRAIN_ROOM];
	size_t n;
	CURLcode rc;

	do
		rc = curl_easy_recv(d->easy, bytes, sizeof(bytes), &n);
	while (rc == CURLE_OK && n > 0);
	return rc == CURLE_AGAIN;
}

static void send_more(struct drain *d, uint64_t now_ms)
{
	struct batch *b;
	CURLcode rc;
	size_t n;

	while ((b = drain_next(d))) {
		if (b->sent == 0 && d->carried > STREAM_BYTES)
			break; /* it goes down the next stream */
		rc = curl_easy_send(
		    d->easy, b->bytes + b->sent, b->len - b->sent, &n);
		if (rc == CURLE_AGAIN)
			break;
		if (rc != CURLE_OK) {
			broke(d, "it closed the stream");
			return;
		}
		b->sent += n;
		d->carried += n;
		d->moved_ms = now_ms;
		if (b->sent == b->len)
			drain_told_sent(d, b);
	}
	if (drain_next(d) && now_ms - d->moved_ms >= STALL_MS)
		broke(d, "it takes no more bytes");
}

/* No batch is half sent, and it is time. */
static bool may_end(struct drain *d, uint64_t now_ms)
{
	struct batch *b = drain_next(d);

	if (b && b->sent > 0)
		return false;
	return d->carried > STREAM_BYTES ||
	       now_ms - d->opened_ms >= STREAM_MS ||
	       (!b && now_ms - d->moved_ms >= LINGER_MS);
}

static void turn_open(struct drain *d, uint64_t now_ms)
{
	if (!still_there(d)) {
		broke(d, "it closed the stream");
		return;
	}
	send_more(d, now_ms);
	if (d->state == DRAIN_OPEN && may_end(d, now_ms))
		half_close(d, now_ms);
}

/* Has the other machine acknowledged all? */
static bool all_acknowledged(const struct drain *d)
{
	int waiting = 1;

	return ioctl(d->fd, SIOCOUTQ, &waiting) == 0 && waiting == 0;
}

static void turn_closing(struct drain *d, uint64_t now_ms)
{
	bool late = now_ms - d->closing_ms >= CLOSE_MS;
	char bytes[DRAIN_ROOM];
	ssize_t n;

	do
		n = recv(d->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	while (n > 0 || (n == -1 && errno == EINTR));
	if (n == -1 && errno == EAGAIN && !late)
		return;
	if (n == 0 || (errno == EAGAIN && all_acknowledged(d))) {
		call_end(d);
		drain_arrived(d);
		drain_go(d);
		return;
	}
	broke(d, "it broke the stream off before it had read all");
}

short stream_wants(struct drain *d)
{
	return d->state == DRAIN_OPEN && drain_next(d) ? POLLIN | POLLOUT
	                                               : POLLIN;
}

void stream_turn(struct drain *d, short events, uint64_t now_ms)
{
	if (d->state == DRAIN_OPEN)
		turn_open(d, now_ms);
	else if (d->state == DRAIN_CLOSING)
		turn_closing(d, now_ms);
}

uint64_t stream_due(const struct drain *d)
{
	if (d->state == DRAIN_CLOSING)
		return d->closing_ms + CLOSE_MS;
	if (drain_next(d))
		return d->moved_ms + STALL_MS;
	return d->moved_ms + LINGER_MS;
}
