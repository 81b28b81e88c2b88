/*
 * The import: a tar of a base image becomes a layer in /out/layer.
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "jobs.h"
#include "pack.h"
#include "untar.h"

#define LAYER "layer" /* in /out */
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int import(const struct options *o, struct report *r, struct error *err)
{
	struct pack pack = {.out = -1,
	    .keep = PACK_KEEP_IDS | PACK_KEEP_TIMES,
	    .files = o->files,
	    .bytes = o->bytes};
	scoped_fd int out = open("/out", OPEN_DIR), root = -1;
	char digest[DIGEST_HEX];

	if (out == -1)
		return error_sys(err, "open /out");
	if (fd_mkdir(out, LAYER, 0755, err) == -1)
		return -1;
	root = openat(out, LAYER, OPEN_DIR);
	if (root == -1)
		return error_sys(err, "open /out/%s", LAYER);
	if (untar(STDIN_FILENO, root, o->files, o->bytes, err) == -1)
		return -1;
	report_stage(r, "unpack", false);
	pack.root = root;
	if (pack_tree(&pack, "", digest, err) == -1)
		return -1;
	report_stage(r, "hash", false);
	report_set(r, "puts",
	    json_pack("[{s:s, s:s}]", "digest", digest, "name", LAYER));
	return 0;
}

int job_import(const struct options *o, struct report *r)
{
	struct error err = {0};

	if (import(o, r, &err) == 0)
		return 0;
	report_error(
	    r, err.code == ERR_LIMIT ? WRONG_LIMIT : WRONG_INTERNAL, err.msg);
	return -1;
}
