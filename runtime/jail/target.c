#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#define OPEN_STEP (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define PART_ROOM 256

struct walk {
	int dir; /* of the parts taken so far */
	const char *path;
	uint32_t owner;
};

static int refuse(const struct walk *w, const char *part, struct error *err)
{
	return error_set(err, ERR_INVALID,
	    "%s of the image is a link or no folder on the way to %s, where "
	    "something is mounted: make it a folder in the image",
	    part, w->path);
}

static int own(
    const struct walk *w, int dir, const char *part, struct error *err)
{
	if (fchownat(dir, part, w->owner, w->owner, AT_SYMLINK_NOFOLLOW) == -1)
		return error_sys(err, "owner of %s in %s", part, w->path);
	return 0;
}

/* The folder part in w->dir, made when it is missing. */
static int open_folder(
    const struct walk *w, const char *part, struct error *err)
{
	int next = openat(w->dir, part, OPEN_STEP);

	if (next != -1)
		return next;
	if (errno == ENOTDIR || errno == ELOOP)
		return refuse(w, part, err);
	if (errno != ENOENT)
		return error_sys(err, "open %s in %s", part, w->path);
	if (mkdirat(w->dir, part, 0755) == -1)
		return error_sys(err, "make %s in %s", part, w->path);
	if (own(w, w->dir, part, err) == -1)
		return -1;
	next = openat(w->dir, part, OPEN_STEP);
	return next == -1 ? error_sys(err, "open %s in %s", part, w->path)
	                  : next;
}

/* An empty file: what is mounted on it hides whatever the image had. */
static int make_file(const struct walk *w, const char *part, struct error *err)
{
	scoped_fd int fd = -1;
	struct stat st;

	if (fstatat(w->dir, part, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISREG(st.st_mode))
			return 0;
		if (S_ISDIR(st.st_mode))
			return error_set(err, ERR_INVALID,
			    "%s of the image is a folder, where a file is "
			    "mounted: remove it from the image",
			    w->path);
		if (unlinkat(w->dir, part, 0) == -1)
			return error_sys(err, "replace %s", w->path);
	} else if (errno != ENOENT) {
		return error_sys(err, "look at %s", w->path);
	}
	fd = openat(w->dir, part,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd == -1)
		return error_sys(err, "make %s", w->path);
	return own(w, w->dir, part, err);
}

static int step(
    struct walk *w, const char *part, bool folder, struct error *err)
{
	int next;

	if (!folder)
		return make_file(w, part, err);
	next = open_folder(w, part, err);
	if (next == -1)
		return -1;
	fd_close(&w->dir);
	w->dir = next;
	return 0;
}

static int walk(struct walk *w, bool folder, struct error *err)
{
	struct str rest = str_z(w->path), part;
	char name[PART_ROOM];

	while (str_split(&rest, '/', &part)) {
		if (part.len == 0)
			continue;
		if (part.len >= sizeof(name) || str_eqz(part, ".") ||
		    str_eqz(part, ".."))
			return error_set(
			    err, ERR_INVALID, "%s is no plain path", w->path);
		str_copy(part, name, sizeof(name));
		if (step(w, name, rest.len > 0 || folder, err) == -1)
			return -1;
	}
	return 0;
}

int target_make(
    int root, const char *path, bool folder, uint32_t owner, struct error *err)
{
	struct walk w = {
	    .dir = openat(root, ".", OPEN_STEP), .path = path, .owner = owner};
	int done;

	if (w.dir == -1)
		return error_sys(err, "open the root");
	done = walk(&w, folder, err);
	fd_close(&w.dir);
	return done;
}
