#include "export.h"

#include <git2.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/fd.h"
#include "ipc/peer.h"
#include "wire/frame.h"
#include "wire/source.h"

#define DEPTH_MAX 256
#define BLOB_MAX (512ull << 20) /* is in memory as a whole */
#define NAME_BYTES_MAX 255
#define GITLINK 0160000       /* the mode of a submodule */
#define OUT_BYTES (64u << 10) /* gathered, then written at once */

struct export
{
	const struct export_job *job;
	git_repository *repo;
	git_odb *odb;
	bool writing; /* the second walk; the first one only counts */
	uint64_t bytes, files;
	struct buf path;
	struct buf out; /* small entries wait here */
	unsigned depth;
};

static void export_release(struct export *x)
{
	buf_release(&x->path);
	buf_release(&x->out);
	git_odb_free(x->odb);
	git_repository_free(x->repo);
}

static int git_failed(struct error *err, const char *what)
{
	const git_error *e = git_error_last();

	return error_set(
	    err, ERR_INTERNAL, "%s: %s", what, e ? e->message : "no reason");
}

static char entry_type(const git_tree_entry *entry)
{
	unsigned mode = (unsigned)git_tree_entry_filemode_raw(entry);

	/* Old histories have others than 0644 and 0755: git looks at 0100. */
	switch (mode & S_IFMT) {
	case S_IFREG:
		return mode & S_IXUSR ? 'x' : 'f';
	case S_IFLNK:
		return 'l';
	case S_IFDIR:
		return 'd';
	case GITLINK:
		return 'm';
	default:
		return 0;
	}
}

static bool good_name(struct str name)
{
	return name.len && name.len <= NAME_BYTES_MAX &&
	       str_find(name, '/') == -1 && !str_eqz(name, ".") &&
	       !str_eqz(name, "..") && !str_eq_nocase(name, STR(".git"));
}

static int flush(struct export *x, struct error *err)
{
	if (fd_write_all(x->job->out, buf_str(&x->out), err) == -1)
		return error_wrap(err, "send the source");
	buf_clear(&x->out);
	return 0;
}

static int put(struct export *x, struct str bytes, struct error *err)
{
	if (x->out.len + bytes.len > OUT_BYTES && flush(x, err) == -1)
		return -1;
	if (bytes.len <= OUT_BYTES) {
		buf_add(&x->out, bytes);
		return 0;
	}
	if (fd_write_all(x->job->out, bytes, err) == -1)
		return error_wrap(err, "send the source");
	return 0;
}

static int put_entry(
    struct export *x, char type, struct str content, struct error *err)
{
	unsigned char head[SOURCE_HEAD];
	struct source_entry e = {
	    .type = type, .path = buf_str(&x->path), .size = content.len};

	source_head(&e, head);
	if (put(x, str_make(head, sizeof(head)), err) == -1 ||
	    put(x, e.path, err) == -1)
		return -1;
	return put(x, content, err);
}

/* Count a file or link of this size, and hold it against the limits. */
static int count_blob(
    struct export *x, char type, uint64_t size, struct error *err)
{
	struct str path = buf_str(&x->path);

	if (type == 'l' && (size == 0 || size > SOURCE_LINK_MAX))
		return error_set(err, ERR_INVALID,
		    "link %s is empty or too long", buf_z(&x->path));
	if (size > BLOB_MAX)
		return error_set(err, ERR_LIMIT,
		    "file " STR_FMT " is larger than %llu MiB", STR_ARG(path),
		    BLOB_MAX >> 20);
	x->bytes += size;
	if (x->bytes > x->job->max_bytes)
		return error_set(err, ERR_LIMIT,
		    "the source is larger than %" PRIu64
		    " MiB (setting source_bytes)",
		    x->job->max_bytes >> 20);
	return 0;
}

static int walk_blob(
    struct export *x, const git_tree_entry *entry, char type, struct error *err)
{
	git_odb_object *blob;
	struct str content;
	git_object_t kind;
	size_t size;
	int r;

	if (!x->writing) {
		if (git_odb_read_header(
		        &size, &kind, x->odb, git_tree_entry_id(entry)) != 0)
			return git_failed(err, buf_z(&x->path));
		if (kind != GIT_OBJECT_BLOB)
			return error_set(
			    err, ERR_INVALID, "%s is no file", buf_z(&x->path));
		return count_blob(x, type, size, err);
	}
	if (git_odb_read(&blob, x->odb, git_tree_entry_id(entry)) != 0)
		return git_failed(err, buf_z(&x->path));
	content =
	    str_make(git_odb_object_data(blob), git_odb_object_size(blob));
	if (type == 'l' && str_find(content, '\0') != -1)
		r = error_set(
		    err, ERR_INVALID, "link %s has a NUL", buf_z(&x->path));
	else
		r = put_entry(x, type, content, err);
	git_odb_object_free(blob);
	return r;
}

static int walk_tree(struct export *x, const git_oid *id, struct error *err);

static int walk_folder(
    struct export *x, const git_tree_entry *entry, char type, struct error *err)
{
	int r = 0;

	if (x->writing && put_entry(x, type, STR(""), err) == -1)
		return -1;
	if (type == 'm')
		return 0;
	if (x->depth == DEPTH_MAX)
		return error_set(
		    err, ERR_LIMIT, "folders more than %d deep", DEPTH_MAX);
	x->depth++;
	r = walk_tree(x, git_tree_entry_id(entry), err);
	x->depth--;
	return r;
}

static int walk_entry(
    struct export *x, const git_tree_entry *entry, struct error *err)
{
	struct str name = str_z(git_tree_entry_name(entry));
	char type = entry_type(entry);
	size_t at = x->path.len;
	int r;

	if (!good_name(name) || !type)
		return error_set(err, ERR_INVALID,
		    "name or mode in folder \"%s\" that can't be built",
		    buf_z(&x->path));
	if (x->path.len)
		buf_addc(&x->path, '/');
	buf_add(&x->path, name);
	if (x->path.bad)
		return error_set(err, ERR_LIMIT,
		    "a path is longer than %d bytes", SOURCE_PATH_MAX);
	if (++x->files > x->job->max_files)
		return error_set(err, ERR_LIMIT,
		    "more than %" PRIu64
		    " files and folders (setting source_files)",
		    x->job->max_files);
	if (type == 'd' || type == 'm')
		r = walk_folder(x, entry, type, err);
	else
		r = walk_blob(x, entry, type, err);
	x->path.len = at;
	return r;
}

static int walk_tree(struct export *x, const git_oid *id, struct error *err)
{
	git_tree *tree;
	int r = 0;

	if (git_tree_lookup(&tree, x->repo, id) != 0)
		return git_failed(err, "read a folder of the source");
	for (size_t i = 0; r == 0 && i < git_tree_entrycount(tree); i++)
		r = walk_entry(x, git_tree_entry_byindex(tree, i), err);
	git_tree_free(tree);
	return r;
}

static int walk(
    struct export *x, bool writing, const git_oid *tree, struct error *err)
{
	x->writing = writing;
	x->files = 0;
	if (!writing)
		x->bytes = 0;
	return walk_tree(x, tree, err);
}

static int open_commit(struct export *x, git_oid *ret_tree, struct error *err)
{
	git_commit *commit;
	git_oid id;

	if (git_repository_open_bare(&x->repo, ".") != 0 ||
	    git_repository_odb(&x->odb, x->repo) != 0)
		return git_failed(err, "open the repository");
	if (git_oid_fromstrn(&id, x->job->commit.p, x->job->commit.len) != 0 ||
	    git_commit_lookup(&commit, x->repo, &id) != 0)
		return error_set(err, ERR_NOT_FOUND, "no commit " STR_FMT,
		    STR_ARG(x->job->commit));
	git_oid_cpy(ret_tree, git_commit_tree_id(commit));
	git_commit_free(commit);
	return 0;
}

int export_stream(const struct export_job *job, struct error *err)
{
	struct export x __attribute__((cleanup(export_release))) = {.job = job,
	    .path = BUF_INIT(SOURCE_PATH_MAX),
	    .out = BUF_INIT(OUT_BYTES)};
	scoped_frame_out struct frame_out o = frame_begin(MSG_EXPORT_DONE, 0);
	git_oid tree;

	if (open_commit(&x, &tree, err) == -1 ||
	    walk(&x, false, &tree, err) == -1 ||
	    walk(&x, true, &tree, err) == -1)
		return -1;
	if (put_entry(&x, 'e', STR(""), err) == -1 || flush(&x, err) == -1)
		return -1;
	frame_put_u64(&o, F_BYTES, x.bytes);
	frame_put_u64(&o, F_FILES, x.files);
	return ipc_send_fd(job->conn, &o, err);
}
