/* crc32c - the checksum of RFC 3720 section 12.1, table-driven. Pure. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Continue crc (0 at the start) over n bytes. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);
