#include "convert.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>

#include "base/fd.h"
#include "tree.h"

json_t *convert_to_json(const struct toml *t)
{
	json_t *made;

	switch (t->type) {
	case TOML_INTEGER:
		return json_integer(t->integer);
	case TOML_FLOAT:
		return json_real(t->real); /* NULL for inf and nan */
	case TOML_BOOLEAN:
		return json_boolean(t->boolean);
	case TOML_ARRAY:
		made = json_array();
		toml_each(item, t)
		    json_array_append_new(made, convert_to_json(item));
		return made;
	case TOML_TABLE:
		made = json_object();
		toml_each(item, t) json_object_setn_new(
		    made, item->key.p, item->key.len, convert_to_json(item));
		return made;
	default:
		return json_stringn(t->text.p, t->text.len);
	}
}

static json_t *convert_text(
    const char *path, struct str text, struct error *err)
{
	scoped_toml struct toml_doc *doc = NULL;

	if (toml_parse(text, &doc, err) == -1) {
		error_wrap(err, "%s", path);
		return NULL;
	}
	return convert_to_json(toml_root(doc));
}

json_t *convert_file(int dir, const char *path, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(TOML_BYTES_MAX);

	if (tree_read(dir, path, &text, err) == -1)
		return NULL;
	return convert_text(path, buf_str(&text), err);
}

json_t *convert_path(const char *path, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(TOML_BYTES_MAX);
	scoped_fd int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1) {
		error_sys(err, "open %s", path);
		if (err->sys == ENOENT)
			err->code = ERR_NOT_FOUND;
		return NULL;
	}
	if (buf_read_all(&text, fd, err) == -1) {
		error_wrap(err, "read %s", path);
		return NULL;
	}
	return convert_text("toml", buf_str(&text), err);
}

static void add_value(struct buf *out, const json_t *v);

static void add_inline(struct buf *out, const json_t *object)
{
	const char *key;
	size_t length;
	const char *between = "";
	json_t *v;

	buf_addc(out, '{');
	json_object_keylen_foreach((json_t *)object, key, length, v)
	{
		buf_addz(out, between);
		toml_add_key(out, str_make(key, length));
		buf_addz(out, " = ");
		add_value(out, v);
		between = ", ";
	}
	buf_addc(out, '}');
}

static void add_value(struct buf *out, const json_t *v)
{
	size_t i;
	json_t *item;

	switch (json_typeof(v)) {
	case JSON_STRING:
		toml_add_string(
		    out, str_make(json_string_value(v), json_string_length(v)));
		break;
	case JSON_INTEGER:
		buf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		break;
	case JSON_REAL:
		buf_addf(out, "%.17e", json_real_value(v));
		break;
	case JSON_ARRAY:
		buf_addc(out, '[');
		json_array_foreach(v, i, item)
		{
			buf_addz(out, i ? ", " : "");
			add_value(out, item);
		}
		buf_addc(out, ']');
		break;
	case JSON_OBJECT:
		add_inline(out, v);
		break;
	default:
		buf_addz(out, json_is_true(v) ? "true" : "false");
	}
}

/* Is it a list of tables and nothing else? */
static bool is_tables(const json_t *v)
{
	json_t *item;
	size_t i;

	json_array_foreach(v, i, item)
	{
		if (!json_is_object(item))
			return false;
	}
	return json_array_size(v) > 0;
}

/* "NAME.KEY" with the key quoted where it must be. */
static void add_name(struct buf *out, const char *name, struct str key)
{
	if (name[0])
		buf_addf(out, "%s.", name);
	toml_add_key(out, key);
}

/* The members of a table: plain values first, then the tables below it. */
static void add_members(struct buf *out, const char *name, const json_t *object)
{
	const char *key;
	size_t length;
	json_t *v;

	json_object_keylen_foreach((json_t *)object, key, length, v)
	{
		if (json_is_object(v) || is_tables(v) || json_is_null(v))
			continue;
		toml_add_key(out, str_make(key, length));
		buf_addz(out, " = ");
		add_value(out, v);
		buf_addc(out, '\n');
	}
	json_object_keylen_foreach((json_t *)object, key, length, v)
	{
		scoped_buf struct buf below = BUF_INIT(TOML_BYTES_MAX);

		if (!json_is_object(v) && !is_tables(v))
			continue;
		add_name(&below, name, str_make(key, length));
		if (json_is_object(v))
			convert_table(out, buf_z(&below), v);
		else
			convert_tables(out, buf_z(&below), v);
		out->bad |= below.bad;
	}
}

void convert_table(struct buf *out, const char *name, const json_t *object)
{
	if (name[0])
		buf_addf(out, "[%s]\n", name);
	add_members(out, name, object);
}

void convert_tables(struct buf *out, const char *name, const json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		buf_addf(out, "[[%s]]\n", name);
		add_members(out, name, item);
	}
}

int convert_write(const char *path, struct str text, struct error *err)
{
	scoped_fd int fd =
	    open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd == -1)
		return error_sys(err, "create %s", path);
	if (fd_write_all(fd, text, err) == -1)
		return error_wrap(err, "write %s", path);
	return 0;
}
