#include "git.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "exec.h"
#include "login.h"

#define OUTPUT_MAX (1u << 20)
#define DEFAULT_REMOTE "paas"

/* Run git; its output goes to out (may be NULL). True: it ended with 0. */
static bool git(struct buf *out, const char *const args[])
{
	const char *argv[12] = {"git"};
	size_t n = 1;

	while (*args && n + 1 < NELEM(argv))
		argv[n++] = *args++;
	return exec_capture(argv, out) == 0;
}
#define GIT(out, ...) git(out, (const char *const[]){__VA_ARGS__, NULL})

/* The output's first line as text. */
static void first_line(struct buf *b, char *out, size_t n)
{
	struct str rest = buf_str(b), line = {0};

	(void)str_split(&rest, '\n', &line);
	snprintf(out, n, STR_FMT, STR_ARG(line));
}

bool git_inside(void)
{
	return GIT(NULL, "rev-parse", "--git-dir");
}

/* The value of a configuration key; false: not set. */
static bool config(const char *key, char *out, size_t n)
{
	scoped_buf struct buf b = BUF_INIT(OUTPUT_MAX);

	if (!GIT(&b, "config", "--get", key))
		return false;
	first_line(&b, out, n);
	return true;
}

/* The address of a remote; false: there is none of that name. */
static bool remote_url(const char *name, char *out, size_t n)
{
	scoped_free char *key = xasprintf("remote.%s.url", name);

	return config(key, out, n);
}

/* Single quotes for a shell, which is what git gives a helper to. */
static void add_quoted(struct buf *out, const char *text)
{
	buf_addc(out, '\'');
	for (; *text; text++)
		if (*text == '\'')
			buf_addz(out, "'\\''");
		else
			buf_addc(out, *text);
	buf_addc(out, '\'');
}

/* How git should call this program: "paas", or its path. */
static void add_own_name(struct buf *out)
{
	char self[PATH_MAX], found[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	scoped_free char *in_path = exec_find("paas");

	self[n < 0 ? 0 : n] = '\0';
	if (n <= 0 ||
	    (in_path && realpath(in_path, found) && !strcmp(found, self)))
		buf_addz(out, "paas");
	else
		add_quoted(out, self);
}

/*
 * The helper of this address: first an empty one, so that no other helper,
 * which might store the token, is asked.
 */
static bool set_helper(const char *base)
{
	scoped_buf struct buf helper = BUF_INIT(PATH_MAX * 5);
	scoped_free char *key = xasprintf("credential.%s.helper", base);

	buf_addc(&helper, '!');
	add_own_name(&helper);
	buf_addz(&helper, " git:credentials");
	return GIT(NULL, "config", "--local", "--replace-all", key, "") &&
	       GIT(NULL, "config", "--local", "--add", key, buf_z(&helper));
}

int git_connect(
    const char *remote, const char *base, const char *app, struct error *err)
{
	scoped_free char *url = xasprintf("%s/%s.git", base, app);
	char there[1024];

	if (remote_url(remote, there, sizeof(there))) {
		if (strcmp(there, url) != 0)
			return error_set(err, ERR_EXISTS,
			    "the git remote %s is %.80s already (git remote "
			    "set-url %s %.80s)",
			    remote, there, remote, url);
	} else if (!GIT(NULL, "remote", "add", remote, url)) {
		return error_set(err, ERR_SYSTEM,
		    "git did not add the remote (git remote add %s %s)", remote,
		    url);
	}
	if (!set_helper(base))
		return error_set(err, ERR_SYSTEM,
		    "git did not take its credential helper (see: paas help "
		    "git:credentials)");
	return 0;
}

/* --- remotes that lead to apps -------------------------------------------- */

struct remote {
	char name[128];
	struct target to;
};

/* Take one "remote.NAME.url\nURL" of `git config --null`. */
static bool parse_remote(struct str entry, struct remote *ret)
{
	scoped_free char *url = NULL;
	struct str key;

	if (!str_split(&entry, '\n', &key) ||
	    !str_starts(key, STR("remote.")) || !str_ends(key, STR(".url")) ||
	    key.len < 12)
		return false;
	snprintf(ret->name, sizeof(ret->name), STR_FMT,
	    STR_ARG(str_sub(key, 7, key.len - 4)));
	url = str_dup(entry);
	return url_app(url, ret->to.base, ret->to.app);
}

/* Fill ret with at most max remotes that look like an app's. */
static size_t app_remotes(struct remote *ret, size_t max)
{
	scoped_buf struct buf b = BUF_INIT(OUTPUT_MAX);
	struct str rest, entry;
	size_t n = 0;

	if (!GIT(&b, "config", "--null", "--get-regexp", "^remote\\..*\\.url$"))
		return 0;
	rest = buf_str(&b);
	while (n < max && str_split(&rest, '\0', &entry))
		n += parse_remote(entry, &ret[n]);
	return n;
}

void git_disconnect(const char *base, const char *app)
{
	struct remote remotes[16];
	size_t n = app_remotes(remotes, NELEM(remotes));

	for (size_t i = 0; i < n; i++)
		if (!strcmp(remotes[i].to.base, base) &&
		    !strcmp(remotes[i].to.app, app))
			(void)GIT(NULL, "remote", "remove", remotes[i].name);
}

static int no_app(struct cli *c, struct error *err)
{
	return usage_error(c, err,
	    "no app is chosen (name it with --app APP, or go to a folder with "
	    "the git remote `paas`)");
}

/* The remote called name. */
static int target_named(
    struct cli *c, const char *name, struct target *ret, struct error *err)
{
	char url[1024];

	if (!remote_url(name, url, sizeof(url)))
		return usage_error(c, err,
		    "there is no git remote %s here (see: git remote -v)",
		    name);
	if (!url_app(url, ret->base, ret->app))
		return usage_error(c, err,
		    "the git remote %s is no app of a platform: %.100s", name,
		    url);
	return 0;
}

/* The only remote at a platform for which there is a login. */
static int target_only(struct cli *c, struct target *ret, struct error *err)
{
	struct remote remotes[16];
	const struct remote *found = NULL;
	size_t n = app_remotes(remotes, NELEM(remotes));
	struct login login;

	for (size_t i = 0; i < n; i++) {
		if (!login_for(remotes[i].to.base, &login))
			continue;
		if (found)
			return usage_error(c, err,
			    "the git remotes %s and %s are both apps (choose "
			    "one with --remote)",
			    found->name, remotes[i].name);
		found = &remotes[i];
	}
	if (!found)
		return no_app(c, err);
	*ret = found->to;
	return 0;
}

static int find_target(struct cli *c, struct target *ret, struct error *err)
{
	const char *env = getenv("PAAS_APP");
	const char *app = c->app ? c->app : env && *env ? env : NULL;
	char name[1024];

	*ret = (struct target){0};
	if (c->remote)
		return target_named(c, c->remote, ret, err);
	if (app) {
		if (!*app || strlen(app) >= sizeof(ret->app))
			return usage_error(
			    c, err, "%.40s is no app's name", app);
		snprintf(ret->app, sizeof(ret->app), "%s", app);
		return 0;
	}
	if (config("paas.remote", name, sizeof(name)))
		return target_named(c, name, ret, err);
	if (remote_url(DEFAULT_REMOTE, name, sizeof(name)) &&
	    url_app(name, ret->base, ret->app))
		return 0;
	return target_only(c, ret, err);
}

int target_open(
    struct cli *c, struct target *ret, struct api **ret_api, struct error *err)
{
	if (find_target(c, ret, err) == -1)
		return -1;
	*ret_api = api_open(ret->base, err);
	return *ret_api ? 0 : -1;
}
