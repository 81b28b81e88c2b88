#include "request.h"

#include <inttypes.h>
#include <stdio.h>

#include "advert.h"
#include "auth.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/name.h"
#include "body.h"
#include "fetch.h"
#include "http.h"
#include "push.h"
#include "refs.h"
#include "repo.h"
#include "stream.h"
#include "target.h"

#define TOKEN_MAX 256             /* of F_TOKEN */
#define FETCH_BODY_MAX (4u << 20) /* inflated */
#define PUSH_LIST_MAX (5u << 20)  /* of the list of refs and options */
#define WASTE_MAX (1u << 20)      /* of a body that nobody wants */
#define BLOCK_BYTES 32768         /* of an answer at a time */
#define LOGIN "Basic realm=\"paas\""

struct request {
	struct gitd *g;
	struct MHD_Connection *conn;
	struct target target;
	enum protocol protocol;
	bool gzip;
	struct question *question;
	struct body *body;
	struct stream *out;
	struct push *push;
	struct fetch *fetch;
	bool suspended;
	bool head_again;  /* the next step without a body is not the last */
	unsigned refused; /* the status of a refusal, or 0 */
	char why[256];
	size_t wasted; /* bytes of its body */
};

static void suspend(struct request *r)
{
	if (r->suspended)
		return;
	r->suspended = true;
	MHD_suspend_connection(r->conn);
}

static void resume(void *ctx)
{
	struct request *r = ctx;

	if (!r->suspended)
		return;
	r->suspended = false;
	MHD_resume_connection(r->conn);
	http_wake(r->g->http);
}

static unsigned status_of(enum errc code)
{
	static const unsigned statuses[ERR_N] = {
	    [ERR_INVALID] = 400,
	    [ERR_NOT_FOUND] = 404,
	    [ERR_UNAUTHORIZED] = 401,
	    [ERR_FORBIDDEN] = 403,
	    [ERR_LIMIT] = 413,
	    [ERR_EXISTS] = 409,
	    [ERR_UNAVAILABLE] = 503,
	};

	return code < ERR_N && statuses[code] ? statuses[code] : 500;
}

static void refuse(struct request *r, unsigned status, const char *why)
{
	r->refused = status;
	snprintf(r->why, sizeof(r->why), "%s\n", why);
}

static void refuse_error(struct request *r, const struct error *err)
{
	unsigned status = status_of(err->code);

	if (status == 500)
		log_error("request failed app=%s: %s",
		    log_quote(str_z(r->target.name)), err->msg);
	refuse(r, status, err->msg);
}

static enum MHD_Result queue(
    struct request *r, unsigned status, struct MHD_Response *answer)
{
	enum MHD_Result done;

	(void)MHD_add_response_header(
	    answer, "Cache-Control", "no-cache, max-age=0, must-revalidate");
	done = MHD_queue_response(r->conn, status, answer);
	MHD_destroy_response(answer);
	return done;
}

/* git shows the text of a refusal when it is text/plain. */
static enum MHD_Result answer_refused(struct request *r)
{
	struct MHD_Response *answer = MHD_create_response_from_buffer(
	    strlen(r->why), r->why, MHD_RESPMEM_MUST_COPY);

	(void)MHD_add_response_header(
	    answer, "Content-Type", "text/plain; charset=utf-8");
	if (r->refused == MHD_HTTP_UNAUTHORIZED)
		(void)MHD_add_response_header(
		    answer, "WWW-Authenticate", LOGIN);
	return queue(r, r->refused, answer);
}

/* An MHD_ContentReaderCallback. */
static ssize_t read_stream(void *cls, uint64_t pos, char *to, size_t max)
{
	struct request *r = cls;
	size_t n = stream_take(r->out, to, max);

	if (n)
		return (ssize_t)n;
	switch (r->out->end) {
	case STREAM_OPEN:
		suspend(r);
		return 0;
	case STREAM_ENDED:
		return MHD_CONTENT_READER_END_OF_STREAM;
	case STREAM_BROKEN:
		break;
	}
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

static enum MHD_Result answer_stream(struct request *r)
{
	struct MHD_Response *answer = MHD_create_response_from_callback(
	    MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, r, NULL);

	(void)MHD_add_response_header(answer, "Content-Type", r->out->type);
	return queue(r, r->out->status, answer);
}

/* The body has enough to begin with. */
static void body_ready(void *ctx)
{
	struct request *r = ctx;

	if (body_is_probe(r->body)) {
		stream_begin(r->out, 200,
		    r->target.service == SERVICE_PUSH
		        ? "application/x-git-receive-pack-result"
		        : "application/x-git-upload-pack-result");
		stream_end(r->out, true);
	} else if (r->push) {
		push_ready(r->push, r->body);
	} else if (r->fetch) {
		fetch_ready(r->fetch, r->body);
	} else {
		body_discard(r->body); /* answered already */
	}
}

static const struct body_ops body_ops = {.ready = body_ready, .room = resume};

static struct stream *make_stream(struct request *r)
{
	struct stream *s = stream_new();

	s->more = resume;
	s->more_ctx = r;
	return s;
}

static void start_push(
    struct request *r, struct repo *repo, uint64_t app, uint64_t user)
{
	uint64_t max = r->g->settings.push_pack_bytes + PUSH_LIST_MAX;

	r->out = make_stream(r);
	r->body = body_new(r->g->ev, r->gzip, max, &body_ops, r);
	r->push = push_new(repo, app, user, r->out, &r->push);
}

static void start_fetch(struct request *r, struct repo *repo)
{
	r->out = make_stream(r);
	r->fetch =
	    fetch_new(repo, r->target.refs, r->protocol, r->out, &r->fetch);
	if (r->target.refs)
		fetch_ready(r->fetch, NULL);
	else
		r->body =
		    body_new(r->g->ev, r->gzip, FETCH_BODY_MAX, &body_ops, r);
}

static void send_advert(struct request *r, struct repo *repo)
{
	scoped_buf struct buf out = BUF_INIT(ADVERT_MAX);
	scoped_reflist struct reflist refs = {0};
	struct error err = {0};

	if (refs_list(repo->path, &refs, &err) == -1) {
		refuse_error(r, &err);
		return;
	}
	advert_build(&out, &refs, true, r->protocol == PROTOCOL_1);
	r->out = make_stream(r);
	stream_begin(
	    r->out, 200, "application/x-git-receive-pack-advertisement");
	stream_put(r->out, buf_str(&out));
	stream_end(r->out, !out.bad);
	stream_leave(r->out);
}

/* The login is good: begin. repo is let go by the caller. */
static void begin(
    struct request *r, struct repo *repo, uint64_t app, uint64_t user)
{
	if (r->target.service == SERVICE_FETCH)
		start_fetch(r, repo);
	else if (r->target.refs)
		send_advert(r, repo);
	else
		start_push(r, repo, app, user);
}

static void granted(
    void *ctx, const struct grant *grant, const struct error *why)
{
	struct request *r = ctx;
	struct error err = {0};
	struct repo *repo;

	r->question = NULL;
	if (!grant) {
		refuse_error(r, why);
	} else if ((repo = repo_of_app(r->g, grant->repo, &err)) == NULL) {
		refuse_error(r, &err);
	} else {
		begin(r, repo, grant->app, grant->user);
		repo_leave(repo);
	}
	resume(r);
}

static const char *header(struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, name);
}

/* The token of "Bearer TOKEN", or the password of Basic; the caller's. */
static char *find_token(struct request *r)
{
	static const struct str bearer = STR("bearer ");
	struct str value = str_z(header(r, "Authorization"));
	char *user, *password = NULL, *token = NULL;

	if (str_eq_nocase(str_sub(value, 0, bearer.len), bearer))
		return str_dup(str_trim(str_sub(value, bearer.len, value.len)));
	user = MHD_basic_auth_get_username_password(r->conn, &password);
	if (user && password)
		token = xstrdup(password);
	MHD_free(user);
	MHD_free(password);
	return token;
}

static void ask_web(struct request *r)
{
	scoped_free char *token = find_token(r);
	enum push_op op =
	    r->target.service == SERVICE_PUSH ? PUSH_PUSH : PUSH_FETCH;

	if (!token || !token[0] || strlen(token) > TOKEN_MAX) {
		refuse(r, MHD_HTTP_UNAUTHORIZED,
		    "Log in with `paas login`, or give a token as the "
		    "password.");
		return;
	}
	if (!name_app(str_z(r->target.name))) {
		refuse(r, MHD_HTTP_NOT_FOUND,
		    "There is no app of this name. See `paas apps`.");
		return;
	}
	r->question =
	    auth_ask(r->g, str_z(r->target.name), str_z(token), op, granted, r);
}

static void begin_open(struct request *r)
{
	struct error err = {0};
	struct repo *repo = repo_of_name(r->g, str_z(r->target.name), &err);

	if (!repo) {
		refuse_error(r, &err);
		return;
	}
	begin(r, repo, 0, 0);
	repo_leave(repo);
}

static bool good_encoding(struct request *r)
{
	struct str coding = str_z(header(r, "Content-Encoding"));

	r->gzip = str_eq_nocase(coding, STR("gzip")) ||
	          str_eq_nocase(coding, STR("x-gzip"));
	return r->gzip || !coding.len || str_eq_nocase(coding, STR("identity"));
}

static bool good_type(struct request *r)
{
	const char *want = r->target.service == SERVICE_PUSH
	                       ? "application/x-git-receive-pack-request"
	                       : "application/x-git-upload-pack-request";

	return str_eqz(str_z(header(r, "Content-Type")), want);
}

static void check_head(struct request *r, const char *url, const char *method)
{
	const char *service = MHD_lookup_connection_value(
	    r->conn, MHD_GET_ARGUMENT_KIND, "service");
	struct error err = {0};

	if (target_parse(str_z(url), service, &r->target, &err) == -1)
		refuse_error(r, &err);
	else if (strcmp(method, r->target.refs ? "GET" : "POST") != 0)
		refuse(r, MHD_HTTP_METHOD_NOT_ALLOWED, "wrong method");
	else if (!r->target.refs && !good_type(r))
		refuse(
		    r, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "wrong type of body");
	else if (!r->target.refs && !good_encoding(r))
		refuse(r, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
		    "wrong encoding of the body: plain or gzip is taken");
	r->protocol = target_protocol(str_z(header(r, "Git-Protocol")));
}

/* The head is there; nothing of the body is read before the login is good. */
static enum MHD_Result first_step(
    struct request *r, const char *url, const char *method)
{
	check_head(r, url, method);
	if (!r->refused && r->g->open)
		begin_open(r);
	else if (!r->refused)
		ask_web(r);
	if (r->question) {
		r->head_again = true;
		suspend(r);
	}
	return r->refused ? answer_refused(r) : MHD_YES;
}

/* libmicrohttpd tells of a head once more when it was suspended over it. */
static enum MHD_Result second_step(struct request *r)
{
	r->head_again = false;
	return r->refused ? answer_refused(r) : MHD_YES;
}

/* Let go of all that works on the answer. */
static void abandon(struct request *r)
{
	auth_cancel(take(r->question));
	if (r->push)
		push_alone(r->push);
	r->push = NULL;
	fetch_cancel(take(r->fetch));
	body_free(take(r->body));
	stream_drop(take(r->out));
}

static enum MHD_Result waste(struct request *r, size_t *size)
{
	r->wasted += *size;
	*size = 0;
	return r->wasted > WASTE_MAX ? MHD_NO : MHD_YES;
}

static enum MHD_Result take_body(
    struct request *r, const char *upload, size_t *size)
{
	struct error err = {0};
	ssize_t n = (ssize_t)*size;

	if (!r->body)
		return waste(r, size);
	while (*size && !body_full(r->body) && n > 0) {
		n = body_feed(r->body, str_make(upload, *size), &err);
		if (n == -1) {
			log_warn("body refused app=%s: %s",
			    log_quote(str_z(r->target.name)), err.msg);
			refuse_error(r, &err);
			abandon(r);
			return waste(r, size);
		}
		upload += n;
		*size -= (size_t)n;
	}
	if (*size)
		suspend(r);
	return MHD_YES;
}

static enum MHD_Result last_step(struct request *r)
{
	if (r->refused)
		return answer_refused(r);
	if (r->body)
		body_end(r->body);
	if (r->out && r->out->status)
		return answer_stream(r);
	suspend(r);
	return MHD_YES;
}

enum MHD_Result request_step(void *cls, struct MHD_Connection *conn,
    const char *url, const char *method, const char *version,
    const char *upload, size_t *upload_size, void **state)
{
	struct request *r = *state;

	if (!r) {
		r = xcalloc(1, sizeof(*r));
		r->g = cls;
		r->conn = conn;
		*state = r;
		return first_step(r, url, method);
	}
	if (*upload_size)
		return take_body(r, upload, upload_size);
	if (r->head_again)
		return second_step(r);
	return last_step(r);
}

void request_done(void *cls, struct MHD_Connection *conn, void **state,
    enum MHD_RequestTerminationCode how)
{
	struct request *r = *state;

	if (!r)
		return;
	*state = NULL;
	abandon(r);
	free(r);
}
