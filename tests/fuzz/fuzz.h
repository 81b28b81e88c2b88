/* fuzz - what every fuzzer here has: its entry, and CHECK for its property. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)                                                            \
	do {                                                                   \
		if (!(what))                                                   \
			abort();                                               \
	} while (0)

/* Prefixes are tried one by one up to here, which keeps it linear enough. */
#define PREFIX_MAX 600

/*
 * What an incremental parser said of a prefix and of the whole: a prefix is
 * not enough, or gets the answer that the whole gets.
 */
#define CHECK_PREFIX(prefix, whole) CHECK((prefix) == 0 || (prefix) == (whole))
