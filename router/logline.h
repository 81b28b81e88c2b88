/*
 * logline - one request as Heroku's router logs it.
 *
 * Pure. `at=info method=GET path="/" host=h.example request_id=... fwd="ADDR"
 * dyno=web.1 connect=1ms service=18ms status=200 bytes=13 protocol=http`;
 * a failed one starts `at=error code=H12 desc="Request timeout" ...`.
 */
#pragma once
#include "base/buf.h"
#include "page.h"

struct logline {
	enum hcode code;
	struct str method, path, host, request_id, client;
	struct str dyno; /* empty when none was reached, as are the times */
	uint64_t connect_ms, service_ms, bytes;
	unsigned status;
};

void logline_write(struct buf *out, const struct logline *l);
