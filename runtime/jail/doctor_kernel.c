/* doctor: what the kernel brings, and how it is set up. */
#include "doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>

#include "proc/sandbox.h"

#define FILE_BYTES 65536 /* more than any file read here has */
#define CGROUP "sys/fs/cgroup/"

static bool file_has(const struct doctor *d, const char *path, const char *word)
{
	scoped_buf struct buf text = BUF_INIT(FILE_BYTES);

	return doctor_read(d, path, &text) &&
	       str_find_str(buf_str(&text), str_z(word)) != -1;
}

/* --- kernel --------------------------------------------------------------- */

void doctor_kernel(struct doctor *d)
{
	uint64_t userns;
	struct utsname name = {0};

	(void)uname(&name);
	doctor_say(d, FINDING_OK, NULL, "kernel %.60s", name.release);
	if (!sandbox_has_landlock())
		doctor_say(d, FINDING_WARN,
		    "boot with lsm=landlock,... in the kernel's command line, "
		    "or a kernel that has it (Debian's does)",
		    "no Landlock: the daemons' users alone limit which files "
		    "they reach");
	else
		doctor_say(d, FINDING_OK, NULL, "Landlock");
	if (!doctor_number(d, "proc/sys/user/max_user_namespaces", &userns))
		userns = 0;
	if (userns < 64)
		doctor_say(d, FINDING_BAD,
		    "sysctl -w user.max_user_namespaces=15000, and write it "
		    "to /etc/sysctl.d/paas.conf",
		    "%" PRIu64 " user namespaces are allowed: apps can't start",
		    userns);
	else
		doctor_say(d, FINDING_OK, NULL, "user namespaces");
}

/* --- control groups ------------------------------------------------------- */

static void say_v2(struct doctor *d)
{
	static const char *const want[] = {"memory", "cpu", "pids", "io"};
	scoped_buf struct buf have = BUF_INIT(FILE_BYTES);

	(void)doctor_read(d, CGROUP "cgroup.controllers", &have);
	for (size_t i = 0; i < NELEM(want); i++) {
		if (str_find_str(buf_str(&have), str_z(want[i])) != -1)
			continue;
		doctor_say(d, i < 3 ? FINDING_BAD : FINDING_WARN,
		    "see that the kernel's command line does not switch it "
		    "off (cgroup_disable), and that no v1 hierarchy holds it",
		    "the cgroup controller %s is not there", want[i]);
	}
	doctor_say(d, FINDING_OK, NULL, "cgroup v2: %.*s",
	    (int)(have.len ? have.len - 1 : 0), have.p ? have.p : "");
}

static void say_v1(struct doctor *d)
{
	bool hybrid = file_has(d, CGROUP "unified/cgroup.procs", "");

	doctor_say(d, FINDING_NOTE,
	    "boot with systemd.unified_cgroup_hierarchy=1 (Debian's default)",
	    "cgroup v1%s: written files are not counted in I/O limits, and "
	    "memory is taken back later than on v2",
	    hybrid ? " beside v2" : "");
	if (!file_has(d, CGROUP "memory/memory.memsw.limit_in_bytes", ""))
		doctor_say(d, FINDING_WARN,
		    "add swapaccount=1 to the kernel's command line",
		    "this kernel does not count swap: an app may fill it");
	if (!file_has(d, CGROUP "blkio/blkio.throttle.read_bps_device", ""))
		doctor_say(d, FINDING_WARN,
		    "mount the blkio controller at /sys/fs/cgroup/blkio",
		    "no I/O limits: an app may take all of the disk's time");
}

void doctor_cgroups(struct doctor *d)
{
	if (file_has(d, CGROUP "cgroup.controllers", ""))
		say_v2(d);
	else
		say_v1(d);
}

/* --- swap ----------------------------------------------------------------- */

void doctor_swap(struct doctor *d)
{
	scoped_buf struct buf text = BUF_INIT(FILE_BYTES);
	struct str rest, line;
	size_t n = 0;

	(void)doctor_read(d, "proc/swaps", &text);
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line))
		n += str_starts(line, STR("/")) ? 1 : 0;
	if (n)
		doctor_say(d, FINDING_OK, NULL, "swap: %zu in use%s", n,
		    str_find_str(buf_str(&text), STR("/zram")) != -1
		        ? ", zram among them"
		        : "");
	else
		doctor_say(d, FINDING_NOTE,
		    "apt-get install zram-tools (memory is compressed, no disk "
		    "needed), or make a swap file",
		    "no swap and no zram: idle apps are stopped instead of "
		    "paged out, so they wake more slowly");
}

/* --- limits --------------------------------------------------------------- */

void doctor_limits(struct doctor *d)
{
	static const struct {
		const char *path, *name;
		uint64_t least;
		const char *todo;
	} rows[] = {
	    {"proc/sys/fs/inotify/max_user_watches", "inotify watches", 8192,
	        "sysctl -w fs.inotify.max_user_watches=65536, and write it to "
	        "/etc/sysctl.d/paas.conf"},
	    {"proc/sys/fs/inotify/max_user_instances", "inotify instances", 128,
	        "sysctl -w fs.inotify.max_user_instances=512, and write it to "
	        "/etc/sysctl.d/paas.conf"},
	    {"proc/sys/kernel/pid_max", "processes (pid_max)", 32768,
	        "sysctl -w kernel.pid_max=4194304, and write it to "
	        "/etc/sysctl.d/paas.conf"},
	    {"proc/sys/kernel/threads-max", "threads (threads-max)", 8192,
	        "sysctl -w kernel.threads-max=65536, and write it to "
	        "/etc/sysctl.d/paas.conf"},
	    {"proc/sys/fs/file-max", "open files (file-max)", 65536,
	        "sysctl -w fs.file-max=1000000, and write it to "
	        "/etc/sysctl.d/paas.conf"},
	};
	size_t before = d->n;
	uint64_t value;

	for (size_t i = 0; i < NELEM(rows); i++) {
		if (doctor_number(d, rows[i].path, &value) &&
		    value < rows[i].least)
			doctor_say(d, FINDING_WARN, rows[i].todo,
			    "the machine allows %" PRIu64
			    " %s, which some apps use up",
			    value, rows[i].name);
	}
	if (d->n == before)
		doctor_say(d, FINDING_OK, NULL,
		    "limits: inotify, processes, threads, open files");
}

/* --- clock ---------------------------------------------------------------- */

#define BUILT_AFTER                                                            \
	1735689600 /* 2025-01-01: no clock that is right is below              \
	            */

void doctor_clock(struct doctor *d)
{
	struct timex t = {0};

	if (time(NULL) < BUILT_AFTER)
		doctor_say(d, FINDING_BAD,
		    "set it (date -s), and apt-get install systemd-timesyncd",
		    "the clock is years behind: no certificate is valid");
	else if (adjtimex(&t) == TIME_ERROR || t.status & STA_UNSYNC)
		doctor_say(d, FINDING_NOTE,
		    "apt-get install systemd-timesyncd (or chrony), unless the "
		    "machine below keeps it right",
		    "nothing keeps the clock right: logs and tokens go by it");
	else
		doctor_say(d, FINDING_OK, NULL, "clock is kept right");
}
