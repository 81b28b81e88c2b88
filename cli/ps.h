/*
 * ps - what the commands about processes share.
 */
#pragma once
#include <jansson.h>

#include "cli.h"

void ps_print_formation(const json_t *formation);
int ps_type(struct cli *c, struct error *err); /* a command: ps_type.c */
