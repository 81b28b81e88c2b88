/*
 * shell - a process for bash: the profiles of layers and app are sourced,
 * then the command is run in the environment that they leave.
 */
#pragma once
#include "base/error.h"
#include "image.h"

#define SHELL_PROGRAM "/bin/bash"

/*
 * Make p->argv the words for SHELL_PROGRAM. self is what profiles see as $0,
 * dir the folder that the command starts in.
 */
int shell_wrap(const struct image *im, const char *self, const char *dir,
    struct image_process *p, struct error *err);
