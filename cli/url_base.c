#include "url_base.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "base/str.h"

static void curl_text_free(char **p)
{
	curl_free(*p);
}
#define scoped_curl_text __attribute__((cleanup(curl_text_free)))

static void curl_parts_free(CURLU **u)
{
	curl_url_cleanup(*u);
}
#define scoped_curl_parts __attribute__((cleanup(curl_parts_free)))

/*
 * Is host this machine by name or address? curl looks no name at or below
 * localhost up. 127.example.com is a name like any other.
 */
static bool host_loopback(const char *host)
{
	struct str h = str_z(host);
	struct in_addr address;

	return str_eqz(h, "localhost") || str_ends(h, STR(".localhost")) ||
	       str_eqz(h, "[::1]") ||
	       (str_starts(h, STR("127.")) &&
	           inet_pton(AF_INET, host, &address) == 1);
}

static int bad(const char *url, struct error *err)
{
	return error_set(err, ERR_INVALID,
	    "%.80s is not an address (give it as https://HOST or "
	    "http://localhost:8080)",
	    url);
}

int url_base(const char *url, char out[URL_BASE_MAX], struct error *err)
{
	scoped_curl_parts CURLU *u = curl_url();
	scoped_curl_text char *scheme = NULL, *host = NULL, *port = NULL;
	char full[URL_BASE_MAX + 16];
	size_t host_len = strcspn(url, ":/");

	if (strlen(url) >= URL_BASE_MAX - 16)
		return bad(url, err);
	if (strstr(url, "://")) {
		snprintf(full, sizeof(full), "%s", url);
	} else {
		snprintf(full, sizeof(full), "%.*s", (int)host_len, url);
		snprintf(full, sizeof(full), "%s://%s",
		    host_loopback(full) ? "http" : "https", url);
	}
	if (curl_url_set(u, CURLUPART_URL, full, CURLU_DISALLOW_USER) ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) ||
	    (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		return bad(url, err);
	(void)curl_url_get(u, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT);
	for (char *p = host; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	snprintf(out, URL_BASE_MAX, "%s://%s%s%s", scheme, host,
	    port ? ":" : "", port ? port : "");
	return 0;
}

bool url_app(const char *remote, char base[URL_BASE_MAX], char app[64])
{
	struct str url = str_z(remote);
	const char *slash = strrchr(remote, '/');
	struct str name;

	if (!slash || !str_starts(url, STR("http")) ||
	    url_base(remote, base, NULL) == -1)
		return false;
	name = str_z(slash + 1);
	if (str_ends(name, STR(".git")))
		name.len -= 4;
	/* The name follows the address directly. */
	if (!name.len || name.len > 63 ||
	    strchr(strstr(remote, "://") + 3, '/') != slash)
		return false;
	snprintf(app, 64, STR_FMT, STR_ARG(name));
	return true;
}

bool url_loopback(const char *base)
{
	char host[URL_BASE_MAX];
	const char *start = strstr(base, "://");
	size_t len;

	if (!start)
		return false;
	start += 3;
	len = *start == '[' ? strcspn(start, "]") + 1 : strcspn(start, ":/");
	snprintf(host, sizeof(host), "%.*s", (int)len, start);
	return host_loopback(host);
}
