#include "login.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/fd.h"
#include "base/mem.h"

#define FILE_NAME "login.json"
#define FILE_MAX (1u << 20)

/* A variable that is set and not empty, else NULL. */
static const char *env(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* Open ~/.config/paas, made when make is set; -1 with err. */
static int open_folder(bool make, struct error *err)
{
	scoped_fd int home = -1;
	int dir;

	if (!env("HOME"))
		return error_set(err, ERR_NOT_FOUND,
		    "HOME is not set (set it, or PAAS_URL and PAAS_TOKEN)");
	home = open(env("HOME"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (home == -1)
		return error_sys(err, "open %.100s", env("HOME"));
	if (make && (fd_mkdir(home, ".config", 0700, err) == -1 ||
	                fd_mkdir(home, ".config/paas", 0700, err) == -1))
		return -1;
	dir = openat(home, ".config/paas", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir == -1 ? error_sys(err, "open ~/.config/paas") : dir;
}

/* The file's content; an empty object when there is none; NULL with err. */
static json_t *load(struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(FILE_MAX);
	scoped_fd int dir = open_folder(false, NULL);
	struct error why = {0};
	json_t *root = NULL;

	if (dir == -1)
		return json_object();
	if (fd_read_file(dir, FILE_NAME, &text, &why) == 0)
		root = json_loadb(text.p, text.len, 0, NULL);
	else if (why.code == ERR_NOT_FOUND)
		return json_object();
	if (json_is_object(root))
		return root;
	json_decref(root);
	error_set(err, ERR_INVALID,
	    "~/.config/paas/" FILE_NAME " can't be read: %s (mend or remove "
	    "it, then: paas login URL)",
	    why.code ? why.msg : "it is no JSON object");
	return NULL;
}

static int save(const json_t *root, struct error *err)
{
	scoped_fd int dir = open_folder(true, err);
	scoped_free char *json = json_dumps(root, JSON_INDENT(2));
	scoped_free char *text = xasprintf("%s\n", json);

	if (dir == -1)
		return -1;
	return fd_write_file(dir, FILE_NAME, str_z(text), 0600, err);
}

static bool pick(const json_t *root, const char *url, struct login *ret)
{
	const char *token = json_string_value(
	    json_object_get(json_object_get(root, url), "token"));

	if (!token || strlen(token) > TOKEN_MAX)
		return false;
	snprintf(ret->url, sizeof(ret->url), "%s", url);
	snprintf(ret->token, sizeof(ret->token), "%s", token);
	return true;
}

void login_default(char ret[URL_BASE_MAX])
{
	json_auto_t *root = load(NULL);
	const char *url = json_string_value(json_object_get(root, "default"));

	snprintf(ret, URL_BASE_MAX, "%s", url ? url : "");
}

bool login_for(const char *url, struct login *ret)
{
	json_auto_t *root = load(NULL);
	char own[URL_BASE_MAX];

	if (env("PAAS_URL") && env("PAAS_TOKEN") &&
	    url_base(env("PAAS_URL"), own, NULL) == 0 &&
	    strcmp(own, url) == 0 && strlen(env("PAAS_TOKEN")) <= TOKEN_MAX) {
		snprintf(ret->url, sizeof(ret->url), "%s", own);
		snprintf(
		    ret->token, sizeof(ret->token), "%s", env("PAAS_TOKEN"));
		return true;
	}
	return pick(root, url, ret);
}

/* Which platform: the environment, the remote's, the default. */
static int find_url(const char *hint, struct login *ret, struct error *err)
{
	struct login known;

	if (env("PAAS_URL"))
		return url_base(env("PAAS_URL"), ret->url, err);
	if (hint && *hint && !login_for(hint, &known))
		return error_set(err, ERR_UNAUTHORIZED,
		    "you are not logged in to %s, where the git remote of "
		    "this folder leads (run: paas login %s)",
		    hint, hint);
	if (hint && *hint) {
		snprintf(ret->url, sizeof(ret->url), "%s", hint);
		return 0;
	}
	login_default(ret->url);
	if (ret->url[0])
		return 0;
	return error_set(err, ERR_UNAUTHORIZED,
	    "you are not logged in (run: paas login URL)");
}

int login_find(const char *hint, struct login *ret, struct error *err)
{
	struct login found = {0};
	json_auto_t *readable = NULL;

	if (!(env("PAAS_URL") && env("PAAS_TOKEN")) && !(readable = load(err)))
		return -1;
	if (find_url(hint, ret, err) == -1)
		return -1;
	if (env("PAAS_TOKEN") && strlen(env("PAAS_TOKEN")) <= TOKEN_MAX)
		snprintf(
		    ret->token, sizeof(ret->token), "%s", env("PAAS_TOKEN"));
	else if (login_for(ret->url, &found))
		*ret = found;
	else
		return error_set(err, ERR_UNAUTHORIZED,
		    "there is no token for %s (run: paas login %s)", ret->url,
		    ret->url);
	return 0;
}

int login_save(const struct login *l, const char *email, struct error *err)
{
	json_auto_t *root = load(err);

	if (!root)
		return -1;
	json_object_set_new(root, l->url,
	    json_pack("{s:s, s:s}", "token", l->token, "email", email));
	json_object_set_new(root, "default", json_string(l->url));
	return save(root, err);
}

bool login_forget(const char *url, struct error *err)
{
	json_auto_t *root = load(err);
	const char *chosen =
	    json_string_value(json_object_get(root, "default"));
	const char *other;
	json_t *value;

	if (!root || json_object_del(root, url) == -1)
		return false;
	if (chosen && strcmp(chosen, url) == 0) {
		json_object_del(root, "default");
		json_object_foreach(root, other, value)
		{
			json_object_set_new(
			    root, "default", json_string(other));
			break;
		}
	}
	return save(root, err) == 0;
}
