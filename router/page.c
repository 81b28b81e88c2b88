#include "page.h"

#include <stdio.h>

#include "base/str.h"
#include "head.h"

static const struct {
	const char *name, *desc, *text;
} codes[H_N] = {
    [H_NONE] = {"", "", ""},
    [H10] = {"H10", "App crashed",
        "The app has crashed. Its owner finds the reason in its logs "
        "(paas logs); it is started again by itself."},
    [H11] = {"H11", "Backlog too deep",
        "Too many requests are waiting for the app. Try again in a moment."},
    [H12] = {"H12", "Request timeout",
        "The app did not answer in time. Its owner finds more in its logs."},
    [H13] = {"H13", "Connection closed without response",
        "The app closed the connection without an answer. Its owner finds "
        "more in its logs."},
    [H14] = {"H14", "No web processes running",
        "The app has no web process running. Its owner starts one with: "
        "paas ps:scale web=1"},
    [H15] = {"H15", "Idle connection",
        "The app stopped answering half-way. Try again."},
    [H17] = {"H17", "Poorly formatted HTTP response",
        "The app's answer was not HTTP. Its owner finds more in its logs."},
    [H18] = {"H18", "Server Request Interrupted",
        "The app closed the connection half-way. Try again."},
    [H19] = {"H19", "Backend connection timeout",
        "The app did not take the connection in time. Try again."},
    [H20] = {"H20", "App boot timeout",
        "The app is still starting. Try again in a moment."},
    [H21] = {"H21", "Backend connection refused",
        "The app does not listen. Try again in a moment."},
    [H27] = {"H27", "Client Request Interrupted", ""},
    [H28] = {"H28", "Client Connection Idle",
        "The request did not arrive in time. Send it again."},
    [H99] = {"H99", "Platform error",
        "The platform is starting. Try again in a moment."},
};

const char *hcode_name(enum hcode code)
{
	return codes[code].name;
}

const char *hcode_desc(enum hcode code)
{
	return codes[code].desc;
}

const char *page_text(enum hcode code)
{
	return codes[code].text;
}

static const struct {
	unsigned status;
	const char *reason, *id;
} reasons[] = {
    {400, "Bad Request", "bad_request"},
    {404, "Not Found", "not_found"},
    {405, "Method Not Allowed", "method_not_allowed"},
    {408, "Request Timeout", "request_timeout"},
    {414, "URI Too Long", "uri_too_long"},
    {431, "Request Header Fields Too Large", "headers_too_large"},
    {503, "Service Unavailable", "service_unavailable"},
};

/* Texts are our own: nothing of a request comes back on a page. */
static void body_text(char *mem, size_t size, const struct page *p,
    const char *reason, const char *id)
{
	const char *code = hcode_name(p->code);

	if (p->json)
		snprintf(mem, size,
		    "{\"id\":\"%s\",\"message\":\"%s\"%s%s%s}\n", id, p->text,
		    *code ? ",\"code\":\"" : "", code, *code ? "\"" : "");
	else
		snprintf(mem, size,
		    "<!doctype html><meta charset=\"utf-8\">"
		    "<meta name=\"viewport\" content=\"width=device-width\">"
		    "<title>%u %s</title>"
		    "<style>body{font:16px/1.5 sans-serif;max-width:34em;"
		    "margin:15vh auto;padding:0 1em}</style>"
		    "<h1>%s</h1><p>%s</p>%s%s%s\n",
		    p->status, reason, reason, p->text,
		    *code ? "<p><small>" : "", code,
		    *code ? "</small></p>" : "");
}

size_t page_write(struct buf *out, const struct page *p)
{
	const char *reason = "Error", *id = "error";
	char body[1024];

	for (size_t i = 0; i < NELEM(reasons); i++)
		if (reasons[i].status == p->status) {
			reason = reasons[i].reason;
			id = reasons[i].id;
		}
	body_text(body, sizeof(body), p, reason, id);
	buf_addf(out,
	    "HTTP/1.1 %u %s\r\nDate: %s\r\nContent-Type: %s; charset=utf-8\r\n"
	    "Content-Length: %zu\r\nCache-Control: no-store\r\n%s%s%s\r\n",
	    p->status, reason, p->date,
	    p->json ? "application/json" : "text/html", strlen(body),
	    p->status == 405 ? "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, "
	                       "OPTIONS\r\n"
	                     : "",
	    p->status == 503 ? "Retry-After: 5\r\n" : "",
	    p->close  ? "Connection: close\r\n"
	    : p->keep ? "Connection: keep-alive\r\n"
	              : "");
	if (p->body)
		buf_addz(out, body);
	return p->body ? strlen(body) : 0;
}
