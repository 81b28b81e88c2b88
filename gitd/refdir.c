#include "refdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/name.h"
#include "packed.h"

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define FILE_MAX (32u << 20) /* of packed-refs: 100,000 long names */
#define LOOSE_MAX 4096       /* of the file of one ref */
#define DEPTH_MAX 64         /* of folders below refs/ */
#define LINKS_MAX 5          /* from one symbolic ref to the next, as in git */
#define SYMBOLIC "ref: "
#define PACKED "packed-refs"
#define LOCK "packed-refs.lock"
#define PART "packed-refs.new" /* as stock git names it */

/* --- reading ---------------------------------------------------------------
 */

static int read_packed(struct refdir *d, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(FILE_MAX);

	if (fd_read_file(d->dir, PACKED, &text, err) == -1)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	return packed_parse(buf_str(&text), &d->packed, err);
}

/* A ref in a file of its own. */
static void read_loose(struct refdir *d, int dir, const char *file, char *name)
{
	scoped_buf struct buf text = BUF_INIT(LOOSE_MAX);
	struct error err = {0};
	struct str id;

	if (fd_read_file(dir, file, &text, &err) == -1)
		return; /* it went while we looked */
	if (str_starts(buf_str(&text), STR(SYMBOLIC)))
		reflist_add(&d->symbolic, str_z(name), STR(""));
	id = str_sub(buf_str(&text), 0, ID_LEN);
	reflist_add(&d->loose, str_z(name), name_sha1(id) ? id : STR(""));
}

static void read_folder(struct refdir *d, int above, const char *folder,
    struct buf *path, int depth);

static void read_entry(struct refdir *d, int dir, const struct dirent *e,
    struct buf *path, int depth)
{
	size_t at = path->len;
	struct stat st;

	if (e->d_name[0] == '.' || str_ends(str_z(e->d_name), STR(".lock")) ||
	    fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	buf_addf(path, "/%s", e->d_name);
	if (!path->bad && S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
		read_folder(d, dir, e->d_name, path, depth + 1);
	else if (!path->bad && S_ISREG(st.st_mode)) {
		scoped_free char *name = str_dup(buf_str(path));

		read_loose(d, dir, e->d_name, name);
	}
	path->bad = false;
	path->len = at;
}

static void read_folder(struct refdir *d, int above, const char *folder,
    struct buf *path, int depth)
{
	int fd = openat(above, folder, FOLDER_FLAGS | O_NOFOLLOW);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!dir) {
		fd_close(&fd);
		return;
	}
	while ((e = readdir(dir)) != NULL)
		read_entry(d, fd, e, path, depth);
	closedir(dir);
}

/* Loose ones first: one that git packs meanwhile is then seen twice. */
static int read_all(struct refdir *d, struct error *err)
{
	scoped_buf struct buf path = BUF_INIT(PATH_MAX);

	buf_addz(&path, "refs");
	read_folder(d, d->dir, "refs", &path, 0);
	reflist_sort(&d->loose);
	reflist_sort(&d->symbolic);
	return read_packed(d, err);
}

/* --- opening ---------------------------------------------------------------
 */

static int lock(struct refdir *d, struct error *err)
{
	int fd;

	while (flock(d->dir, LOCK_EX) == -1) {
		if (errno != EINTR)
			return error_sys(err, "lock the repository");
	}
	fd =
	    openat(d->dir, LOCK, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return error_sys(err, "make " LOCK);
	fd_close(&fd);
	d->locked = true;
	return 0;
}

int refdir_open(
    struct refdir *ret, const char *path, bool locked, struct error *err)
{
	scoped_refdir struct refdir d = {.dir = -1};

	d.dir = open(path, FOLDER_FLAGS);
	if (d.dir == -1)
		return error_sys(err, "open the repository");
	if (locked && lock(&d, err) == -1)
		return -1;
	if (read_all(&d, err) == -1)
		return -1;
	*ret = d;
	d = (struct refdir){.dir = -1};
	return 0;
}

void refdir_close(struct refdir *d)
{
	if (d->locked)
		(void)unlinkat(d->dir, LOCK, 0);
	fd_close(&d->dir);
	reflist_release(&d->packed);
	reflist_release(&d->loose);
	reflist_release(&d->symbolic);
	*d = (struct refdir){.dir = -1};
}

void refdir_unlock(int dir, const char *repo)
{
	static const char *const left[] = {LOCK, PART};
	char path[300];

	for (size_t i = 0; i < NELEM(left); i++) {
		snprintf(path, sizeof(path), "%s/%s", repo, left[i]);
		(void)unlinkat(dir, path, 0);
	}
}

/* --- asking ----------------------------------------------------------------
 */

/* What the file of a symbolic ref or of HEAD names; the caller frees it. */
static char *read_link(const struct refdir *d, const char *name)
{
	scoped_buf struct buf text = BUF_INIT(LOOSE_MAX);
	struct error err = {0};
	struct str rest, line;

	if (fd_read_file(d->dir, name, &text, &err) == -1)
		return NULL;
	rest = buf_str(&text);
	(void)str_split(&rest, '\n', &line);
	if (!str_starts(line, STR(SYMBOLIC)))
		return NULL;
	return str_dup(str_trim(str_sub(line, strlen(SYMBOLIC), line.len)));
}

static const char *find_direct(const struct refdir *d, struct str name)
{
	const struct ref *ref = reflist_find(&d->loose, name);

	if (!ref)
		ref = reflist_find(&d->packed, name);
	return ref && ref->id[0] ? ref->id : NULL;
}

const char *refdir_find(const struct refdir *d, struct str name)
{
	scoped_free char *at = str_dup(name);

	for (int i = 0; i < LINKS_MAX; i++) {
		char *next;

		if (!reflist_find(&d->symbolic, str_z(at)))
			return find_direct(d, str_z(at));
		next = read_link(d, at);
		free(at);
		at = next;
		if (!at)
			break;
	}
	return NULL;
}

bool refdir_held(const struct refdir *d, const char *name)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s.lock", name) <
	           (int)sizeof(path) &&
	       faccessat(d->dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

struct reflist refdir_all(const struct refdir *d)
{
	struct reflist shown = reflist_apply(&d->packed, &d->loose);
	size_t n = 0;

	for (size_t i = 0; i < shown.n; i++) {
		struct ref *ref = &shown.list[i];
		const char *id = ref->id;

		if (!id[0])
			id = refdir_find(d, str_z(ref->name));
		if (!id) {
			free(ref->name);
			continue;
		}
		memmove(ref->id, id, sizeof(ref->id));
		shown.list[n++] = *ref;
	}
	shown.n = n;
	return shown;
}

char *refdir_head(const struct refdir *d)
{
	return read_link(d, "HEAD");
}

/* --- changing --------------------------------------------------------------
 */

static int write_packed(
    const struct refdir *d, const struct reflist *refs, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(FILE_MAX);
	scoped_fd int fd = -1;

	packed_print(&text, refs);
	if (text.bad)
		return error_set(err, ERR_LIMIT,
		    PACKED " is larger than %u MiB", FILE_MAX >> 20);
	fd = openat(d->dir, PART,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd == -1)
		return error_sys(err, "create " PART);
	if (fd_write_all(fd, buf_str(&text), err) == 0 &&
	    fd_publish(fd, d->dir, PART, PACKED, err) == 0)
		return 0;
	(void)unlinkat(d->dir, PART, 0);
	return error_wrap(err, "write " PACKED);
}

static int replace_packed(
    struct refdir *d, const struct reflist *changes, struct error *err)
{
	struct reflist made = reflist_apply(&d->packed, changes);

	if (write_packed(d, &made, err) == -1) {
		reflist_release(&made);
		return -1;
	}
	reflist_release(&d->packed);
	d->packed = made;
	return 0;
}

/* One that came back after a crash would undo what is to follow. */
static int drop_files(
    const struct refdir *d, const struct reflist *refs, struct error *err)
{
	for (size_t i = 0; i < refs->n; i++) {
		const char *name = refs->list[i].name;

		if (unlinkat(d->dir, name, 0) == -1 && errno != ENOENT)
			return error_sys(err, "remove %s", name);
	}
	if (refs->n && syncfs(d->dir) == -1)
		return error_sys(err, "sync the refs");
	return 0;
}

/*
 * What is to change and has a file of its own moves to packed-refs with the
 * value that it has: nobody sees a difference, and then it can change there
 * together with the others.
 */
static int take_in(
    struct refdir *d, const struct reflist *changes, struct error *err)
{
	scoped_reflist struct reflist same = {0};
	struct reflist left = {0};

	for (size_t i = 0; i < d->loose.n; i++) {
		const struct ref *ref = &d->loose.list[i];

		if (!reflist_find(changes, str_z(ref->name)))
			reflist_add(&left, str_z(ref->name), str_z(ref->id));
		else
			reflist_add(&same, str_z(ref->name),
			    ref->id[0] ? str_z(ref->id) : STR(ID_ZERO));
	}
	if (same.n && replace_packed(d, &same, err) == -1) {
		reflist_release(&left);
		return -1;
	}
	reflist_release(&d->loose);
	d->loose = left;
	return drop_files(d, &same, err);
}

int refdir_change(
    struct refdir *d, const struct reflist *changes, struct error *err)
{
	if (!changes->n)
		return 0;
	if (take_in(d, changes, err) == -1)
		return -1;
	return replace_packed(d, changes, err);
}
