/*
 * The export: launch layers, a config layer and the app become folders in
 * /out with their diffIDs; the OCI config becomes a file there.
 *
 * Runs alone over the root that a build left, which may be hostile through
 * and through. /upper shows what the build changed: a layer of the previous
 * image without a trace there is that very layer still, and keeps its digest
 * without being read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "appjson.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/name.h"
#include "image.h"
#include "jobs.h"
#include "layers.h"
#include "pack.h"
#include "say.h"
#include "tree.h"
#include "wire/toml.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define BASE_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define SCRATCH "make" /* in /out: the config layer before it is packed */

struct export
{
	struct pack pack;
	int out, upper;
	struct life life;
	json_t *about;
	json_t *layers;   /* [{digest, by}]: on top of the base, in order */
	json_t *previous; /* empty when it can't be trusted */
	json_t *puts;     /* [{digest, name}]: folders in /out */
	unsigned named, reused;
	char config[DIGEST_HEX], app[DIGEST_HEX];
};

/* --- what is unchanged ---------------------------------------------------- */

/* Is there any trace of path in the overlay's upper folder? */
static bool is_touched(const struct export *x, const char *path)
{
	struct error err;
	struct stat st;

	return tree_stat(x->upper, path, &st, &err) != 0;
}

/*
 * The previous image's description, unless the build wrote into it. That the
 * upper folder holds what every build leaves shows that it is the right one.
 */
static void read_previous(struct export *x)
{
	if (is_touched(x, "layers/" IMAGE_METADATA) &&
	    !is_touched(x, IMAGE_PREVIOUS))
		x->previous = layers_previous();
	else
		x->previous = json_object();
}

/* The digest that the layer had in the previous image; NULL. */
static const char *digest_before(
    const struct export *x, const json_t *bp, const char *name)
{
	const json_t *before = layers_previous_of(
	    x->previous, json_string_value(json_object_get(bp, "id")));
	const char *sha = json_string_value(json_object_get(
	    json_object_get(json_object_get(before, "layers"), name), "sha"));

	if (!sha || strncmp(sha, "sha256:", 7) != 0 ||
	    !name_sha256(str_z(sha + 7)))
		return NULL;
	return sha + 7;
}

/* --- packing -------------------------------------------------------------- */

static void add_layer(struct export *x, const char *digest, const char *by)
{
	json_array_append_new(
	    x->layers, json_pack("{s:s, s:s}", "digest", digest, "by", by));
}

/* Pack path of root into a new folder of /out, and remember it. */
static int pack_new(struct export *x, int root, const char *path,
    char ret_digest[DIGEST_HEX], struct error *err)
{
	char name[16];

	snprintf(name, sizeof(name), "layer-%u", x->named++);
	x->pack.root = root;
	if (fd_mkdir(x->out, name, 0755, err) == -1)
		return -1;
	x->pack.out = openat(x->out, name, OPEN_DIR);
	if (x->pack.out == -1)
		return error_sys(err, "open /out/%s", name);
	if (pack_tree(&x->pack, path, ret_digest, err) == -1) {
		fd_close(&x->pack.out);
		return -1;
	}
	fd_close(&x->pack.out);
	json_array_append_new(x->puts,
	    json_pack("{s:s, s:s}", "digest", ret_digest, "name", name));
	return 0;
}

static int export_layer(
    struct export *x, const json_t *bp, json_t *layer, struct error *err)
{
	const char *name = json_string_value(json_object_get(layer, "name"));
	scoped_free char *below = image_layer_path(bp, layer);
	scoped_free char *path = xasprintf("layers/%s", below);
	scoped_free char *by = NULL;
	scoped_fd int root = open("/", OPEN_DIR);
	char digest[DIGEST_HEX];
	const char *before;
	struct stat st;
	int there = tree_stat(root, path, &st, err);

	if (there == -1)
		return -1;
	if (there == 0 || !S_ISDIR(st.st_mode))
		return 0; /* described, but not made */
	before = is_touched(x, path) ? NULL : digest_before(x, bp, name);
	if (before)
		x->reused++;
	else if (pack_new(x, root, path, digest, err) == -1)
		return error_wrap(err, "layer %s", name);
	before = before ? before : digest;
	json_object_set_new(layer, "digest", json_string(before));
	by = image_layer_by(bp, name);
	add_layer(x, before, by);
	return 0;
}

static int export_layers(struct export *x, struct error *err)
{
	json_t *bp, *layer;
	size_t i, k;

	json_array_foreach(json_object_get(x->about, "buildpacks"), i, bp)
	{
		json_array_foreach(json_object_get(bp, "layers"), k, layer)
		{
			/* what is no launch layer is none of the image's */
			json_object_del(layer, "digest");
			if (json_is_true(json_object_get(layer, "launch")) &&
			    export_layer(x, bp, layer, err) == -1)
				return -1;
		}
	}
	return 0;
}

/* The layer with what the image says of itself. */
static int export_config(struct export *x, struct error *err)
{
	scoped_buf struct buf metadata = BUF_INIT(TOML_BYTES_MAX);
	scoped_free char *previous = image_previous(x->about);
	scoped_fd int make = -1;

	image_metadata(&x->life, x->about, &metadata);
	if (!previous || metadata.bad)
		return error_set(
		    err, ERR_LIMIT, "the image's metadata is too long");
	if (fd_mkdir(x->out, SCRATCH, 0755, err) == -1)
		return -1;
	make = openat(x->out, SCRATCH, OPEN_DIR);
	if (make == -1)
		return error_sys(err, "open /out/%s", SCRATCH);
	if (tree_write(make, "layers/" IMAGE_METADATA, buf_str(&metadata), 0644,
	        err) == -1 ||
	    tree_write(make, IMAGE_PREVIOUS, str_z(previous), 0644, err) == -1)
		return -1;
	return pack_new(x, make, "layers/config", x->config, err);
}

/* Bills of materials, where a buildpack wrote some. */
static int export_sbom(struct export *x, struct error *err)
{
	scoped_fd int root = open("/", OPEN_DIR);
	char digest[DIGEST_HEX];
	struct stat st;
	int there = tree_stat(root, "layers/sbom/launch", &st, err);

	if (there != 1 || !S_ISDIR(st.st_mode))
		return there == -1 ? -1 : 0;
	if (pack_new(x, root, "layers/sbom/launch", digest, err) == -1)
		return -1;
	add_layer(x, digest, "Software Bill-of-Materials");
	return 0;
}

static int export_app(struct export *x, struct error *err)
{
	scoped_fd int root = open("/", OPEN_DIR);

	if (pack_new(x, root, "app", x->app, err) == -1)
		return -1;
	add_layer(x, x->config, "Buildpacks Launcher Config");
	add_layer(x, x->app, "Application Layer");
	return 0;
}

/* --- the image ------------------------------------------------------------ */

static json_t *processes_of(const json_t *about)
{
	json_t *all = json_array(), *p;
	size_t i;

	json_array_foreach(json_object_get(about, "processes"), i, p)
	{
		scoped_buf struct buf command = BUF_INIT(IMAGE_COMMANDS_MAX);

		image_command(p, &command);
		json_array_append_new(all,
		    json_pack("{s:O, s:o}", "type", json_object_get(p, "type"),
		        "command", report_text(buf_z(&command))));
	}
	return all;
}

static json_t *ids_of(const json_t *about)
{
	json_t *all = json_array(), *bp;
	size_t i;

	json_array_foreach(json_object_get(about, "buildpacks"), i, bp)
	{
		json_array_append(all, json_object_get(bp, "id"));
	}
	return all;
}

static int export_appjson(struct report *r, struct error *err)
{
	scoped_fd int app = open("/app", OPEN_DIR);
	json_t *used;

	if (app == -1)
		return error_sys(err, "open /app");
	if (appjson_read(app, &used, err) == -1)
		return -1;
	if (used)
		report_set(r, "app_json", used);
	return 0;
}

static json_t *label_of(const struct export *x, const char *base)
{
	json_t *label = json_pack("{s:[{s:o}], s:{s:o}, s:o, s:{s:o}}", "app",
	    "sha", json_sprintf("sha256:%s", x->app), "config", "sha",
	    json_sprintf("sha256:%s", x->config), "buildpacks",
	    image_label_buildpacks(x->about), "runImage", "topLayer",
	    json_sprintf("sha256:%s", base));

	return label;
}

/* The run image's config, as far as it is known inside: a folder it is. */
static json_t *base_of(const struct export *x, const char *base)
{
	return json_pack("{s:s, s:s, s:{s:[s]}, s:{s:s, s:[o]}}",
	    "architecture", x->life.target.arch, "os", x->life.target.os,
	    "config", "Env", "PATH=" BASE_PATH, "rootfs", "type", "layers",
	    "diff_ids", json_sprintf("sha256:%s", base));
}

static json_t *digests_of(const struct export *x, const char *base)
{
	json_t *list = json_pack("[s]", base), *item;
	size_t i;

	json_array_foreach(x->layers, i, item)
	{
		json_array_append(list, json_object_get(item, "digest"));
	}
	return list;
}

static int export_image(struct export *x, const struct options *o,
    struct report *r, struct error *err)
{
	const char *type = json_string_value(
	    json_object_get(x->about, "buildpack-default-process-type"));
	json_t *base = base_of(x, o->base), *label = label_of(x, o->base);
	struct image_parts parts = {.base = base,
	    .layers = x->layers,
	    .label = label,
	    .type = type ? type : "",
	    .user = "1000:1000"};
	scoped_free char *config = image_config(&x->life, x->about, &parts);
	char id[DIGEST_HEX];

	json_decref(base);
	json_decref(label);
	if (!config)
		return error_set(err, ERR_INTERNAL, "no config of the image");
	digest_of(str_z(config), id);
	if (tree_write(x->out, "config.json", str_z(config), 0644, err) == -1)
		return -1;
	report_set(r, "image", json_string(id));
	report_set(r, "layers", digests_of(x, o->base));
	report_set(r, "puts", json_incref(x->puts));
	report_set(r, "processes", processes_of(x->about));
	report_set(r, "buildpacks", ids_of(x->about));
	return 0;
}

static int export_all(struct export *x, const struct options *o,
    struct report *r, struct error *err)
{
	unsigned packed;

	x->about = image_read(&x->life, NULL, err);
	if (!x->about)
		return error_wrap(err, "what the build left");
	read_previous(x);
	if (export_layers(x, err) == -1)
		return -1;
	packed = x->named;
	if (export_sbom(x, err) == -1 || export_config(x, err) == -1 ||
	    export_app(x, err) == -1 || export_image(x, o, r, err) == -1 ||
	    export_appjson(r, err) == -1)
		return -1;
	report_stage(r, "export", packed == 0);
	if (x->pack.skipped)
		say_wrong("%llu pipes, sockets or device files are not part of "
		          "the image",
		    (unsigned long long)x->pack.skipped);
	return 0;
}

/* Not wrong_kind: /out is a disk of the platform's, not the build's. */
static const char *kind_of(const struct error *err)
{
	return err->code == ERR_LIMIT     ? WRONG_LIMIT
	       : err->code == ERR_INVALID ? WRONG_BUILDPACK
	                                  : WRONG_INTERNAL;
}

int job_export(const struct options *o, struct report *r)
{
	struct export x = {
	    .life = job_life(),
	    .layers = json_array(),
	    .pack = {.out = -1, .files = o->files, .bytes = o->bytes},
	    .out = open("/out", OPEN_DIR),
	    .upper = open("/upper", OPEN_DIR),
	    .puts = json_array(),
	};
	struct error err = {0};
	int done;

	if (x.out == -1 || x.upper == -1)
		done = error_sys(&err, "open /out and /upper");
	else
		done = export_all(&x, o, r, &err);
	if (done == -1)
		report_error(r, kind_of(&err), err.msg);
	json_decref(x.about);
	json_decref(x.layers);
	json_decref(x.previous);
	json_decref(x.puts);
	fd_close(&x.out);
	fd_close(&x.upper);
	return done;
}
