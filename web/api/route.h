/*
 * route - which handler a request goes to: a table of methods and patterns.
 *
 * Pure. A pattern is a path whose parts in braces stand for any text:
 * "/apps/{app}/dynos/{dyno}". An action on an app takes the app from the
 * first of them.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "authorize.h"
#include "base/str.h"
#include "wire/url.h"

struct request;

enum method {
	METHOD_GET,
	METHOD_POST,
	METHOD_PUT,
	METHOD_PATCH,
	METHOD_DELETE,
	METHOD_OTHER,
};

enum method method_of(const char *name); /* HEAD counts as GET */

#define ROUTE_ARGS_MAX 3

struct route {
	enum method method;
	const char *pattern;
	enum action action;
	void (*handle)(struct request *r);
};

struct route_match {
	const struct route *route;
	struct str args[ROUTE_ARGS_MAX];
	bool other_method; /* without a route: the path is known */
};

void route_match(const struct route *table, size_t n, enum method method,
    const struct url_path *path, struct route_match *ret);

/* Is it done to an app, the first argument of the pattern? */
bool route_has_app(enum action action);

/* table.c: all there are. */
extern const struct route routes[];
extern const size_t routes_count;
