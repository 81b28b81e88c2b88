#include "url.h"

/* "http", and the port with its colon, of settings.url. */
static void split(struct str url, struct str *ret_scheme, struct str *ret_port)
{
	ssize_t colon;

	(void)str_split(&url, ':', ret_scheme);
	url = str_sub(url, 2, url.len); /* the slashes */
	colon = str_find(url, ':');
	*ret_port = colon == -1 ? (struct str){"", 0}
	                        : str_sub(url, (size_t)colon, url.len);
}

void url_of_app(const struct settings *s, const char *app, struct buf *out)
{
	struct str scheme, port;

	split(str_z(s->url), &scheme, &port);
	buf_addf(out, STR_FMT "://%s.%s" STR_FMT "/", STR_ARG(scheme), app,
	    s->apps_domain, STR_ARG(port));
}

void url_of_git(const struct settings *s, const char *app, struct buf *out)
{
	buf_addf(out, "%s/%s.git", s->url, app);
}
