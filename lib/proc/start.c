#include "proc/start.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"

#define CONF_MAX 65536 /* bytes of the resolved settings */

static int take_fds(struct start *s, struct error *err)
{
	struct str rest = str_z(getenv("PAAS_FDS")), item;

	while (rest.len > 0 && str_split(&rest, ',', &item)) {
		ssize_t colon = str_find(item, ':');
		uint64_t fd;

		if (colon < 1 || colon >= (ssize_t)sizeof(s->fds[0].name) ||
		    s->nfds == START_FDS_MAX ||
		    !str_u64(
		        str_sub(item, (size_t)colon + 1, item.len), 10000, &fd))
			return error_set(err, ERR_INVALID,
			    "PAAS_FDS: this program is started by paas server");
		memcpy(s->fds[s->nfds].name, item.p, (size_t)colon);
		s->fds[s->nfds].fd = (int)fd;
		s->nfds++;
		if (fd_cloexec((int)fd, true, err) == -1)
			return -1;
	}
	(void)unsetenv("PAAS_FDS");
	return 0;
}

static enum log_level level_of(const char *word)
{
	static const char *const words[] = {"error", "warn", "info", "debug"};

	for (size_t i = 0; i < NELEM(words); i++) {
		if (strcmp(word, words[i]) == 0)
			return (enum log_level)i;
	}
	return LOG_LEVEL_INFO;
}

/* Programs are executed by descriptor, which leaves a number for a name. */
static void name_process(const char *program)
{
	char name[16];

	snprintf(name, sizeof(name), "paas-%.10s", program);
	(void)prctl(PR_SET_NAME, name);
}

int start_open(struct start *ret, const char *program, struct error *err)
{
	scoped_buf struct buf conf = BUF_INIT(CONF_MAX);
	scoped_fd int fd = -1;

	name_process(program);
	(void)signal(SIGPIPE, SIG_IGN); /* who writes learns of it by EPIPE */
	log_open(program, LOG_LEVEL_INFO);
	memset(ret, 0, sizeof(*ret));
	settings_init(&ret->settings);
	if (take_fds(ret, err) == -1)
		return -1;
	fd = start_fd(ret, "conf");
	if (fd == -1)
		return error_set(err, ERR_INVALID,
		    "no settings handed in: this program is started by "
		    "paas server");
	if (fd_sealed_read(fd, &conf, err) == -1 ||
	    settings_parse(&ret->settings, buf_str(&conf), err) == -1)
		return error_wrap(err, "settings");
	log_open(program, level_of(ret->settings.log_level));
	return roles_load(&ret->roles, err);
}

int start_fd(struct start *s, const char *name)
{
	for (int i = 0; i < s->nfds; i++) {
		if (strcmp(s->fds[i].name, name) == 0)
			return take_fd(&s->fds[i].fd);
	}
	return -1;
}

void start_ready(struct start *s)
{
	int fd = start_fd(s, "ready");

	if (fd != -1) {
		(void)!write(fd, "ready\n", 6);
		close(fd);
	}
}
