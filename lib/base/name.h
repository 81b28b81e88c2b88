/*
 * name - the grammars of identifiers, as allow-lists.
 *
 * Every identifier from outside passes one of these at the edge. Each
 * returns true when s is of the form; none allocates.
 */
#pragma once
#include <stdbool.h>

#include "base/str.h"

#define NAME_APP_MAX 30
#define NAME_PTYPE_MAX 63
#define NAME_HOST_MAX 253
#define NAME_REF_MAX 255
#define NAME_CONFIG_KEY_MAX 128

bool name_app(struct str s); /* [a-z][a-z0-9-]{1,28}[a-z0-9], not reserved */
bool name_app_reserved(struct str s);
bool name_ptype(struct str s);      /* [A-Za-z0-9_-]{1,63}: web, worker */
bool name_config_key(struct str s); /* [A-Za-z_][A-Za-z0-9_]{0,127} */
bool name_host(struct str s);       /* labels of [a-z0-9-], dots, lower case */
bool name_sha1(struct str s);       /* 40 lower-case hex digits */
bool name_sha256(struct str s);     /* 64 lower-case hex digits */
bool name_secret(struct str s);     /* [A-Za-z0-9_-]{16,128} */
bool name_ref(struct str s); /* refs/heads/..., refs/tags/..., refs/notes/... */
bool name_size(struct str s); /* [a-z0-9-]{1,32}: a dyno size */
/*
 * Where a volume may be mounted: /data, /app/uploads. Absolute and plain, of
 * parts of [A-Za-z0-9._-], and nothing that the platform or the image needs.
 */
#define NAME_MOUNT_MAX 200
bool name_mount(struct str s);
bool name_layer(struct str s); /* [A-Za-z0-9._-]{1,128}, not . or .. */
