/*
 * paas-jail - does what needs root: mounts, namespaces, groups, network.
 *
 * Hears plan alone (a closed list of verbs, plan.c) and the router over the
 * holder's pair (sockets.c); parses nothing that a stranger wrote. One
 * thread, since it changes its own network namespace and folder for moments.
 * `paas-jail --clean` takes back all of a slot after a full stop.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adopt.h"
#include "base/fd.h"
#include "base/log.h"
#include "bundle.h"
#include "cgroup_limit.h"
#include "disk.h"
#include "doctor.h"
#include "dynmods.h"
#include "jail.h"
#include "plan.h"
#include "proc/sandbox.h"
#include "sockets.h"
#include "store.h"
#include "volume.h"
#include "watch.h"

#define LOW_FDS 16    /* numbers that the shim's descriptors get */
#define FDS_MAX 65536 /* a few for each instance */

/*
 * A child puts the shim's descriptors on the lowest numbers while it still
 * needs ours: so ours are all above them.
 */
static void keep_low_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd != -1 && fd < LOW_FDS);
	fd_close(&fd);
}

static int open_folder(
    const char *top, const char *name, int *ret, struct error *err)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	*ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret == -1 ? error_sys(err, "open %s", path) : 0;
}

static int open_folders(struct jail *j, struct error *err)
{
	const struct settings *set = j->settings;

	if (open_folder(set->run, "i", &j->instances_dir, err) == -1 ||
	    open_folder(set->run, "crun", &j->crun_dir, err) == -1 ||
	    open_folder(set->state, "logs", &j->logs_dir, err) == -1 ||
	    open_folder(set->state, "store", &j->store_dir, err) == -1 ||
	    open_folder(set->state, "volumes", &j->volumes_dir, err) == -1 ||
	    open_folder(set->run, "v", &j->mounts_dir, err) == -1)
		return -1;
	return 0;
}

static int find_runtime(struct jail *j, struct error *err)
{
	static const char *const places[] = {
	    "/usr/bin", "/usr/sbin", "/usr/local/bin"};
	char path[300];

	for (size_t i = 0; i < NELEM(places); i++) {
		snprintf(j->runtime, sizeof(j->runtime), "%s/%s", places[i],
		    j->settings->runtime);
		if (access(j->runtime, X_OK) == 0)
			break;
		j->runtime[0] = '\0';
	}
	if (!j->runtime[0])
		return error_set(err, ERR_NOT_FOUND,
		    "the OCI runtime %s is not installed",
		    j->settings->runtime);
	snprintf(path, sizeof(path), "%s/paas-shim", j->settings->libexec);
	j->shim_program = open(path, O_RDONLY | O_CLOEXEC);
	return j->shim_program == -1 ? error_sys(err, "open %s", path) : 0;
}

static bool has_profile(void)
{
	scoped_fd int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return root != -1 && apparmor_has_profile(root);
}

static int make_pools(struct jail *j, struct error *err)
{
	uint32_t first, count;

	if (lease_slot(j->settings->slot, &first, &count, err) == -1)
		return -1;
	j->ranges = lease_new("ranges of ids", first, count);
	net_numbers(&first, &count);
	j->numbers = lease_new("addresses", first, count);
	return 0;
}

static int prepare(struct jail *j, struct start *s, struct error *err)
{
	keep_low_fds();
	(void)umask(022);
	j->settings = &s->settings;
	j->roles = &s->roles;
	j->ev = ev_new();
	j->userns = map_new();
	j->instances = map_new();
	j->works = map_new();
	if (sandbox_rlimit(RLIMIT_NOFILE, FDS_MAX, err) == -1 ||
	    open_folders(j, err) == -1 ||
	    cgroups_open(&j->cgroups, s->settings.slot, err) == -1 ||
	    make_pools(j, err) == -1)
		return -1;
	cgroup_disk_of(j->store_dir, j->cgroups.disk);
	freezer_open(&j->freezer, &j->cgroups, s->settings.slot);
	return 0;
}

static void on_term(void *arg, int signo)
{
	ev_stop(arg);
}

/* Where names hears questions: the port of a socket that it has, too. */
static uint16_t dns_port(struct start *s, const char *name)
{
	scoped_fd int fd = start_fd(s, name);
	struct sockaddr_in at = {0};
	socklen_t size = sizeof(at);

	if (fd == -1 || getsockname(fd, (struct sockaddr *)&at, &size) == -1)
		return 0;
	return ntohs(at.sin_port);
}

static int run(struct jail *j, struct start *s, struct error *err)
{
	int sock = start_fd(s, "jail.sock"), pair = start_fd(s, "pair");

	if (sock == -1 || pair == -1)
		return error_set(err, ERR_INVALID,
		    "jail.sock and pair were not handed in (start `paas "
		    "server`)");
	j->apparmor = has_profile();
	if (find_runtime(j, err) == -1 || bundle_share_programs(j, err) == -1)
		return -1;
	j->net = net_open(
	    &s->settings, dns_port(s, "dns-udp"), dns_port(s, "dns-tcp"), err);
	if (!j->net || watch_open(j, err) == -1 ||
	    ev_signal(j->ev, SIGTERM, on_term, j->ev, err) == -1)
		return -1;
	if (dynmods_open(s->settings.run, j->cgroups.group, err) == -1)
		log_info("starts are slower: %s", err->msg);
	sockets_open(j, pair);
	adopt_all(j);
	disk_sweep(j);
	volumes_sweep(j);
	if (store_open(j, err) == -1)
		return -1;
	plan_listen(j, sock);
	start_ready(s);
	doctor_log(j);
	ev_run(j->ev);
	return 0;
}

int main(int argc, char **argv)
{
	static struct start start;
	static struct jail jail;
	struct error err = {0};
	bool clean = argc == 2 && strcmp(argv[1], "--clean") == 0;

	if (start_open(&start, "jail", &err) == -1 ||
	    prepare(&jail, &start, &err) == -1)
		goto failed;
	if (clean)
		return adopt_clean(&jail);
	if (run(&jail, &start, &err) == 0)
		return EXIT_SUCCESS; /* what it made stays */
failed:
	log_error("%s", err.msg);
	return EXIT_FAILURE;
}
