/* identity - who the process is, and what it sees of others. */
#include "abuse.h"

#include <dirent.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOST_IDS 65536u /* what real users of a host have */
#define INIT_USER_NS 4026531837ul
#define PROCESSES_MAX 64

static void ids_of(const char *map)
{
	char text[256];
	unsigned long inside, host, n;

	if (!slurp(map, text, sizeof(text)) ||
	    sscanf(text, "%lu %lu %lu", &inside, &host, &n) != 3)
		broken("%s can't be read", map);
	if (host < HOST_IDS)
		bad("%s begins at %lu of the host", map, host);
}

static void uid_not_host_root(void)
{
	if (getuid() == 0 || geteuid() == 0 || getgid() == 0 || getegid() == 0)
		bad("it is 0");
	ids_of("/proc/self/uid_map");
	ids_of("/proc/self/gid_map");
}

static void own_user_namespace(void)
{
	struct stat st;

	if (stat("/proc/self/ns/user", &st) == -1)
		broken("no user namespace to look at");
	if (st.st_ino == INIT_USER_NS)
		bad("the host's user namespace");
}

static void no_groups_of_the_host(void)
{
	gid_t groups[64];
	int n = getgroups(64, groups);

	for (int i = 0; i < n; i++)
		if (groups[i] == 0 || groups[i] == 65534)
			bad("group %u", (unsigned)groups[i]);
}

static void no_new_privs(void)
{
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		bad("new privileges are possible");
}

static void seccomp_on(void)
{
	char line[64];

	if (!status_line("Seccomp", line, sizeof(line)) || line[0] != '2')
		bad("no filter");
}

static void no_capability(void)
{
	static const char *const sets[] = {
	    "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
	char line[64];

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		if (!status_line(sets[i], line, sizeof(line)))
			broken("no %s", sets[i]);
		if (strspn(line, "0") != strlen(line))
			bad("%s is %s", sets[i], line);
	}
}

static void pid_namespace(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	char path[300], comm[64];
	int n = 0;

	if (!d)
		broken("no /proc");
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		n++;
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		if (slurp(path, comm, sizeof(comm)) &&
		    (strncmp(comm, "paas-", 5) == 0 ||
		        strncmp(comm, "kthread", 7) == 0))
			bad("sees process %s %s", e->d_name, comm);
	}
	closedir(d);
	if (n > PROCESSES_MAX)
		bad("sees %d processes", n);
}

static void uts_namespace(void)
{
	const char *host;
	char name[256] = "";
	int pos = 0;

	(void)gethostname(name, sizeof(name) - 1);
	while ((host = given("hostname", &pos)) != NULL)
		if (strcmp(name, host) == 0)
			bad("has the host's name %s", name);
}

static void ipc_namespace(void)
{
	const char *key;
	int pos = 0, own = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);

	if (own == -1)
		broken("no shared memory of its own");
	(void)shmctl(own, IPC_RMID, NULL);
	while ((key = given("shm", &pos)) != NULL)
		if (shmget((key_t)strtol(key, NULL, 10), 0, 0) != -1)
			bad("sees the host's segment %s", key);
}

static void cgroup_namespace(void)
{
	char text[4096], *line;

	if (!slurp("/proc/self/cgroup", text, sizeof(text)))
		broken("no /proc/self/cgroup");
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		const char *path = strrchr(line, ':');

		if (!path || strcmp(path + 1, "/") != 0)
			bad("sees the group %s", line);
	}
}

static void secrets_of_others(void)
{
	const char *secret;
	char text[65536];
	int pos = 0;
	static const char *const files[] = {
	    "/proc/self/mountinfo", "/proc/cmdline", "/proc/1/cmdline"};

	while ((secret = given("secret", &pos)) != NULL)
		for (size_t i = 0; i < 3; i++)
			if (slurp(files[i], text, sizeof(text)) &&
			    strstr(text, secret))
				bad("%s tells a secret", files[i]);
}

const struct check identity_checks[] = {
    {"identity", "uid-not-host-root", uid_not_host_root},
    {"identity", "own-user-namespace", own_user_namespace},
    {"identity", "no-groups-of-the-host", no_groups_of_the_host},
    {"identity", "no-new-privs", no_new_privs},
    {"identity", "seccomp-on", seccomp_on},
    {"identity", "caps-bounding", no_capability},
    {"identity", "pid-namespace", pid_namespace},
    {"identity", "uts-namespace", uts_namespace},
    {"identity", "ipc-namespace", ipc_namespace},
    {"identity", "cgroup-namespace", cgroup_namespace},
    {"identity", "secrets-of-others", secrets_of_others},
    {NULL, NULL, NULL},
};
