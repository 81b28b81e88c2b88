#include "meta.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "routes.h"

__attribute__((format(printf, 3, 4))) static void put(
    struct buf *out, const char *key, const char *fmt, ...)
{
	char value[TEXT_SIZE + 64];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	buf_addf(out, "%s=%s", key, value);
	buf_addc(out, '\0');
}

void meta_add(struct web *w, const struct release *r, struct buf *out)
{
	char host[288], at[32], commit[41] = "";
	struct tm tm;
	struct app a;

	if (!store_feature(w->store, r->app, FEATURE_METADATA) ||
	    store_app_get(w->store, r->app, &a, NULL) == -1)
		return;
	routes_host(w, a.name, host);
	(void)gmtime_r(&r->created_at, &tm);
	(void)strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &tm);
	store_image_commit(w->store, r->app, r->image, commit);
	put(out, "HEROKU_APP_ID", "%s", a.uuid);
	put(out, "HEROKU_APP_NAME", "%s", a.name);
	put(out, "HEROKU_APP_DEFAULT_DOMAIN_NAME", "%s", host);
	put(out, "HEROKU_DYNO_ID", "%s", "");
	put(out, "HEROKU_RELEASE_VERSION", "v%" PRIu64, r->version);
	put(out, "HEROKU_RELEASE_CREATED_AT", "%s", at);
	put(out, "HEROKU_SLUG_COMMIT", "%s", commit);
	put(out, "HEROKU_SLUG_DESCRIPTION", "Deploy %.8s", commit);
	put(out, "HEROKU_BUILD_COMMIT", "%s", commit);
	put(out, "HEROKU_BUILD_DESCRIPTION", "%s", r->description);
}
