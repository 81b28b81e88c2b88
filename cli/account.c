/* account - log in and out, and give git the token. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api.h"
#include "base/fd.h"
#include "base/mem.h"
#include "cli.h"
#include "login.h"
#include "show.h"
#include "term.h"

#define DEFAULT_URL "http://localhost:8080"

/* The address typed, PAAS_URL, the one used last, or this machine's. */
static int choose_url(struct cli *c, char url[URL_BASE_MAX], struct error *err)
{
	const char *env = getenv("PAAS_URL");
	char last[URL_BASE_MAX];

	login_default(last);
	if (url_base(c->argc       ? c->argv[0]
	             : env && *env ? env
	             : last[0]     ? last
	                           : DEFAULT_URL,
	        url, err) == 0)
		return 0;
	c->exit_code = EXIT_USAGE;
	return -1;
}

/* The token's first line of stdin, or what is typed without showing it. */
static int read_token(struct cli *c, const char *url, char token[TOKEN_MAX + 1],
    struct error *err)
{
	scoped_buf struct buf in = BUF_INIT(4096);
	char question[URL_BASE_MAX + 32];
	struct str rest, line = {0};

	if (!cli_option(c, "token-stdin")) {
		snprintf(question, sizeof(question), "Token for %s: ", url);
		if (term_ask_secret(question, token, TOKEN_MAX + 1) && *token)
			return 0;
		return usage_error(c, err,
		    "no token was given (pipe it in: paas login --token-stdin "
		    "%s < FILE)",
		    url);
	}
	if (buf_read_all(&in, STDIN_FILENO, err) == -1)
		return error_wrap(err, "read the token");
	rest = buf_str(&in);
	(void)str_split(&rest, '\n', &line);
	line = str_trim(line);
	if (line.len && line.p[line.len - 1] == '\r')
		line.len--;
	if (!line.len || line.len > TOKEN_MAX)
		return usage_error(c, err, "stdin holds no token");
	snprintf(token, TOKEN_MAX + 1, STR_FMT, STR_ARG(line));
	return 0;
}

static int run_login(struct cli *c, struct error *err)
{
	struct login l = {0};
	scoped_api struct api *a = NULL;
	json_auto_t *account = NULL;

	if (choose_url(c, l.url, err) == -1 ||
	    read_token(c, l.url, l.token, err) == -1)
		return -1;
	a = api_open_login(&l, err);
	if (!a)
		return -1;
	if (api_get(a, &account, err, "account") == -1) {
		if (err->code == ERR_UNAUTHORIZED)
			error_set(err, ERR_UNAUTHORIZED,
			    "%s does not accept this token (check it and try "
			    "again)",
			    l.url);
		return -1;
	}
	if (login_save(&l, json_text(account, "email"), err) == -1)
		return -1;
	printf("Logged in to %s as %s\n", l.url, json_text(account, "email"));
	return 0;
}

static int run_logout(struct cli *c, struct error *err)
{
	char url[URL_BASE_MAX];

	if (choose_url(c, url, err) == -1)
		return -1;
	*err = (struct error){0};
	if (login_forget(url, err))
		printf("Logged out of %s\n", url);
	else if (err->code)
		return -1;
	else
		printf("You were not logged in to %s\n", url);
	return 0;
}

static int run_whoami(struct cli *c, struct error *err)
{
	scoped_api struct api *a = api_open(NULL, err);
	json_auto_t *account = NULL;

	if (!a || api_get(a, &account, err, "account") == -1)
		return -1;
	printf("%s at %s\n", json_text(account, "email"), api_url(a));
	return 0;
}

/* --- git's credential helper ---------------------------------------------- */

/* The value of "name=value" among git's lines, into out. */
static bool find_line(struct str in, const char *name, char *out, size_t n)
{
	struct str line, key;

	while (str_split(&in, '\n', &line)) {
		if (!str_split(&line, '=', &key) || !str_eqz(key, name) ||
		    line.len >= n)
			continue;
		snprintf(out, n, STR_FMT, STR_ARG(line));
		return true;
	}
	return false;
}

static int run_credentials(struct cli *c, struct error *err)
{
	scoped_buf struct buf in = BUF_INIT(65536);
	char protocol[16], host[256], base[URL_BASE_MAX];
	scoped_free char *url = NULL;
	struct login l;

	if (strcmp(c->argv[0], "get") != 0)
		return 0; /* the token is kept by login and logout alone */
	if (buf_read_all(&in, STDIN_FILENO, err) == -1)
		return -1;
	if (!find_line(buf_str(&in), "protocol", protocol, sizeof(protocol)) ||
	    !find_line(buf_str(&in), "host", host, sizeof(host)))
		return 0;
	url = xasprintf("%s://%s", protocol, host);
	if (url_base(url, base, NULL) == -1 || !login_for(base, &l) ||
	    (strcmp(protocol, "http") == 0 && !url_loopback(base)))
		return 0; /* not ours: git goes on to ask others */
	printf("username=paas\npassword=%s\n", l.token);
	return 0;
}

const struct command account_commands[] = {
    {"login", "login [URL]", "use a platform with a token", run_login, 0, 0, 1,
        {{0, "token-stdin", NULL, "read the token from stdin"}},
        "The token is asked for on the terminal and kept, readable by you "
        "alone, in\n~/.config/paas/login.json. PAAS_URL and PAAS_TOKEN in the "
        "environment win over it.\nThe first one is in client.env in the "
        "platform's state folder (/var/lib/paas)."},
    {"logout", "logout [URL]", "forget the token", run_logout, 0, 0, 1, {{0}},
        NULL},
    {"whoami", "whoami", "show who is logged in, and where", run_whoami, 0, 0,
        0, {{0}}, NULL},
    {"git:credentials", "git:credentials get|store|erase",
        "give git the token, as its credential helper", run_credentials,
        CMD_HIDDEN, 1, 1, {{0}},
        "`paas create` sets it up for one repository. By hand:\n"
        "  git config credential.URL.helper '!paas git:credentials'"},
    {0},
};
