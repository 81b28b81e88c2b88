#include "options.h"

#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/str.h"
#include "wire/logrec.h"

#define ID_DIGITS 16
#define FOLDER_MAX 96 /* bytes of RUN/i/ID */
#define SEGMENT_LEAST (LOGREC_HEAD + LOGREC_TEXT_MAX)
#define SEGMENT_MOST (1ull << 40)
#define SEGMENTS_LEAST 2
#define SEGMENTS_MOST 100000
#define ID_MOST 0xfffffffeu

static const char *const modes[] = {
    [MODE_LOG] = "log",
    [MODE_PTY] = "attach-pty",
    [MODE_PIPE] = "attach-pipe",
    [MODE_JOB] = "job",
};

static int parse_mode(const char *word, struct options *o, struct error *err)
{
	for (size_t i = 0; i < NELEM(modes); i++) {
		if (strcmp(word, modes[i]) == 0) {
			o->mode = (enum mode)i;
			return 0;
		}
	}
	return error_set(err, ERR_INVALID, "no such mode: %s", word);
}

/* "RUN/i/ID": the id, and where the runtime keeps its state. */
static int parse_folder(const char *path, struct options *o, struct error *err)
{
	struct str folder = str_z(path);
	size_t run = folder.len - ID_DIGITS - 3; /* what stands before /i/ */

	if (folder.len > FOLDER_MAX || folder.len <= ID_DIGITS + 3 ||
	    path[0] != '/' || memcmp(path + run, "/i/", 3) != 0 ||
	    !str_hex(str_sub(folder, run + 3, folder.len), &o->instance))
		return error_set(
		    err, ERR_INVALID, "not a folder RUN/i/ID: %s", path);
	o->folder = path;
	o->id = path + run + 3;
	(void)snprintf(
	    o->root, sizeof(o->root), "%.*s/crun", (int)run, folder.p);
	return 0;
}

static int parse_owner(const char *word, struct options *o, struct error *err)
{
	struct str rest = str_z(word), uid;
	uint64_t u, g;

	if (!str_split(&rest, ':', &uid) || !str_u64(uid, ID_MOST, &u) ||
	    !str_u64(rest, ID_MOST, &g) || u == 0 || g == 0)
		return error_set(
		    err, ERR_INVALID, "not the ids of a user: %s", word);
	o->uid = (uid_t)u;
	o->gid = (gid_t)g;
	return 0;
}

static int parse_settings(
    const char *text, struct options *o, struct error *err)
{
	struct str rest = str_z(text), bytes;

	if (!str_split(&rest, ',', &bytes) ||
	    !str_u64(bytes, SEGMENT_MOST, &o->segment_bytes) ||
	    !str_u64(rest, SEGMENTS_MOST, &o->segments) ||
	    o->segment_bytes < SEGMENT_LEAST || o->segments < SEGMENTS_LEAST)
		return error_set(err, ERR_INVALID,
		    "PAAS_SHIM does not say segment_bytes,segments");
	return 0;
}

int options_parse(int argc, const char *const *argv, const char *settings,
    struct options *ret, struct error *err)
{
	struct options o = {0};
	uint64_t uid, container;

	if (argc != 7 && argc != 8)
		return error_set(err, ERR_INVALID,
		    "paas-shim FOLDER NAME UID MODE RUNTIME OWNER [CONTAINER]");
	if (parse_folder(argv[1], &o, err) == -1 ||
	    parse_mode(argv[4], &o, err) == -1 ||
	    parse_owner(argv[6], &o, err) == -1)
		return -1;
	if (!name_layer(str_z(argv[2])))
		return error_set(err, ERR_INVALID, "not a name: %s", argv[2]);
	if (!str_u64(str_z(argv[3]), ID_MOST, &uid) || uid == 0)
		return error_set(err, ERR_INVALID, "not a uid: %s", argv[3]);
	if (argv[5][0] != '/')
		return error_set(
		    err, ERR_INVALID, "not the path of a runtime: %s", argv[5]);
	if (argc == 8 && (strlen(argv[7]) != ID_DIGITS ||
	                     !str_hex(str_z(argv[7]), &container)))
		return error_set(
		    err, ERR_INVALID, "not the id of a container: %s", argv[7]);
	if (o.mode == MODE_LOG && parse_settings(settings, &o, err) == -1)
		return -1;
	o.name = argv[2];
	o.app_uid = (uid_t)uid;
	o.runtime = argv[5];
	o.container = argc == 8 ? argv[7] : NULL;
	*ret = o;
	return 0;
}
