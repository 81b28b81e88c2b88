#include "exec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

int exec_complain(const char *what, int reason)
{
	const char *why = strerror(reason);
	struct iovec parts[] = {
	    {(char *)"ERROR: failed to launch: ", 25},
	    {(char *)what, strlen(what)},
	    {(char *)": ", 2},
	    {(char *)why, strlen(why)},
	    {(char *)"\n", 1},
	};

	(void)!writev(STDERR_FILENO, parts, 5);
	return EXIT_NO_EXEC;
}

int exec_now(const char *file, char *const *argv, char *const *env)
{
	for (int i = 0; env[i]; i++) {
		if (strncmp(env[i], "PATH=", 5) == 0)
			(void)setenv("PATH", env[i] + 5, 1);
	}
	(void)execvpe(file, argv, env);
	return exec_complain(file, errno);
}
