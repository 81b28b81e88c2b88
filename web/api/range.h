/*
 * range - the Range field of a list: how many, and in which order.
 *
 * Pure. As Heroku's: "version ..; max=15, order=desc". What it does not know
 * it leaves.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define RANGE_MAX 1000 /* rows of one answer */

struct range {
	uint64_t max;
	bool desc;
};

struct range range_parse(struct str field);
