#include "wrong.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "report.h"

#define FEW_BYTES (64 * 1024) /* less is as good as none */

const char *wrong_full(void)
{
	struct statvfs fs;

	if (statvfs("/", &fs) == -1)
		return NULL;
	if (fs.f_files > 0 && fs.f_ffree == 0)
		return WRONG_INODES;
	return fs.f_bavail * fs.f_frsize < FEW_BYTES ? WRONG_DISK : NULL;
}

const char *wrong_kind(const struct error *err, const char *otherwise)
{
	const char *full = wrong_full();

	if (full)
		return full;
	if (err->sys == ENOSPC || err->sys == EDQUOT)
		return WRONG_DISK;
	return err->code == ERR_LIMIT ? WRONG_LIMIT : otherwise;
}
