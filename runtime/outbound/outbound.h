/*
 * outbound - the one server program that calls servers of others.
 *
 * Works on one connection, logd's, on descriptor 0: batches of log messages
 * come in MSG_DRAIN_SEND, each is told SENT, DONE or FAILED. One loop over
 * libcurl's transfers, the connection and the open streams of syslog; it ends
 * when there was nothing to do for IDLE_MS, or with its connection.
 *
 *   drain.c  a drain's batches, in order, and what is told about them
 *   call.c   what every call has in common: names, addresses, certificates
 *   http.c   a batch as a POST       stream.c  batches down a syslog stream
 */
#pragma once
#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"
#include "proc/settings.h"
#include "wire/drain.h"

#define OUTBOUND_CONN 0         /* the connection to logd */
#define IDLE_MS 20000           /* then it ends */
#define CONNECT_SECONDS 10      /* until a server has greeted */
#define ANSWER_SECONDS 30       /* until it has answered a batch */
#define STALL_MS 30000          /* a stream that takes no byte */
#define LINGER_MS 1000          /* a stream without a further batch is ended */
#define STREAM_MS 10000         /* and one that lives longer than this */
#define STREAM_BYTES (8u << 20) /* or has carried more: see stream.c */
#define CLOSE_MS 10000          /* for the other side to end it, too */
#define DRAINS_MOST 4096        /* known to one process */
#define BATCH_MOST (1u << 20)   /* bytes of one batch */
#define STREAMS_MOST 512        /* open at once */

enum drain_state {
	DRAIN_IDLE,
	DRAIN_CALLING, /* libcurl has it: a POST, or a stream's beginning */
	DRAIN_OPEN,    /* a stream */
	DRAIN_CLOSING, /* our side has ended it */
};

struct outbound {
	const struct settings *settings;
	CURLM *multi;
	struct list drains;
	unsigned known, streams;
	uint64_t busy_ms; /* when there was work last */
	bool over;        /* logd is gone */
};

struct batch {
	struct list item;
	uint64_t seq, epoch, count;
	char id[33];
	char *bytes;
	size_t len, sent;
};

struct drain {
	struct list item;
	struct outbound *o;
	uint64_t id;
	char *text; /* the address; never logged */
	struct drain_url url;
	char token[65];
	struct list batches; /* that have not arrived, in order */
	uint64_t dead_epoch; /* batches of it are left */
	enum drain_state state;

	CURL *easy;
	struct curl_slist *headers;
	char *call_url;            /* of easy, without user and password */
	char why[CURL_ERROR_SIZE]; /* what libcurl says */
	bool refused;              /* by address: see call.c */
	int fd;                    /* a stream's, libcurl's own */
	uint64_t moved_ms;         /* a byte went down the stream */
	uint64_t opened_ms, closing_ms;
	uint64_t carried; /* bytes of this stream */
};

/* drain.c */
struct drain *drain_get(struct outbound *o, uint64_t id);
struct drain *drain_make(struct outbound *o, uint64_t id);
int drain_set(
    struct drain *d, struct str url, struct str token, struct error *err);
void drain_free(struct drain *d);
/* Start what can be started. */
void drain_go(struct drain *d);
/* The first batch that is not sent yet, NULL: there is none. */
struct batch *drain_next(const struct drain *d);
void drain_told_sent(struct drain *d, struct batch *b);
/* All batches that were sent have arrived. */
void drain_arrived(struct drain *d);
/* Nothing of what waits has arrived: forget it, and say why. */
void drain_failed(struct drain *d, const struct error *why);

/* call.c: a fresh easy handle for d, or -1. */
int call_begin(struct drain *d, struct error *err);
void call_end(struct drain *d);
/* Why a call failed, as an error that says whose fault it was. */
void call_why(const struct drain *d, CURLcode rc, struct error *ret);

/* http.c, stream.c */
int http_begin(struct drain *d, struct error *err);
void http_done(struct drain *d, CURLcode rc);
int stream_begin(struct drain *d, struct error *err);
void stream_done(struct drain *d, CURLcode rc); /* it has begun, or not */
short stream_wants(struct drain *d);            /* events of poll */
void stream_turn(struct drain *d, short events, uint64_t now_ms);
uint64_t stream_due(const struct drain *d);
