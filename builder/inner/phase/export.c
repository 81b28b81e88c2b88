/* The export: layers, labels and config of an image on top of the run image. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "cache.h"
#include "export.h"
#include "files.h"
#include "inner/image.h"
#include "inner/layers.h"
#include "inner/pack.h"
#include "inner/slices.h"
#include "inner/tree.h"

#define FILES_MOST 1000000
#define BYTES_MOST (32ull << 30)
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static json_t *sha_of(const char *hex)
{
	return json_pack("{s:o}", "sha", json_sprintf("sha256:%s", hex));
}

/* --- layers --------------------------------------------------------------- */

static void add_layer(struct exporting *x, const char *hex, const char *by)
{
	json_array_append_new(
	    x->layers, json_pack("{s:s, s:s}", "digest", hex, "by", by));
}

static void say_layer(
    const struct exporting *x, const char *id, const char *hex)
{
	scoped_free char *diff = xasprintf("sha256:%s", hex);
	bool known = x->previous.found && layout_find(&x->previous, diff) != -1;

	life_say(&x->s->life, LEVEL_INFO, "%s layer '%s'",
	    known ? "Reusing" : "Adding", id);
	life_say(&x->s->life, LEVEL_DEBUG, "Layer '%s' SHA: %s", id, diff);
}

/* Pack path below root as a layer; p has what is special. */
static int pack_layer(struct exporting *x, struct pack *p, const char *path,
    const char *by, char hex[DIGEST_HEX], struct error *err)
{
	p->out = -1;
	p->keep |= PACK_OWNER;
	p->files = FILES_MOST;
	p->bytes = BYTES_MOST;
	p->sink = layout_write;
	p->sink_arg = x->out;
	if (layout_begin(x->out, err) == -1 ||
	    pack_tree(p, path, hex, err) == -1 || layout_end(x->out, err) == -1)
		return -1;
	add_layer(x, hex, by);
	return 0;
}

/* A folder of this root, by its absolute path; of the build's user. */
static int add_folder(struct exporting *x, const char *path, const char *by,
    char hex[DIGEST_HEX], struct error *err)
{
	scoped_fd int root = open("/", OPEN_DIR);
	struct pack p = {
	    .root = root, .uid = x->s->life.uid, .gid = x->s->life.gid};

	return pack_layer(x, &p, path + 1, by, hex, err);
}

static bool is_dir(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* --- buildpacks' layers --------------------------------------------------- */

/* The layer as the previous image has it, where only its metadata is left. */
static int reuse_layer(struct exporting *x, const json_t *bp,
    const json_t *layer, const char *by, char hex[DIGEST_HEX],
    struct error *err)
{
	const char *id = text_of(bp, "id"), *name = text_of(layer, "name");
	const json_t *before = json_object_get(
	    json_object_get(layers_previous_of(x->before, id), "layers"), name);
	const char *sha = text_of(before, "sha");
	int at = x->previous.found ? layout_find(&x->previous, sha) : -1;

	if (json_is_true(json_object_get(layer, "cache")))
		return error_set(err, ERR_INVALID,
		    "layer '%s:%s' is cache=true but has no contents", id,
		    name);
	if (strlen(sha) != strlen("sha256:") + DIGEST_HEX - 1 || at == -1)
		return error_set(err, ERR_INVALID,
		    "cannot reuse '%s:%s', previous image has no metadata for "
		    "layer '%s:%s'",
		    id, name, id, name);
	if (layout_take(x->out, &x->previous, (size_t)at, err) == -1)
		return -1;
	str_copy(str_z(sha + 7), hex, DIGEST_HEX);
	add_layer(x, hex, by);
	return 0;
}

static int add_bp_layer(
    struct exporting *x, const json_t *bp, json_t *layer, struct error *err)
{
	scoped_free char *below = image_layer_path(bp, layer);
	scoped_free char *path = xasprintf("%s/%s", x->s->life.layers, below);
	scoped_free char *by = image_layer_by(bp, text_of(layer, "name"));
	scoped_free char *id =
	    xasprintf("%s:%s", text_of(bp, "id"), text_of(layer, "name"));
	char hex[DIGEST_HEX];
	int done = is_dir(path) ? add_folder(x, path, by, hex, err)
	                        : reuse_layer(x, bp, layer, by, hex, err);

	if (done == -1)
		return -1;
	say_layer(x, id, hex);
	json_object_set_new(layer, "digest", json_string(hex));
	return 0;
}

static int add_bp_layers(struct exporting *x, struct error *err)
{
	json_t *bp, *layer;
	size_t i, k;

	json_array_foreach(json_object_get(x->about, "buildpacks"), i, bp)
	{
		json_array_foreach(json_object_get(bp, "layers"), k, layer)
		{
			if (json_is_true(json_object_get(layer, "launch")) &&
			    add_bp_layer(x, bp, layer, err) == -1)
				return -1;
		}
	}
	json_object_set_new(
	    x->label, "buildpacks", image_label_buildpacks(x->about));
	return 0;
}

static int add_sbom(struct exporting *x, struct error *err)
{
	scoped_free char *path = xasprintf("%s/sbom/launch", x->s->life.layers);
	char hex[DIGEST_HEX];

	if (!is_dir(path))
		return 0;
	if (add_folder(x, path, "Software Bill-of-Materials", hex, err) == -1)
		return -1;
	say_layer(x, "buildpacksio/lifecycle:launch.sbom", hex);
	json_object_set_new(x->label, "sbom", sha_of(hex));
	return 0;
}

/* --- the app -------------------------------------------------------------- */

static int add_slice(
    struct exporting *x, struct slices *slices, size_t i, struct error *err)
{
	scoped_fd int root = open("/", OPEN_DIR);
	struct pack p = {.root = root,
	    .uid = x->s->life.uid,
	    .gid = x->s->life.gid,
	    .want = slices_want,
	    .want_arg = slices};
	size_t n = slices_count(slices);
	scoped_free char *by = n == 0 ? xstrdup("Application Layer")
	                              : xasprintf("Application Slice: %zu", i);
	char hex[DIGEST_HEX];

	slices_choose(slices, i > n ? 0 : i);
	if (pack_layer(x, &p, x->s->life.app + 1, by, hex, err) == -1)
		return -1;
	json_array_append_new(json_object_get(x->label, "app"), sha_of(hex));
	return 0;
}

static int add_app(struct exporting *x, struct error *err)
{
	struct slices *slices = slices_new(
	    x->s->life.app, json_object_get(x->about, "slices"), err);
	int done = 0;

	if (!slices)
		return -1;
	json_object_set_new(x->label, "app", json_array());
	for (size_t i = 1; i <= slices_count(slices) + 1 && done == 0; i++)
		done = add_slice(x, slices, i, err);
	if (done == 0)
		life_say(&x->s->life, LEVEL_INFO, "Added %zu app layer(s)",
		    slices_count(slices) + 1);
	slices_free(slices);
	return done == -1 ? error_wrap(err, "exporting app layers") : 0;
}

/* --- what starts it ------------------------------------------------------- */

static int copy_launcher(struct exporting *x, int to, struct error *err)
{
	scoped_buf struct buf program = BUF_INIT(64u << 20);

	if (fd_read_file(
	        AT_FDCWD, x->s->in.value[IN_LAUNCHER], &program, err) == -1)
		return error_wrap(err, "launcher");
	return tree_write(
	    to, "cnb/lifecycle/launcher", buf_str(&program), 0755, err);
}

static int link_types(struct exporting *x, int to, struct error *err)
{
	json_t *p;
	size_t i;

	json_array_foreach(json_object_get(x->about, "processes"), i, p)
	{
		scoped_free char *path =
		    xasprintf("cnb/process/%s", text_of(p, "type"));
		const char *name;
		scoped_fd int dir =
		    tree_open_parent(to, path, true, &name, err);

		if (dir == -1)
			return -1;
		if (symlinkat("/cnb/lifecycle/launcher", dir, name) == -1)
			return error_sys(err, "link %s", path);
	}
	return 0;
}

/* A layer of our own: made in a folder of /tmp by fill, below cnb/. */
static int add_made(struct exporting *x,
    int (*fill)(struct exporting *x, int to, struct error *err), const char *id,
    const char *by, const char *key, struct error *err)
{
	char tmp[] = "/tmp/export-XXXXXX", hex[DIGEST_HEX];
	scoped_fd int dir = -1;
	struct pack p = {0};
	int done = -1;

	if (!mkdtemp(tmp))
		return error_sys(err, "make a folder in /tmp");
	dir = open(tmp, OPEN_DIR);
	p.root = dir;
	if (dir != -1 && fill(x, dir, err) == 0)
		done = pack_layer(x, &p, "cnb", by, hex, err);
	(void)tree_remove(AT_FDCWD, tmp, NULL);
	if (done == -1)
		return error_wrap(err, "creating layer '%s'", id);
	say_layer(x, id, hex);
	json_object_set_new(x->label, key, sha_of(hex));
	return 0;
}

static int add_config(struct exporting *x, struct error *err)
{
	scoped_free char *path = xasprintf("%s/config", x->s->life.layers);
	char hex[DIGEST_HEX];

	if (add_folder(x, path, "Buildpacks Launcher Config", hex, err) == -1)
		return -1;
	say_layer(x, "buildpacksio/lifecycle:config", hex);
	json_object_set_new(x->label, "config", sha_of(hex));
	return 0;
}

static int add_start(struct exporting *x, struct error *err)
{
	if (add_made(x, copy_launcher, "buildpacksio/lifecycle:launcher",
	        "Buildpacks Application Launcher", "launcher", err) == -1 ||
	    add_config(x, err) == -1)
		return -1;
	if (json_array_size(json_object_get(x->about, "processes")) == 0) {
		json_object_set_new(
		    x->label, "process-types", json_pack("{s:s}", "sha", ""));
		return 0;
	}
	return add_made(x, link_types, "buildpacksio/lifecycle:process-types",
	    "Buildpacks Process Types", "process-types", err);
}

/* --- the image ------------------------------------------------------------ */

/* The layers of the run image, and what tells how to exchange them. */
static int take_base(struct exporting *x, struct error *err)
{
	const json_t *ids = json_object_get(
	    json_object_get(x->run.config, "rootfs"), "diff_ids");
	size_t n = json_array_size(ids);

	for (size_t i = 0; i < n; i++)
		if (layout_take(x->out, &x->run, i, err) == -1)
			return -1;
	json_object_set_new(x->label, "runImage",
	    json_pack("{s:O, s:s}", "topLayer", json_array_get(ids, n - 1),
	        "reference", x->run.reference));
	files_add_run_names(
	    x->s, json_object_get(x->label, "runImage"), x->run_name, x->label);
	return 0;
}

/* The default process type: the user's, else the buildpacks'. */
static int choose_type(struct exporting *x, const char **ret, struct error *err)
{
	const char *type = x->s->in.value[IN_PROCESS_TYPE];
	json_t *p;
	size_t i;

	*ret = type[0] ? type
	               : text_of(x->about, "buildpack-default-process-type");
	if (!(*ret)[0]) {
		life_say(&x->s->life, LEVEL_INFO, "no default process type");
		return 0;
	}
	json_array_foreach(json_object_get(x->about, "processes"), i, p)
	{
		if (strcmp(text_of(p, "type"), *ret) == 0) {
			life_say(&x->s->life, LEVEL_INFO,
			    "Setting default process type '%s'", *ret);
			return 0;
		}
	}
	return error_set(err, ERR_INVALID,
	    "determining entrypoint: tried to set %.60s to default but it "
	    "doesn't exist",
	    *ret);
}

static int finish(struct exporting *x, struct error *err)
{
	struct image_parts parts = {.base = x->run.config,
	    .layers = x->layers,
	    .label = x->label,
	    .project = x->project,
	    .launcher = true};
	scoped_free char *config = NULL;

	if (choose_type(x, &parts.type, err) == -1)
		return -1;
	config = image_config(&x->s->life, x->about, &parts);
	return layout_finish(x->out, config, x->digest, &x->size, err);
}

int export_image(struct exporting *x, struct error *err)
{
	x->layers = json_array();
	x->label = json_object();
	if (take_base(x, err) == -1 || add_bp_layers(x, err) == -1 ||
	    add_sbom(x, err) == -1 || add_app(x, err) == -1 ||
	    add_start(x, err) == -1)
		return -1;
	return finish(x, err);
}
