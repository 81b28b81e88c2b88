/* rand - bytes from the kernel; aborts where there are none. */
#pragma once
#include <stddef.h>
#include <stdint.h>

void rand_bytes(void *p, size_t n);
uint64_t rand_u64(void);
/* 43 characters [A-Za-z0-9_-] of 256 random bits, and a NUL. */
void rand_secret(char out[44]);
/* A random UUID (RFC 9562, version 4) in lower case, and a NUL. */
void rand_uuid(char out[37]);
/* The same of 16 random bytes that the caller has. */
void rand_uuid_of(const unsigned char bytes[16], char out[37]);
