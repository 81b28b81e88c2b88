#include "layout.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/name.h"

#define REGISTRY "index.docker.io" /* of names that tell none */
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

/* --- names ---------------------------------------------------------------- */

/* Does the first part of a name tell a registry? */
static bool is_registry(struct str part)
{
	return str_find(part, '.') != -1 || str_find(part, ':') != -1 ||
	       str_eqz(part, "localhost");
}

static bool is_name(struct str s)
{
	struct str part;

	while (str_split(&s, '/', &part)) {
		if (part.len == 0 || part.len > 255 || str_eqz(part, ".") ||
		    str_eqz(part, ".."))
			return false;
		for (size_t i = 0; i < part.len; i++)
			if ((unsigned char)part.p[i] <= ' ' ||
			    part.p[i] == 0x7f || part.p[i] == '\\')
				return false;
	}
	return true;
}

/* "NAME[:TAG][@sha256:HEX]" in its parts; the tag is "latest" by default. */
static void split_name(struct str name, struct str *repo, struct str *tag)
{
	ssize_t at = str_find(name, '@'), colon = -1;

	*tag = STR("latest");
	if (at != -1) {
		*tag = str_sub(name, (size_t)at + 1, name.len);
		name = str_sub(name, 0, (size_t)at);
	}
	for (size_t i = 0; i < name.len; i++)
		colon = name.p[i] == ':'   ? (ssize_t)i
		        : name.p[i] == '/' ? -1
		                           : colon;
	if (colon != -1) {
		if (at == -1)
			*tag = str_sub(name, (size_t)colon + 1, name.len);
		name = str_sub(name, 0, (size_t)colon);
	}
	*repo = name;
}

static struct str registry_of(const char *name)
{
	struct str rest = str_z(name), first;

	(void)str_split(&rest, '/', &first);
	return rest.p && is_registry(first) && !str_eqz(first, "docker.io")
	           ? first
	           : STR(REGISTRY);
}

bool layout_same_registry(const char *a, const char *b)
{
	return str_eq(registry_of(a), registry_of(b));
}

char *layout_path(const char *dir, const char *name, struct error *err)
{
	struct str repo, tag, registry = STR(REGISTRY), rest, first;
	const char *library = "";
	char *path;

	split_name(str_z(name), &repo, &tag);
	rest = repo;
	(void)str_split(&rest, '/', &first);
	if (rest.p && is_registry(first)) {
		registry = str_eqz(first, "docker.io") ? registry : first;
		repo = rest;
	} else if (!rest.p) {
		library = "library/";
	}
	if (!is_name(repo) || !is_name(tag) || tag.len == 0)
		return error_set(err, ERR_INVALID,
		           "could not parse reference: %.100s", name),
		       NULL;
	path = xasprintf("%s/" STR_FMT "/%s" STR_FMT "/" STR_FMT, dir,
	    STR_ARG(registry), library, STR_ARG(repo), STR_ARG(tag));
	/* a digest as a tag: sha256/HEX */
	if (str_starts(tag, STR("sha256:")))
		path[strlen(path) - tag.len + 6] = '/';
	return path;
}

/* --- reading -------------------------------------------------------------- */

/* The JSON of a blob, which must have its digest. */
static json_t *read_blob(
    const char *path, const char *digest, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(LAYOUT_JSON_MAX);
	scoped_free char *file = NULL;
	char hex[DIGEST_HEX];
	json_t *json;

	if (strncmp(digest, "sha256:", 7) != 0 ||
	    !name_sha256(str_z(digest + 7)))
		return error_set(err, ERR_INVALID, "%s: \"%.80s\" is no digest",
		           path, digest),
		       NULL;
	file = xasprintf("%s/blobs/sha256/%s", path, digest + 7);
	if (fd_read_file(AT_FDCWD, file, &text, err) == -1)
		return error_wrap(err, "%s", file), NULL;
	digest_of(buf_str(&text), hex);
	if (strcmp(hex, digest + 7) != 0)
		return error_set(
		           err, ERR_INVALID, "%s has another digest", file),
		       NULL;
	json = json_loadb(text.p, text.len, 0, NULL);
	if (!json_is_object(json)) {
		json_decref(json);
		error_set(err, ERR_INVALID, "%s is no JSON object", file);
		return NULL;
	}
	return json;
}

/* A reference of analyzed.toml: an absolute path, and a digest. */
static bool is_reference(const char *name)
{
	return name[0] == '/';
}

static char *path_of(const char *dir, const char *name, struct error *err)
{
	const char *at = strchr(name, '@');

	if (!is_reference(name))
		return layout_path(dir, name, err);
	return str_dup(str_make(name, at ? (size_t)(at - name) : strlen(name)));
}

static json_t *read_index(const char *path, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(LAYOUT_JSON_MAX);
	scoped_free char *file = xasprintf("%s/index.json", path);
	json_t *index;

	if (fd_read_file(AT_FDCWD, file, &text, err) == -1)
		return NULL;
	index = json_loadb(text.p, text.len, 0, NULL);
	if (!index)
		error_set(err, ERR_INVALID, "%s is no JSON", file);
	return index;
}

static int read_all(struct layout *l, const char *digest, struct error *err)
{
	l->manifest = read_blob(l->path, digest, err);
	if (!l->manifest)
		return -1;
	l->config = read_blob(l->path,
	    text_of(json_object_get(l->manifest, "config"), "digest"), err);
	return l->config ? 0 : -1;
}

int layout_open(
    const char *dir, const char *name, struct layout *ret, struct error *err)
{
	struct layout l = {.path = path_of(dir, name, err)};
	struct error why = {0};
	const char *digest;
	json_t *index;

	if (!l.path)
		return -1;
	index = read_index(l.path, &why);
	if (!index && why.code != ERR_NOT_FOUND) {
		free(l.path);
		*err = why;
		return -1;
	}
	if (index) {
		digest = text_of(
		    json_array_get(json_object_get(index, "manifests"), 0),
		    "digest");
		if (read_all(&l, digest, err) == -1) {
			json_decref(index);
			layout_close(&l);
			return error_wrap(err, "image %s", name);
		}
		l.found = true;
		l.reference = xasprintf("%s@%s", l.path, digest);
	}
	json_decref(index);
	*ret = l;
	return 0;
}

void layout_close(struct layout *l)
{
	free(l->path);
	free(l->reference);
	json_decref(l->manifest);
	json_decref(l->config);
	*l = (struct layout){0};
}

json_t *layout_label(const struct layout *l, const char *key)
{
	const char *text = text_of(
	    json_object_get(json_object_get(l->config, "config"), "Labels"),
	    key);

	return text[0] ? json_loads(text, 0, NULL) : NULL;
}

int layout_find(const struct layout *l, const char *diff_id)
{
	json_t *item;
	size_t i;

	json_array_foreach(
	    json_object_get(json_object_get(l->config, "rootfs"), "diff_ids"),
	    i, item)
	{
		const char *s = json_string_value(item);

		if (s && strcmp(s, diff_id) == 0)
			return (int)i;
	}
	return -1;
}
