#include "dynmods.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_ROOM 128

static void folder(const char *run, char out[PATH_ROOM])
{
	snprintf(out, PATH_ROOM, "%s/dynmods", run);
}

int dynmods_open(const char *run, const char *name, struct error *err)
{
	char path[PATH_ROOM], inside[PATH_ROOM + 16], options[64];

	folder(run, path);
	snprintf(inside, sizeof(inside), "%s/cgroup.procs", path);
	if (access(inside, F_OK) == 0)
		return 0; /* of a jail before this one */
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return error_sys(err, "make %s", path);
	snprintf(options, sizeof(options), "none,name=%s,favordynmods", name);
	if (mount("cgroup", path, "cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC,
	        options) == -1)
		return error_sys(err, "mount a hierarchy with favordynmods");
	return 0;
}

void dynmods_clean(const char *run)
{
	char path[PATH_ROOM];

	folder(run, path);
	(void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
	(void)rmdir(path);
}
