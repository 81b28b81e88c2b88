#include "ipc/msg.h"

#include <string.h>

#include "base/name.h"

/* The words that MSG_TABLE writes for roles, as masks. */
#define ANY (~0u)
#define ROUTER ROLE_BIT(ROLE_ROUTER)
#define WEB ROLE_BIT(ROLE_WEB)
#define GITD ROLE_BIT(ROLE_GITD)
#define RECEIVE ROLE_BIT(ROLE_RECEIVE)
#define BUILDER ROLE_BIT(ROLE_BUILDER)
#define PLAN ROLE_BIT(ROLE_PLAN)
#define JAIL ROLE_BIT(ROLE_JAIL)
#define SHIM ROLE_BIT(ROLE_SHIM)
#define LOGD ROLE_BIT(ROLE_LOGD)
#define OUTBOUND ROLE_BIT(ROLE_OUTBOUND)
#define NAMES ROLE_BIT(ROLE_NAMES)

static const struct {
	const char *name;
	enum field_kind kind;
	size_t max; /* bytes */
	bool (*grammar)(struct str s);
} fields[F_N] = {
#define FIELD_ROW(tag, number, kind, max, grammar)                             \
	[tag] = {#tag, kind, max, grammar},
    FIELD_TABLE(FIELD_ROW)};

static const struct {
	const char *name;
	unsigned from, to;
	int min_fds, max_fds;
	uint16_t required[FIELDS_MAX];
} messages[MSG_N] = {
#define MSG_ROW(type, number, from, to, min, max, ...)                         \
	[type] = {#type, from, to, min, max, {__VA_ARGS__}},
    MSG_TABLE(MSG_ROW)};

static bool is_message(uint16_t type)
{
	return type < MSG_N && messages[type].name;
}

uint16_t msg_app_port(uint64_t app)
{
	/* Neighbours get far apart, so that nobody takes the rule for granted.
	 */
	return (uint16_t)(10000 + (app * 0x9e3779b97f4a7c15u >> 32) % 22000);
}

const char *msg_name(uint16_t type)
{
	return is_message(type) ? messages[type].name + 4 : "?";
}

static int check_field(uint16_t tag, struct str value, struct error *err)
{
	const char *name;

	if (tag >= F_N || !fields[tag].name)
		return error_set(err, ERR_INVALID, "unknown field %u", tag);
	name = fields[tag].name + 2;
	if (fields[tag].kind == KIND_U64)
		return value.len == 8
		           ? 0
		           : error_set(err, ERR_INVALID,
		                 "field %s has %zu bytes", name, value.len);
	if (value.len > fields[tag].max)
		return error_set(err, ERR_LIMIT,
		    "field %s has %zu bytes, at most %zu", name, value.len,
		    fields[tag].max);
	if (str_find(value, '\0') != -1)
		return error_set(err, ERR_INVALID, "field %s has a NUL", name);
	if (fields[tag].grammar && !fields[tag].grammar(value))
		return error_set(
		    err, ERR_INVALID, "field %s breaks its grammar", name);
	return 0;
}

int msg_check(
    const struct frame *f, enum role from, enum role to, struct error *err)
{
	struct str value;
	uint16_t tag;
	size_t pos = 0;

	if (!is_message(f->type))
		return error_set(
		    err, ERR_INVALID, "unknown message %u", f->type);
	if (!(messages[f->type].from & ROLE_BIT(from)) ||
	    !(messages[f->type].to & ROLE_BIT(to)))
		return error_set(err, ERR_FORBIDDEN, "%s may not send %s to %s",
		    role_name(from), msg_name(f->type), role_name(to));
	if (f->nfds < messages[f->type].min_fds ||
	    f->nfds > messages[f->type].max_fds)
		return error_set(err, ERR_INVALID, "%s with %d descriptors",
		    msg_name(f->type), f->nfds);
	while (frame_next(f, &pos, &tag, &value)) {
		if (check_field(tag, value, err) == -1)
			return error_wrap(err, "%s", msg_name(f->type));
	}
	for (const uint16_t *need = messages[f->type].required; *need; need++) {
		if (!frame_has(f, *need))
			return error_set(err, ERR_INVALID, "%s lacks %s",
			    msg_name(f->type), fields[*need].name + 2);
	}
	return 0;
}
