#include "folders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/name.h"
#include "base/rand.h"
#include "proc/identity.h"

struct folder {
	const char *name; /* below state or run */
	enum role owner, group;
	mode_t mode;
};

static const struct folder in_state[] = {
    {"db", ROLE_WEB, ROLE_WEB, 0700},
    {"keys", ROLE_WEB, ROLE_WEB, 0700},
    {"builds", ROLE_WEB, ROLE_WEB, 0750},
    {"repos", ROLE_GITD, ROLE_RECEIVE, 02750},
    {"builder", ROLE_BUILDER, ROLE_BUILDER, 0700},
    {"store", ROLE_SUPER, ROLE_SUPER, 0700},
    {"store/layers", ROLE_SUPER, ROLE_SUPER, 0700},
    {"store/blobs", ROLE_SUPER, ROLE_SUPER, 0700},
    {"store/blobs/sha256", ROLE_SUPER, ROLE_SUPER, 0700},
    {"store/work", ROLE_SUPER, ROLE_SUPER, 0700},
    {"store/cache", ROLE_SUPER, ROLE_SUPER, 0700},
    {"store/disk", ROLE_SUPER, ROLE_SUPER, 0700},
    {"volumes", ROLE_SUPER, ROLE_SUPER, 0700},
    {"stacks", ROLE_SUPER, ROLE_SUPER, 0755},
    {"logs", ROLE_SUPER, ROLE_SUPER, 0755},
    {"logd", ROLE_LOGD, ROLE_LOGD, 0700},
};

static const struct folder in_run[] = {
    {"pid", ROLE_SUPER, ROLE_SUPER, 0755},
    {"i", ROLE_SUPER, ROLE_SUPER, 0711},
    {"crun", ROLE_SUPER, ROLE_SUPER, 0700},
    {"v", ROLE_SUPER, ROLE_SUPER, 0700},
};

static int make_path(const char *path, mode_t mode, struct error *err)
{
	char part[256];
	size_t n = strlen(path);

	if (n >= sizeof(part))
		return error_set(err, ERR_LIMIT, "path %s", path);
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, i == n ? mode : 0755) == -1 && errno != EEXIST)
			return error_sys(err, "make the folder %s", part);
	}
	return 0;
}

/* --- claiming ------------------------------------------------------------- */

static int lock_state(const struct settings *s, struct error *err)
{
	char path[280];
	int fd;

	if (make_path(s->state, 0711, err) == -1)
		return -1;
	if (chmod(s->state, 0711) == -1)
		return error_sys(err, "chmod %s", s->state);
	snprintf(path, sizeof(path), "%s/lock", s->state);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return error_sys(err, "open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		close(fd);
		return error_set(err, ERR_EXISTS,
		    "the state folder %s is in use by a running platform: stop "
		    "it (paas server --stop --state %s) or choose another "
		    "with --state",
		    s->state, s->state);
	}
	return 0; /* the descriptor stays open, and with it the lock */
}

int folders_slot(const struct settings *s)
{
	scoped_buf struct buf text = BUF_INIT(16);
	char path[280];
	struct error err;
	uint64_t slot;

	snprintf(path, sizeof(path), "%s/slot", s->state);
	if (fd_read_file(AT_FDCWD, path, &text, &err) == -1 || text.len < 2 ||
	    !str_u64(
	        str_sub(buf_str(&text), 0, text.len - 1), SLOTS_MAX - 1, &slot))
		return -1;
	return (int)slot;
}

/* Do instances of another state folder live in this slot? */
static bool slot_is_foreign(const struct settings *s, int slot)
{
	scoped_buf struct buf owner = BUF_INIT(300);
	char path[64];
	struct error err;
	struct dirent *entry;
	bool any = false;
	DIR *dir;

	snprintf(path, sizeof(path), RUN_ROOT "/%d/state", slot);
	if (fd_read_file(AT_FDCWD, path, &owner, &err) == -1 ||
	    str_eqz(buf_str(&owner), s->state))
		return false;
	snprintf(path, sizeof(path), RUN_ROOT "/%d/i", slot);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		any |= entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return any;
}

static bool try_slot(const struct settings *s, int slot)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), RUN_ROOT "/slots/%d", slot);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return false;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && !slot_is_foreign(s, slot))
		return true;
	close(fd);
	return false;
}

static int take_slot(struct settings *s, struct error *err)
{
	int slot = folders_slot(s);

	if (slot == -1 || !try_slot(s, slot)) {
		for (slot = 0; slot < SLOTS_MAX && !try_slot(s, slot); slot++)
			;
	}
	if (slot == SLOTS_MAX)
		return error_set(err, ERR_LIMIT,
		    "%d platforms run on this machine already", SLOTS_MAX);
	s->slot = (uint64_t)slot;
	snprintf(s->run, sizeof(s->run), RUN_ROOT "/%d", slot);
	return 0;
}

static int write_text(
    const char *dir, const char *name, const char *text, struct error *err)
{
	scoped_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return error_sys(err, "open %s", dir);
	return fd_write_file(fd, name, str_z(text), 0644, err);
}

int folders_claim(struct settings *s, struct error *err)
{
	char text[8], path[80];

	if (lock_state(s, err) == -1 ||
	    make_path(RUN_ROOT "/slots", 0700, err) == -1 ||
	    chmod(RUN_ROOT, 0711) == -1 || take_slot(s, err) == -1)
		return -1;
	snprintf(text, sizeof(text), "%d\n", (int)s->slot);
	if (write_text(s->state, "slot", text, err) == -1)
		return error_wrap(err, "%s is not writable", s->state);
	snprintf(path, sizeof(path), "%s/router", s->run);
	if (make_path(path, 0750, err) == -1 || chmod(s->run, 0711) == -1)
		return -1;
	snprintf(path, sizeof(path), "%s/pid", s->run);
	if (make_path(path, 0755, err) == -1)
		return -1;
	return write_text(s->run, "state", s->state, err);
}

/* --- making --------------------------------------------------------------- */

static int make_all(const char *root, const struct folder *rows, size_t n,
    const struct roles *roles, struct error *err)
{
	scoped_fd int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir == -1)
		return error_sys(err, "open %s", root);
	for (size_t i = 0; i < n; i++) {
		const struct folder *f = rows + i;

		/* The owner first: chown takes set-id bits away. */
		if (fd_mkdir(dir, f->name, 0700, err) == -1)
			return error_wrap(err, "%s", root);
		if (fchownat(dir, f->name, roles->of[f->owner].uid,
		        roles->of[f->group].gid, AT_SYMLINK_NOFOLLOW) == -1 ||
		    fchmodat(dir, f->name, f->mode, 0) == -1)
			return error_sys(err, "owner of %s/%s", root, f->name);
	}
	return 0;
}

int folders_make(
    const struct settings *s, const struct roles *roles, struct error *err)
{
	char path[80];

	if (make_all(s->state, in_state, NELEM(in_state), roles, err) == -1 ||
	    make_all(s->run, in_run, NELEM(in_run), roles, err) == -1)
		return -1;
	snprintf(path, sizeof(path), "%s/router", s->run);
	if (chown(path, 0, roles->of[ROLE_ROUTER].gid) == -1)
		return error_sys(err, "owner of %s", path);
	return 0;
}

void folders_clear(const struct settings *s, bool keep)
{
	static const char *const always[] = {"web.sock", "plan.sock",
	    "jail.sock", "router.sock", "logd.sock", "names.sock",
	    "receive.sock", "export.sock", "outbound.sock", "router", "pid"};
	scoped_fd int run = open(s->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped_fd int root = open(RUN_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[8];
	struct error err;

	for (size_t i = 0; run != -1 && i < NELEM(always); i++)
		(void)fd_remove_tree(run, always[i], &err);
	snprintf(name, sizeof(name), "%d", (int)s->slot);
	if (!keep && root != -1)
		(void)fd_remove_tree(root, name, &err);
}

void folders_unclaim(const struct settings *s)
{
	char path[sizeof(s->run) + 4];

	snprintf(path, sizeof(path), "%s/i", s->run);
	if (access(path, F_OK) == -1)
		folders_clear(s, false);
}

/* --- the owner's token ---------------------------------------------------- */

static bool read_token(const struct settings *s, char token[44])
{
	scoped_buf struct buf text = BUF_INIT(4096);
	char path[280];
	struct error err;
	struct str rest, line;

	snprintf(path, sizeof(path), "%s/client.env", s->state);
	if (fd_read_file(AT_FDCWD, path, &text, &err) == -1)
		return false;
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line)) {
		struct str value = str_sub(line, 11, line.len);

		if (str_starts(line, STR("PAAS_TOKEN=")) && value.len == 43 &&
		    name_secret(value)) {
			memcpy(token, value.p, 43);
			token[43] = '\0';
			return true;
		}
	}
	return false;
}

/* Does this address take what a program of this machine sends to localhost? */
static bool takes_localhost(const char *listen)
{
	static const char *const starts[] = {
	    "127.0.0.1:", "0.0.0.0:", "[::1]:", "[::]:", "localhost:"};

	for (size_t i = 0; i < NELEM(starts); i++) {
		if (strncmp(listen, starts[i], strlen(starts[i])) == 0)
			return true;
	}
	return false;
}

void folders_local_url(const struct settings *s, char ret[SETTINGS_URL_MAX])
{
	snprintf(ret, SETTINGS_URL_MAX, "%s", s->url);
	for (int i = 0; strcmp(s->host, "localhost") && i < s->nlisten; i++) {
		const char *port = strrchr(s->listen[i], ':');

		if (!takes_localhost(s->listen[i]))
			continue;
		snprintf(ret, SETTINGS_URL_MAX, "http://localhost%s",
		    strcmp(port, ":80") == 0 ? "" : port);
		return;
	}
}

int folders_client(const struct settings *s, char token[44], struct error *err)
{
	scoped_fd int dir = open(s->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char text[SETTINGS_URL_MAX + 100], url[SETTINGS_URL_MAX];
	int n;

	if (dir == -1)
		return error_sys(err, "open %s", s->state);
	if (!read_token(s, token))
		rand_secret(token);
	folders_local_url(s, url);
	n = snprintf(
	    text, sizeof(text), "PAAS_URL=%s\nPAAS_TOKEN=%s\n", url, token);
	return fd_write_file(
	    dir, "client.env", str_make(text, (size_t)n), 0600, err);
}
