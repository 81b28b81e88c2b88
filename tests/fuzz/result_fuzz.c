/*
 * result: a report that is taken has names, digests and texts that a frame
 * may carry, and keeps its limits.
 */
/* links: builder/result.c -ljansson */
#include <string.h>

#include "../../builder/result.h"
#include "base/name.h"
#include "fuzz.h"

static void check_lists(const struct result *r)
{
	for (size_t i = 0; i < r->nlayers; i++)
		CHECK(name_sha256(str_z(r->layers[i])));
	for (size_t i = 0; i < r->nputs; i++)
		CHECK(name_sha256(str_z(r->puts[i].digest)) &&
		      name_layer(str_z(r->puts[i].name)));
	for (size_t i = 0; i < r->nprocesses; i++)
		CHECK(name_ptype(str_z(r->processes[i].type)) &&
		      strlen(r->processes[i].command) <= 32768);
	for (size_t i = 0; i < r->nbuildpacks; i++)
		CHECK(strlen(r->buildpacks[i]) <= 128);
	for (size_t i = 0; i < r->nstages; i++)
		CHECK(name_size(str_z(r->stages[i].name)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {0};
	struct result r;

	if (result_parse(str_make(data, size), &r, &err) == -1) {
		CHECK(err.code == ERR_INVALID && !r.layers);
		return 0;
	}
	CHECK(size <= RESULT_BYTES_MAX);
	CHECK(!r.image[0] || name_sha256(str_z(r.image)));
	CHECK(!strpbrk(r.text, "\n\r\t\033"));
	check_lists(&r);
	result_release(&r);
	return 0;
}
