/*
 * login - which platform, with which token.
 *
 * PAAS_URL and PAAS_TOKEN of the environment come first; then
 * ~/.config/paas/login.json (0600): {"URL": {"token", "email"}, ...,
 * "default": "URL"}.
 */
#pragma once
#include <stdbool.h>

#include "base/error.h"
#include "url_base.h"

#define TOKEN_MAX 256

struct login {
	char url[URL_BASE_MAX];
	char token[TOKEN_MAX + 1];
};

/*
 * The login to use. hint is the address behind the app's git remote, NULL or
 * "" for none: only PAAS_URL leads elsewhere, so that a command about the app
 * here never meets one of the same name at another platform.
 */
int login_find(const char *hint, struct login *ret, struct error *err);
/* The login for exactly this address; false: there is none. */
bool login_for(const char *url, struct login *ret);
/* Keep it, and make it the default. */
int login_save(const struct login *l, const char *email, struct error *err);
/* Forget the token for url; false: there was none. */
bool login_forget(const char *url, struct error *err);
/* The default's address, or "". */
void login_default(char ret[URL_BASE_MAX]);
