#include "api/route.h"

#include <string.h>

enum method method_of(const char *name)
{
	static const struct {
		const char *name;
		enum method method;
	} methods[] = {
	    {"GET", METHOD_GET},
	    {"HEAD", METHOD_GET},
	    {"POST", METHOD_POST},
	    {"PUT", METHOD_PUT},
	    {"PATCH", METHOD_PATCH},
	    {"DELETE", METHOD_DELETE},
	};

	for (size_t i = 0; i < NELEM(methods); i++)
		if (strcmp(name, methods[i].name) == 0)
			return methods[i].method;
	return METHOD_OTHER;
}

static bool matches(const char *pattern, const struct url_path *path,
    struct str args[ROUTE_ARGS_MAX])
{
	struct str rest = str_z(pattern + 1), part;
	int i = 0, narg = 0;

	while (str_split(&rest, '/', &part)) {
		if (i == path->n)
			return false;
		if (part.p[0] == '{')
			args[narg++] = path->seg[i];
		else if (!str_eq(part, path->seg[i]))
			return false;
		i++;
	}
	return i == path->n;
}

void route_match(const struct route *table, size_t n, enum method method,
    const struct url_path *path, struct route_match *ret)
{
	*ret = (struct route_match){0};
	for (size_t i = 0; i < n; i++) {
		struct str args[ROUTE_ARGS_MAX] = {0};

		if (!matches(table[i].pattern, path, args))
			continue;
		if (table[i].method != method) {
			ret->other_method = true;
			continue;
		}
		ret->route = &table[i];
		memcpy(ret->args, args, sizeof(args));
		return;
	}
}

bool route_has_app(enum action action)
{
	return action >= ACTION_APP_READ;
}
