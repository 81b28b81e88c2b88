/* doctor: the programs that jail relies on, and AppArmor. */
#include "doctor.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "proc/spawn.h"

/* --- the OCI runtime ------------------------------------------------------ */

struct version {
	unsigned part[3];
};

/* The first "N.N[.N]" in text; what is not there is 0. */
static struct version version_in(struct str text)
{
	struct version v = {{0}};
	size_t i = 0;

	while (i < text.len && !(text.p[i] >= '0' && text.p[i] <= '9'))
		i++;
	for (int p = 0; p < 3 && i < text.len; p++, i++) {
		while (i < text.len && text.p[i] >= '0' && text.p[i] <= '9' &&
		       v.part[p] < 100000)
			v.part[p] =
			    v.part[p] * 10 + (unsigned)(text.p[i++] - '0');
		if (i < text.len && text.p[i] != '.')
			break;
	}
	return v;
}

static bool is_older(struct version a, struct version b)
{
	for (int i = 0; i < 3; i++) {
		if (a.part[i] != b.part[i])
			return a.part[i] < b.part[i];
	}
	return false;
}

/* Fixed in 1.2.8 and in 1.3.3. */
static bool runc_has_holes(struct version v)
{
	return is_older(v, (struct version){{1, 2, 8}}) ||
	       (v.part[0] == 1 && v.part[1] == 3 && v.part[2] < 3);
}

void doctor_say_runtime(struct doctor *d, const char *name, struct str text)
{
	struct version v = version_in(text);

	if (strcmp(name, "runc") == 0 && runc_has_holes(v))
		doctor_say(d, FINDING_WARN,
		    "set runtime = crun (apt-get install crun), or install "
		    "runc 1.2.8 or newer",
		    "runc %u.%u.%u lets hostile images out (CVE-2025-31133, "
		    "-52565, -52881), whatever patches a distribution adds",
		    v.part[0], v.part[1], v.part[2]);
	else if (strcmp(name, "crun") == 0 &&
	         is_older(v, (struct version){{1, 8, 0}}))
		doctor_say(d, FINDING_WARN,
		    "apt-get install crun of Debian 12 or newer",
		    "crun %u.%u.%u is older than any that was tried", v.part[0],
		    v.part[1], v.part[2]);
	else
		doctor_say(d, FINDING_OK, NULL, "%s %u.%u.%u", name, v.part[0],
		    v.part[1], v.part[2]);
}

/* What `RUNTIME --version` prints, into b. */
static int ask_version(const char *path, struct buf *b, struct error *err)
{
	const char *argv[] = {path, "--version", NULL};
	const char *env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	int out[2], status;
	pid_t pid;

	if (fd_pipe(out, err) == -1)
		return -1;
	pid = spawn(&(struct spawn){.argv = argv,
	                .env = env,
	                .fds = (struct spawn_fd[]){{out[1], 1}},
	                .nfds = 1},
	    err);
	close(out[1]);
	if (pid == -1 || buf_read_all(b, out[0], err) == -1) {
		close(out[0]);
		return -1;
	}
	close(out[0]);
	(void)waitpid(pid, &status, 0);
	return 0;
}

void doctor_runtime(struct doctor *d)
{
	scoped_buf struct buf text = BUF_INIT(4096);
	struct error err = {0};

	if (ask_version(d->j->runtime, &text, &err) == -1)
		doctor_say(d, FINDING_BAD, "install it anew (apt-get install)",
		    "%s does not answer: %.120s", d->j->runtime, err.msg);
	else
		doctor_say_runtime(d, d->j->settings->runtime, buf_str(&text));
}

/* --- AppArmor ------------------------------------------------------------- */

bool apparmor_has_profile(int root)
{
	scoped_buf struct buf profiles = BUF_INIT(1 << 20);
	struct error err;

	return fd_read_file(root, "sys/kernel/security/apparmor/profiles",
	           &profiles, &err) == 0 &&
	       str_find_str(buf_str(&profiles), STR(APPARMOR_PROFILE " ")) !=
	           -1;
}

void doctor_apparmor(struct doctor *d)
{
	scoped_buf struct buf on = BUF_INIT(16);

	if (!doctor_read(d, "sys/module/apparmor/parameters/enabled", &on) ||
	    !str_starts(buf_str(&on), STR("Y"))) {
		doctor_say(d, FINDING_NOTE,
		    "nothing has to be done; Debian's own kernel brings it",
		    "no AppArmor: one wall less around apps");
		return;
	}
	if (apparmor_has_profile(d->root))
		doctor_say(
		    d, FINDING_OK, NULL, "AppArmor profile " APPARMOR_PROFILE);
	else
		doctor_say(d, FINDING_WARN,
		    "apt-get install apparmor, then apparmor_parser -r "
		    "/etc/apparmor.d/paas-app, and paas daemons:restart jail",
		    "AppArmor is here, but the profile " APPARMOR_PROFILE
		    " is not "
		    "loaded: one wall less around apps");
}
