/*
 * untar - a tar of a root becomes a folder: owners, modes and times kept.
 *
 * The tar is held for hostile: what leaves the folder, goes through a link,
 * is owned by nobody an instance has, is a device outside of dev/, or passes
 * a limit is refused. Devices in dev/ are left out, since an instance gets a
 * /dev of its own; extended attributes are, too.
 */
#pragma once
#include <stdint.h>

#include "base/error.h"

/* Read fd to the end of the tar into root, an empty folder. */
int untar(int fd, int root, uint64_t files, uint64_t bytes, struct error *err);
/*
 * The same of a layer's tar whose paths are below folder `path` (absolute),
 * which is open as dir: owners are the caller, what is above is left as it
 * is, anything elsewhere is refused.
 */
int untar_below(int fd, int dir, const char *path, uint64_t files,
    uint64_t bytes, struct error *err);
