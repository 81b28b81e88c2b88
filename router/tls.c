#include "tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define RECORD_MAX 16384 /* payload of one record */

/* The older version only with ciphers that are as good as the newer one's. */
#define CIPHERS_12 "ECDHE+AESGCM:ECDHE+CHACHA20"

struct tls {
	SSL *ssl;
	bool over; /* the end is known, and was not told yet */
	bool wants_write;
};

/* --- the front ------------------------------------------------------------ */

/* The newest complaint of the library, which it forgets thereby. */
static int error_ssl(struct error *err, const char *what, const char *file)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(code);

	ERR_clear_error();
	if (ERR_SYSTEM_ERROR(code))
		reason = strerror(ERR_GET_REASON(code));
	return error_set(err, ERR_INVALID, "%s %s: %s", what, file,
	    reason ? reason : "it is not usable");
}

/* HTTP/1.1, if the client asks; who speaks nothing that we do is let in. */
static int choose_protocol(SSL *ssl, const unsigned char **ret,
    unsigned char *ret_len, const unsigned char *in, unsigned len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";

	if (SSL_select_next_proto((unsigned char **)ret, ret_len, ours,
	        sizeof(ours) - 1, in, len) == OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_OK;
	return SSL_TLSEXT_ERR_NOACK;
}

static SSL_CTX *context_new(void)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());

	if (!c)
		abort();
	SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(c, CIPHERS_12);
	SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
	                           SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* Buffers only while bytes wait; a record at a time goes out. */
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS |
	                        SSL_MODE_ENABLE_PARTIAL_WRITE |
	                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* Tickets, one a connection, and no memory of sessions here. */
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(c, 1);
	SSL_CTX_set_alpn_select_cb(c, choose_protocol, NULL);
	return c;
}

/* The front is the library's context under a name of ours. */
struct tls_front *tls_front_new(
    const char *cert, const char *key, struct error *err)
{
	SSL_CTX *c = context_new();

	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(c, cert) != 1) {
		error_ssl(err, "certificate", cert);
	} else if (SSL_CTX_use_PrivateKey_file(c, key, SSL_FILETYPE_PEM) != 1 ||
	           SSL_CTX_check_private_key(c) != 1) {
		error_ssl(err, "key", key);
	} else {
		return (struct tls_front *)c;
	}
	SSL_CTX_free(c);
	return NULL;
}

void tls_front_free(struct tls_front *f)
{
	SSL_CTX_free((SSL_CTX *)f);
}

/* --- connections ---------------------------------------------------------- */

struct tls *tls_new(struct tls_front *f, int fd)
{
	struct tls *t = xcalloc(1, sizeof(*t));

	t->ssl = SSL_new((SSL_CTX *)f);
	if (!t->ssl || SSL_set_fd(t->ssl, fd) != 1) {
		tls_free(t);
		return NULL;
	}
	SSL_set_accept_state(t->ssl);
	return t;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	free(t);
}

/* What a call that gave no bytes means, in the way of recv. */
static ssize_t result_of(struct tls *t, int result)
{
	int sys = errno;

	switch (SSL_get_error(t->ssl, result)) {
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_WANT_WRITE:
		t->wants_write = true;
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_WANT_READ:
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_SYSCALL:
		errno = sys ? sys : ECONNRESET;
		return -1;
	default:
		errno = EPROTO;
		return -1;
	}
}

ssize_t tls_read(struct tls *t, void *p, size_t n)
{
	size_t total = 0;
	ssize_t end;

	t->wants_write = false;
	t->over = false;
	while (total < n) {
		size_t got = 0;
		int result;

		ERR_clear_error();
		errno = 0;
		result =
		    SSL_read_ex(t->ssl, (char *)p + total, n - total, &got);
		if (result == 1) {
			total += got;
			continue;
		}
		end = result_of(t, result);
		if (total == 0)
			return end;
		/* First what came; the next call says this once more. */
		t->over = end == 0 || errno != EAGAIN;
		break;
	}
	return (ssize_t)total;
}

bool tls_has_more(const struct tls *t)
{
	return t->over || SSL_pending(t->ssl) > 0;
}

bool tls_wants_write(const struct tls *t)
{
	return t->wants_write;
}

/*
 * The bytes behind the first `done` of all parts, at most one record: where
 * they lie if one part has so many, else gathered in mem.
 */
static struct str take_record(
    const struct iovec *parts, int n, size_t done, char mem[RECORD_MAX])
{
	struct str s = {mem, 0};

	for (int i = 0; i < n && s.len < RECORD_MAX; i++) {
		size_t skip = done < parts[i].iov_len ? done : parts[i].iov_len;
		size_t len = parts[i].iov_len - skip;
		const char *at = (const char *)parts[i].iov_base + skip;

		done -= skip;
		if (s.len == 0 && len >= RECORD_MAX)
			return str_make(at, RECORD_MAX);
		if (len > RECORD_MAX - s.len)
			len = RECORD_MAX - s.len;
		if (len > 0)
			memcpy(mem + s.len, at, len);
		s.len += len;
	}
	return s;
}

ssize_t tls_write(struct tls *t, const struct iovec *parts, int n)
{
	char mem[RECORD_MAX];
	size_t done = 0;

	for (;;) {
		struct str record = take_record(parts, n, done, mem);
		size_t sent = 0;
		int result;

		if (record.len == 0)
			return (ssize_t)done;
		ERR_clear_error();
		errno = 0;
		result = SSL_write_ex(t->ssl, record.p, record.len, &sent);
		if (result == 1) {
			done += sent;
			continue;
		}
		/* Waiting to read means a handshake, and there is none left. */
		if (SSL_get_error(t->ssl, result) == SSL_ERROR_WANT_WRITE) {
			errno = EAGAIN;
			return done > 0 ? (ssize_t)done : -1;
		}
		(void)result_of(t, result);
		errno = errno == EAGAIN ? EPROTO : errno;
		return -1;
	}
}

void tls_bye(struct tls *t)
{
	ERR_clear_error();
	if (SSL_is_init_finished(t->ssl))
		(void)SSL_shutdown(t->ssl);
}
