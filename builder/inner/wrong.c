#include "wrong.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/statvfs.h>

#include "report.h"

/* Who ran out of room tidied up a little on its way out. */
#define FEW_PERCENT 1

static bool is_few(uint64_t left, uint64_t all)
{
	return all > 0 && left <= all * FEW_PERCENT / 100;
}

/* WRONG_DISK, WRONG_INODES, or NULL while there is room. */
static const char *used_up(void)
{
	struct statvfs fs;

	if (statvfs("/", &fs) == -1)
		return NULL;
	if (is_few(fs.f_ffree, fs.f_files))
		return WRONG_INODES;
	return is_few(fs.f_bavail, fs.f_blocks) ? WRONG_DISK : NULL;
}

const char *wrong_kind(const struct error *err, const char *otherwise)
{
	const char *full = used_up();

	if (full)
		return full;
	if (err->sys == ENOSPC || err->sys == EDQUOT)
		return WRONG_DISK;
	return err->code == ERR_LIMIT ? WRONG_LIMIT : otherwise;
}
