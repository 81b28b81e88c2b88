#include "repodir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/rand.h"

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define FOLDER_MODE 0750
#define INCOMING "incoming-"
#define UNFINISHED ".new" /* behind the name of a repository being made */

/*
 * hideRefs: the commits of running builds are nobody's business. Reflogs
 * would grow for ever.
 */
static const char config[] = "[core]\n"
                             "\trepositoryformatversion = 0\n"
                             "\tfilemode = true\n"
                             "\tbare = true\n"
                             "\tlogAllRefUpdates = false\n"
                             "[transfer]\n"
                             "\thideRefs = refs/gitd\n";

static int open_folder(int dir, const char *path, struct error *err)
{
	int fd = openat(dir, path, FOLDER_FLAGS);

	if (fd == -1)
		return error_sys(err, "open %s", path);
	return fd;
}

bool repodir_exists(int dir, const char *repo)
{
	char head[300];
	struct stat st;

	snprintf(head, sizeof(head), "%s/HEAD", repo);
	return fstatat(dir, head, &st, 0) == 0 && S_ISREG(st.st_mode);
}

/*
 * The setgid bit, and with it the workers' group, comes from the folder
 * above: a chmod by somebody outside of the group would clear it.
 */
static int make_folder(int dir, const char *name, struct error *err)
{
	if (mkdirat(dir, name, FOLDER_MODE) == -1 && errno != EEXIST)
		return error_sys(err, "make folder %s", name);
	return 0;
}

static int fill(int repo, struct error *err)
{
	static const char *const folders[] = {"objects", "objects/info",
	    "objects/pack", "refs", "refs/heads", "refs/tags"};

	for (size_t i = 0; i < NELEM(folders); i++) {
		if (make_folder(repo, folders[i], err) == -1)
			return -1;
	}
	if (fd_write_file(repo, "config", str_z(config), 0640, err) == -1)
		return -1;
	return fd_write_file(
	    repo, "HEAD", STR("ref: refs/heads/main\n"), 0640, err);
}

int repodir_create(int dir, const char *repo, struct error *err)
{
	scoped_fd int fd = -1;
	char part[300];

	if (repodir_exists(dir, repo))
		return 0;
	snprintf(part, sizeof(part), "%s" UNFINISHED, repo);
	if (fd_remove_tree(dir, part, err) == -1 ||
	    make_folder(dir, part, err) == -1)
		return error_wrap(err, "make repository %s", repo);
	fd = open_folder(dir, part, err);
	if (fd == -1 || fill(fd, err) == -1)
		return error_wrap(err, "make repository %s", repo);
	if (renameat(dir, part, dir, repo) == -1 || fsync(dir) == -1)
		return error_sys(err, "make repository %s", repo);
	return 0;
}

int repodir_remove(int dir, const char *repo, struct error *err)
{
	return fd_remove_tree(dir, repo, err);
}

/*
 * The workers are of another user and write through the group, so the mask
 * is opened for these two.
 */
static int make_writable(int objects, const char *name, struct error *err)
{
	char pack[QUARANTINE_MAX + 8];
	mode_t old = umask(0007);
	int r = 0;

	snprintf(pack, sizeof(pack), "%s/pack", name);
	if (mkdirat(objects, name, 0770) == -1 ||
	    mkdirat(objects, pack, 0770) == -1)
		r = error_sys(err, "make quarantine %s", name);
	umask(old);
	return r;
}

int quarantine_make(
    int dir, const char *repo, char ret_name[QUARANTINE_MAX], struct error *err)
{
	scoped_fd int objects = -1;
	char path[300], name[QUARANTINE_MAX];

	snprintf(path, sizeof(path), "%s/objects", repo);
	snprintf(name, sizeof(name), INCOMING "%016" PRIx64, rand_u64());
	objects = open_folder(dir, path, err);
	if (objects == -1 || make_writable(objects, name, err) == -1)
		return -1;
	memcpy(ret_name, name, QUARANTINE_MAX);
	return 0;
}

/* Nothing but a plain file that nobody else has a name for gets in. */
static int check_file(int folder, const char *file, struct error *err)
{
	scoped_fd int fd = openat(
	    folder, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		return error_sys(err, "open %s", file);
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return error_set(err, ERR_INVALID, "%s is no plain file", file);
	if (fsync(fd) == -1)
		return error_sys(err, "sync %s", file);
	return 0;
}

static int move_pack(int from, int to, const char *pack, struct error *err)
{
	static const char *const kinds[] = {"pack", "idx"};
	char file[64];

	for (size_t i = 0; i < NELEM(kinds); i++) {
		snprintf(file, sizeof(file), "pack-%s.%s", pack, kinds[i]);
		if (check_file(from, file, err) == -1)
			return -1;
	}
	if (faccessat(to, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0; /* the very same pack was pushed before */
	for (size_t i = 0; i < NELEM(kinds); i++) {
		snprintf(file, sizeof(file), "pack-%s.%s", pack, kinds[i]);
		if (renameat(from, file, to, file) == -1)
			return error_sys(err, "move %s", file);
	}
	if (fsync(to) == -1)
		return error_sys(err, "sync the folder of packs");
	return 0;
}

int quarantine_adopt(int dir, const char *repo, const char *name,
    const char *pack, struct error *err)
{
	scoped_fd int objects = -1, incoming = -1, from = -1, to = -1;
	char path[300];

	snprintf(path, sizeof(path), "%s/objects", repo);
	objects = open_folder(dir, path, err);
	if (objects == -1)
		return -1;
	incoming = open_folder(objects, name, err);
	if (incoming == -1)
		return -1;
	from = open_folder(incoming, "pack", err);
	to = open_folder(objects, "pack", err);
	if (from == -1 || to == -1)
		return -1;
	return move_pack(from, to, pack, err);
}

void quarantine_drop(int dir, const char *repo, const char *name)
{
	scoped_fd int objects = -1;
	struct error err = {0};
	char path[300];

	snprintf(path, sizeof(path), "%s/objects", repo);
	objects = openat(dir, path, FOLDER_FLAGS);
	if (objects == -1)
		return; /* the repository was dropped meanwhile */
	if (fd_remove_tree(objects, name, &err) == -1)
		log_warn("quarantine not removed repo=%s: %s", repo, err.msg);
}

/* Call fn for each entry of folder. */
static void each_entry(int dir, const char *folder,
    void (*fn)(int dir, const char *folder, const char *entry))
{
	int fd = openat(dir, folder, FOLDER_FLAGS);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!d) {
		fd_close(&fd);
		return;
	}
	while ((e = readdir(d)) != NULL)
		fn(dir, folder, e->d_name);
	closedir(d);
}

static void sweep_object(int dir, const char *folder, const char *entry)
{
	struct error err = {0};
	char path[600];

	if (!str_starts(str_z(entry), STR(INCOMING)))
		return;
	snprintf(path, sizeof(path), "%s/%s", folder, entry);
	if (fd_remove_tree(dir, path, &err) == -1)
		log_warn("quarantine not removed path=%s: %s", path, err.msg);
}

static void sweep_repo(int dir, const char *folder, const char *entry)
{
	struct error err = {0};
	char path[300];

	if (str_ends(str_z(entry), STR(UNFINISHED))) {
		(void)fd_remove_tree(dir, entry, &err); /* the next one will */
		return;
	}
	if (!str_ends(str_z(entry), STR(".git")))
		return;
	snprintf(path, sizeof(path), "%s/objects", entry);
	each_entry(dir, path, sweep_object);
}

void quarantine_sweep(int dir)
{
	each_entry(dir, ".", sweep_repo);
}
