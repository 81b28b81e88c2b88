/*
 * url_base - the platform's address: "https://HOST[:PORT]", nothing else.
 *
 * Pure. Compared byte by byte, so each form of one address gives one text.
 */
#pragma once
#include <stdbool.h>

#include "base/error.h"

#define URL_BASE_MAX 300

/*
 * Write url as SCHEME://HOST[:PORT] into out: lower case, without the
 * scheme's own port, a path, or user info. Without a scheme: http for this
 * machine, else https.
 */
int url_base(const char *url, char out[URL_BASE_MAX], struct error *err);
/* The base of a git remote and the app's name: BASE/APP.git. */
bool url_app(const char *remote, char base[URL_BASE_MAX], char app[64]);
/* Is it on this machine? A token may go there in clear text. */
bool url_loopback(const char *base);
