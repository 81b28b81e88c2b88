#include "options.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#define CONFIG_DEFAULT "/etc/paas/paas.conf"
#define CONFIG_MAX 65536 /* bytes */

struct flag {
	const char *name, *value; /* the value's form, or NULL */
	int (*take)(struct options *o, const char *value, struct error *err);
	const char *doc;
};

/* The first --listen replaces what the config file says. */
static int take_listen(struct options *o, const char *value, struct error *err)
{
	return settings_set(&o->settings, STR("listen"), str_z(value), err);
}

static int take_state(struct options *o, const char *value, struct error *err)
{
	return settings_set(&o->settings, STR("state"), str_z(value), err);
}

static int take_host(struct options *o, const char *value, struct error *err)
{
	o->domain_given = true;
	return settings_set(&o->settings, STR("host"), str_z(value), err);
}

static int take_apps(struct options *o, const char *value, struct error *err)
{
	return settings_set(
	    &o->settings, STR("apps_domain"), str_z(value), err);
}

static int take_domain(struct options *o, const char *value, struct error *err)
{
	return take_host(o, value, err) == -1 ? -1 : take_apps(o, value, err);
}

static int take_set(struct options *o, const char *value, struct error *err)
{
	struct str rest = str_z(value), name;

	if (!str_split(&rest, '=', &name) || !rest.p)
		return error_set(err, ERR_INVALID, "--set wants name=value");
	return settings_set(&o->settings, name, rest, err);
}

static int take_config(struct options *o, const char *value, struct error *err)
{
	return 0; /* read before all others */
}

static int take_print(struct options *o, const char *value, struct error *err)
{
	o->print = value;
	return 0;
}

static int take_restart(struct options *o, const char *value, struct error *err)
{
	o->restart = value;
	return 0;
}

#define SWITCH(member)                                                         \
	static int take_##member(                                              \
	    struct options *o, const char *value, struct error *err)           \
	{                                                                      \
		o->member = true;                                              \
		return 0;                                                      \
	}
SWITCH(detach)
SWITCH(keep)
SWITCH(login)
SWITCH(stop)
SWITCH(help)
SWITCH(sample)

static const struct flag flags[] = {
    {"--config", "FILE", take_config,
        "settings, lines of `name = value` (" CONFIG_DEFAULT " if it exists)"},
    {"--state", "DIR", take_state,
        "all that outlives a reboot (/var/lib/paas)"},
    {"--listen", "ADDR:PORT", take_listen,
        "the front door; may be repeated (127.0.0.1:8080 and [::1]:8080)"},
    {"--domain", "NAME", take_domain,
        "the platform is NAME, apps are APP.NAME; without it: loopback only"},
    {"--host", "NAME", take_host, "the platform's own name alone"},
    {"--apps-domain", "NAME", take_apps, "what apps live under alone"},
    {"--set", "name=value", take_set, "any setting of the config file"},
    {"--detach", NULL, take_detach, "go to the background when ready"},
    {"--keep", NULL, take_keep, "leave apps running when stopping"},
    {"--stop", NULL, take_stop, "stop the platform of this state folder"},
    {"--restart", "NAME", take_restart,
        "replace the daemon NAME, or all, by what is installed now"},
    {"--login", NULL, take_login, "log the CLI of root and of sudo's user in"},
    {"--sample-config", NULL, take_sample,
        "print every setting with its default"},
    {"--print-setting", "NAME", take_print, "print one setting and exit"},
    {"--help", NULL, take_help, "this text"},
};

void options_help(struct buf *out)
{
	buf_addz(out,
	    "usage: paas server [FLAG...]\n\n"
	    "Starts the platform in the foreground; ^C stops it.\n\n");
	for (size_t i = 0; i < NELEM(flags); i++)
		buf_addf(out, "  %s %-*s %s\n", flags[i].name,
		    (int)(25 - strlen(flags[i].name)),
		    flags[i].value ? flags[i].value : "", flags[i].doc);
}

/*
 * The flag that argv[0] is, with its value (from = or the next word) in
 * *ret_value; *ret_used says how many words it took.
 */
static const struct flag *find_flag(
    char **argv, const char **ret_value, int *ret_used, struct error *err)
{
	for (size_t i = 0; i < NELEM(flags); i++) {
		size_t n = strlen(flags[i].name);

		if (strncmp(argv[0], flags[i].name, n) != 0 ||
		    (argv[0][n] != '\0' && argv[0][n] != '='))
			continue;
		*ret_used = 1;
		*ret_value = argv[0][n] == '=' ? argv[0] + n + 1 : NULL;
		if (flags[i].value && !*ret_value) {
			*ret_value = argv[1];
			*ret_used = 2;
		}
		if (!flags[i].value != !*ret_value) {
			(void)error_set(err, ERR_INVALID, "%s wants %s",
			    flags[i].name,
			    flags[i].value ? flags[i].value : "no value");
			return NULL;
		}
		return flags + i;
	}
	(void)error_set(err, ERR_INVALID,
	    "unknown flag %.80s; see paas server --help", argv[0]);
	return NULL;
}

static int read_config(
    const char *path, bool asked, struct options *o, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(CONFIG_MAX);

	if (fd_read_file(AT_FDCWD, path, &text, err) == -1)
		return !asked && err->code == ERR_NOT_FOUND ? 0 : -1;
	if (settings_parse(&o->settings, buf_str(&text), err) == -1)
		return error_wrap(err, "%s", path);
	return 0;
}

/* Walk the flags twice: for --config, then for all. */
static int walk(char **argv, struct options *o, bool config, struct error *err)
{
	bool listened = false;
	int used;

	for (; *argv; argv += used) {
		const char *value;
		const struct flag *f = find_flag(argv, &value, &used, err);

		if (!f)
			return -1;
		if (config != (f->take == take_config))
			continue;
		if (config) {
			if (read_config(value, true, o, err) == -1)
				return -1;
			continue;
		}
		if (f->take == take_listen && !listened) {
			listened = true;
			o->settings.nlisten = 0;
		}
		if (f->take(o, value, err) == -1)
			return -1;
	}
	return 0;
}

static bool has_flag(char **argv, const char *name)
{
	for (; *argv; argv++) {
		if (strncmp(*argv, name, strlen(name)) == 0)
			return true;
	}
	return false;
}

/* What people look at shows what they must know, if they ask for no more. */
static int settle_log(char **argv, struct settings *s, struct error *err)
{
	if (!isatty(STDERR_FILENO) || has_flag(argv, "--detach"))
		return 0;
	return settings_set(s, STR("log_level"), STR("warn"), err);
}

static bool is_loopback(const char *listen)
{
	return strncmp(listen, "127.", 4) == 0 ||
	       strncmp(listen, "[::1]", 5) == 0 ||
	       strncmp(listen, "localhost:", 10) == 0;
}

static int settle_listen(struct options *o, struct error *err)
{
	struct settings *s = &o->settings;
	bool local = strcmp(s->host, "localhost") == 0;

	if (s->nlisten == 0) {
		if (settings_set(s, STR("listen"),
		        str_z(local ? "127.0.0.1:8080" : "0.0.0.0:8080"),
		        err) == -1)
			return -1;
		return settings_set(s, STR("listen"),
		    str_z(local ? "[::1]:8080" : "[::]:8080"), err);
	}
	for (int i = 0; local && i < s->nlisten; i++) {
		if (!is_loopback(s->listen[i]))
			return error_set(err, ERR_INVALID,
			    "%s is not a loopback address: name the platform "
			    "first, with --domain NAME",
			    s->listen[i]);
	}
	return 0;
}

int options_read(char **argv, struct options *ret, struct error *err)
{
	memset(ret, 0, sizeof(*ret));
	settings_init(&ret->settings);
	if (settle_log(argv, &ret->settings, err) == -1)
		return -1;
	if (!has_flag(argv, "--config") &&
	    read_config(CONFIG_DEFAULT, false, ret, err) == -1)
		return -1;
	if (walk(argv, ret, true, err) == -1 ||
	    walk(argv, ret, false, err) == -1)
		return -1;
	return settle_listen(ret, err);
}
