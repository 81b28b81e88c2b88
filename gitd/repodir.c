#include "repodir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/rand.h"
#include "refdir.h"

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define FOLDER_MODE 0750
#define INCOMING "incoming-"
#define UNFINISHED ".new" /* behind the name of a repository being made */
#define REMOVED ".gone"   /* the same, being removed */
#define REMOVE_TRIES 8    /* against a worker that is just ending */

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
 * Without a chmod: the setgid bit comes from the folder above, and a chmod
 * by somebody outside of that group would clear it.
 */
static int make_folder(int dir, const char *name, struct error *err)
{
	if (mkdirat(dir, name, FOLDER_MODE) == -1)
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

/* What a worker writes while it is being stopped is removed again. */
static int remove_tree(int dir, const char *path, struct error *err)
{
	for (int i = 1;; i++) {
		if (fd_remove_tree(dir, path, err) == 0)
			return 0;
		if (i == REMOVE_TRIES || err->sys != ENOTEMPTY)
			return -1;
	}
}

int repodir_remove(int dir, const char *repo, struct error *err)
{
	char gone[300];

	snprintf(gone, sizeof(gone), "%s" REMOVED, repo);
	if (remove_tree(dir, gone, err) == -1)
		return -1;
	if (renameat(dir, repo, dir, gone) == -1)
		return errno == ENOENT ? 0 : error_sys(err, "remove %s", repo);
	return remove_tree(dir, gone, err);
}

/* --- quarantines -----------------------------------------------------------
 */

/* The workers are of another user and write through the group. */
static int make_writable(int objects, const char *name, struct error *err)
{
	char pack[QUARANTINE_MAX + 8];
	mode_t old = umask(0007);
	int fd = -1;

	snprintf(pack, sizeof(pack), "%s/pack", name);
	if (mkdirat(objects, name, 0770) == -1 ||
	    mkdirat(objects, pack, 0770) == -1)
		(void)error_sys(err, "make quarantine %s", name);
	else
		fd = open_folder(objects, name, err);
	umask(old);
	return fd;
}

int quarantine_make(
    int dir, const char *repo, char ret_name[QUARANTINE_MAX], struct error *err)
{
	scoped_fd int objects = -1, fd = -1;
	char path[300], name[QUARANTINE_MAX];

	quarantine_sweep(dir, repo);
	snprintf(path, sizeof(path), "%s/objects", repo);
	snprintf(name, sizeof(name), INCOMING "%016" PRIx64, rand_u64());
	objects = open_folder(dir, path, err);
	if (objects == -1)
		return -1;
	fd = make_writable(objects, name, err);
	if (fd == -1)
		return -1;
	if (flock(fd, LOCK_EX) == -1)
		return error_sys(err, "lock quarantine %s", name);
	memcpy(ret_name, name, QUARANTINE_MAX);
	return take_fd(&fd);
}

/* Nothing but a plain file that nobody else has a name for gets in. */
static int check_file(
    int folder, const char *file, struct stat *ret, struct error *err)
{
	scoped_fd int fd = openat(
	    folder, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1 || fstat(fd, ret) == -1)
		return error_sys(err, "open %s", file);
	if (!S_ISREG(ret->st_mode) || ret->st_nlink != 1)
		return error_set(err, ERR_INVALID, "%s is no plain file", file);
	if (fsync(fd) == -1)
		return error_sys(err, "sync %s", file);
	return 0;
}

/* The worker may still run and put another file there: look again. */
static int move_file(int from, int to, const char *file,
    const struct stat *checked, struct error *err)
{
	struct stat moved;

	if (renameat(from, file, to, file) == -1 ||
	    fstatat(to, file, &moved, AT_SYMLINK_NOFOLLOW) == -1)
		return error_sys(err, "move %s", file);
	if (moved.st_ino == checked->st_ino && moved.st_dev == checked->st_dev)
		return 0;
	(void)unlinkat(to, file, 0);
	return error_set(err, ERR_INVALID, "%s was changed", file);
}

static int move_pack(int from, int to, const char *pack, struct error *err)
{
	char files[2][64];
	struct stat checked[2];

	snprintf(files[0], sizeof(files[0]), "pack-%s.pack", pack);
	snprintf(files[1], sizeof(files[1]), "pack-%s.idx", pack);
	if (faccessat(to, files[1], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0; /* the very same pack was pushed before */
	for (int i = 0; i < 2; i++) {
		if (check_file(from, files[i], &checked[i], err) == -1)
			return -1;
	}
	for (int i = 0; i < 2; i++) {
		if (move_file(from, to, files[i], &checked[i], err) == -1)
			return -1;
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
	if (remove_tree(objects, name, &err) == -1)
		log_warn("quarantine not removed repo=%s: %s", repo, err.msg);
}

/* Call fn for each entry of folder, which may be removed by it. */
static void each_entry(
    int dir, const char *folder, void (*fn)(int dir, const char *entry))
{
	int fd = openat(dir, folder, FOLDER_FLAGS);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!d) {
		fd_close(&fd);
		return;
	}
	while ((e = readdir(d)) != NULL)
		fn(fd, e->d_name);
	closedir(d);
}

/* One that is locked belongs to a push that is under way. */
static void sweep_object(int dir, const char *entry)
{
	scoped_fd int fd = -1;
	struct error err = {0};

	if (!str_starts(str_z(entry), STR(INCOMING)))
		return;
	fd = openat(dir, entry, FOLDER_FLAGS);
	if (fd == -1 || flock(fd, LOCK_EX | LOCK_NB) == -1)
		return;
	if (remove_tree(dir, entry, &err) == -1)
		log_warn("quarantine not removed: %s", err.msg);
}

void quarantine_sweep(int dir, const char *repo)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/objects", repo);
	each_entry(dir, path, sweep_object);
}

static void sweep_entry(int dir, const char *entry)
{
	struct str name = str_z(entry);
	struct error err = {0};

	if (str_ends(name, STR(UNFINISHED)) || str_ends(name, STR(REMOVED))) {
		if (remove_tree(dir, entry, &err) == -1)
			log_warn("repository not removed: %s", err.msg);
	} else if (str_ends(name, STR(".git"))) {
		refdir_unlock(dir, entry);
		quarantine_sweep(dir, entry);
	}
}

void repodir_sweep(int dir)
{
	each_entry(dir, ".", sweep_entry);
}
