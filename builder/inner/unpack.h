/*
 * unpack - the commit's tree, from a pipe in the form of wire/source.h, into
 * a folder: plain files 0644 and 0755, folders 0755, links as links.
 */
#pragma once
#include <stdint.h>

#include "base/error.h"

struct unpack_limits {
	uint64_t files; /* entries of any kind */
	uint64_t bytes; /* of files together */
};

/* Read fd to the end entry and make all of it in dir, which is empty. */
int unpack(
    int fd, int dir, const struct unpack_limits *limits, struct error *err);
