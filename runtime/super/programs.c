#include "programs.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

static const char *const names[] = {"router", "web", "gitd", "receive",
    "builder", "plan", "jail", "logd", "outbound", "names"};

int programs_open(
    const struct settings *s, struct programs *ret, struct error *err)
{
	*ret = (struct programs){0};
	for (size_t i = 0; i < NELEM(names); i++) {
		char path[320];
		int fd;

		snprintf(
		    path, sizeof(path), "%s/paas-%s", s->libexec, names[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd == -1)
			return error_sys(err, "open %s (run make all)", path);
		snprintf(ret->items[i].name, sizeof(ret->items[i].name), "%s",
		    names[i]);
		ret->items[i].fd = fd;
		ret->n++;
	}
	return 0;
}

void programs_close(struct programs *p)
{
	while (p->n > 0)
		fd_close(&p->items[--p->n].fd);
}

int programs_get(const struct programs *p, const char *name)
{
	for (int i = 0; i < p->n; i++) {
		if (strcmp(p->items[i].name, name) == 0)
			return p->items[i].fd;
	}
	return -1;
}

int programs_place(struct settings *s, struct error *err)
{
	char self[256], path[512], real[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n == -1)
		return error_sys(err, "find this program");
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return error_set(err, ERR_INTERNAL, "program path %s", self);
	*slash = '\0';
	snprintf(s->libexec, sizeof(s->libexec), "%s", self);
	/* In the tree beside build/, installed in share/paas. */
	snprintf(path, sizeof(path), "%s/../../../buildpacks", self);
	if (access(path, R_OK) == -1)
		snprintf(
		    path, sizeof(path), "%s/../../share/paas/buildpacks", self);
	if (!realpath(path, real))
		return error_sys(err, "find the buildpacks at %s", path);
	return settings_set(s, STR("buildpacks"), str_z(real), err);
}
