#include "execd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define OUTPUT_FD 3 /* where the program writes */

struct running {
	struct env *env;
	struct error *err;
};

static void child(const char *path, int out, char *const *env)
{
	char *argv[] = {(char *)path, NULL};

	/* the pipe may be descriptor 3 itself, and close on exec then */
	if (out == OUTPUT_FD)
		(void)fcntl(out, F_SETFD, 0);
	else if (dup2(out, OUTPUT_FD) == -1)
		_exit(126);
	execve(path, argv, env);
	_exit(errno == ENOENT ? 127 : 126);
}

static int wait_for(pid_t pid, const char *path, struct error *err)
{
	int status;
	pid_t got;

	while ((got = waitpid(pid, &status, 0)) == -1 && errno == EINTR)
		;
	if (got == -1)
		return error_sys(err, "wait for %s", path);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return error_set(err, ERR_INVALID,
	    "failed to execute exec.d file at path '%s': exit status %d", path,
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static int take_output(struct running *r, const char *path, struct str text)
{
	scoped_toml struct toml_doc *doc = NULL;

	if (toml_parse(text, &doc, r->err) == -1)
		return error_wrap(
		    r->err, "failed to decode output from '%s'", path);
	toml_each(item, toml_root(doc))
	{
		if (item->type != TOML_STRING ||
		    memchr(item->text.p, '\0', item->text.len) ||
		    str_find(item->key, '=') != -1 || item->key.len == 0)
			return error_set(r->err, ERR_INVALID,
			    "output from '%s': " STR_FMT
			    " is no variable with a string",
			    path, STR_ARG(str_sub(item->key, 0, 60)));
		env_set(r->env, item->key, item->text);
	}
	return 0;
}

static int run_one(void *arg, const char *path)
{
	scoped_buf struct buf text = BUF_INIT(TOML_BYTES_MAX);
	struct running *r = arg;
	int fds[2], read_all, ended;
	pid_t pid;

	if (fd_pipe(fds, r->err) == -1)
		return -1;
	pid = fork();
	if (pid == 0)
		child(path, fds[1], r->env->items);
	fd_close(&fds[1]);
	if (pid == -1) {
		fd_close(&fds[0]);
		return error_sys(r->err, "start %s", path);
	}
	read_all = buf_read_all(&text, fds[0], r->err);
	fd_close(&fds[0]);
	ended = wait_for(pid, path, r->err);
	if (read_all == -1 || ended == -1)
		return -1;
	return take_output(r, path, buf_str(&text));
}

int execd_run(const struct image *im, const char *type, struct env *env,
    struct error *err)
{
	struct running r = {env, err};

	return image_each_file(im, "exec.d", type, run_one, &r);
}
