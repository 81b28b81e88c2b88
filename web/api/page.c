#include "api/page.h"

#include "ui/ui.h"

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'";

static void add_policy(struct request *r)
{
	request_field(r, "Content-Security-Policy", policy);
	request_field(r, "Referrer-Policy", "no-referrer");
	request_field(r, "Cross-Origin-Opener-Policy", "same-origin");
}

static void send_file(struct request *r, const struct ui_file *f)
{
	char etag[UI_ETAG_MAX];

	ui_etag(f, etag);
	if (str_eqz(request_header(r, "If-None-Match"), etag))
		request_bytes(r, 304, f->type, (struct str){0});
	else
		request_bytes(r, 200, f->type, str_make(f->data, f->len));
	request_field(r, "ETag", etag);
	add_policy(r);
}

bool page_asset(struct request *r, struct str path)
{
	const struct ui_file *f = ui_find(path);

	if (f)
		send_file(r, f);
	return f != NULL;
}

bool page_index(struct request *r)
{
	const struct ui_file *f = ui_find(STR("/"));

	if (!f ||
	    str_find_str(request_header(r, "Accept"), STR("text/html")) == -1)
		return false;
	send_file(r, f);
	return true;
}

void page_maintenance(struct request *r)
{
	static const struct str text =
	    STR("<!doctype html><html lang=en><meta charset=utf-8>"
	        "<title>Offline for maintenance</title>"
	        "<h1>Offline for maintenance</h1>"
	        "<p>This app is undergoing maintenance. Please check back "
	        "later.\n");

	request_bytes(r, 503, "text/html; charset=utf-8", text);
	request_field(r, "Retry-After", "60");
}
