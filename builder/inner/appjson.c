#include "appjson.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tree.h"

#define NAME "app.json"

/* The others are for people and for a button that makes apps. */
static const char *const used[] = {
    "cron", "env", "formation", "healthchecks", "scripts"};

static json_t *parse(struct str text, struct error *err)
{
	json_error_t why;
	json_t *root = json_loadb(
	    text.p ? text.p : "", text.len, JSON_REJECT_DUPLICATES, &why);

	if (!root) {
		error_set(err, ERR_INVALID,
		    NAME " is no proper JSON: line %d, column %d: %s; correct "
		         "it, commit, push again",
		    why.line, why.column, why.text);
	} else if (!json_is_object(root)) {
		error_set(err, ERR_INVALID,
		    NAME " is no JSON object: it has to begin with { and end "
		         "with }");
		json_decref(root);
		root = NULL;
	}
	return root;
}

static int take_used(const json_t *root, json_t **ret, struct error *err)
{
	json_t *part = json_object();
	char *text;

	for (size_t i = 0; i < NELEM(used); i++)
		if (json_object_get(root, used[i]))
			json_object_set(
			    part, used[i], json_object_get(root, used[i]));
	text = json_dumps(part, JSON_COMPACT);
	*ret = json_object_size(part) ? json_string(text) : NULL;
	json_decref(part);
	if (text && strlen(text) > APPJSON_USED_MAX) {
		free(text);
		json_decref(*ret);
		*ret = NULL;
		return error_set(err, ERR_INVALID,
		    "cron, env, formation, healthchecks and scripts of " NAME
		    " have more than %u bytes together",
		    APPJSON_USED_MAX);
	}
	free(text);
	return 0;
}

int appjson_read(int dir, json_t **ret, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(APPJSON_BYTES_MAX);
	struct error why = {0};
	json_t *root;
	int done;

	*ret = NULL;
	if (tree_read(dir, NAME, &text, &why) == -1) {
		if (why.code == ERR_NOT_FOUND)
			return 0;
		if (text.bad)
			return error_set(err, ERR_INVALID,
			    NAME " has more than %u KiB",
			    APPJSON_BYTES_MAX / 1024);
		return error_set(err, ERR_INVALID,
		    NAME " must be a file of the app's (%s)", why.msg);
	}
	root = parse(buf_str(&text), err);
	done = root ? take_used(root, ret, err) : -1;
	json_decref(root);
	return done;
}
