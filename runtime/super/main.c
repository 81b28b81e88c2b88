/*
 * paas-super - `paas server`: the holder of the platform's sockets and the
 * supervisor of its daemons. The only program, beside jail, that is root.
 *
 * The first process is the holder (holder.c); it starts this program again
 * as super (super.c), which makes the folders (folders.c), starts the daemons
 * (daemons.c) and the workers on demand (workers.c).
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "holder.h"
#include "host.h"
#include "options.h"
#include "proc/sandbox.h"
#include "programs.h"
#include "restart.h"
#include "stop.h"
#include "super.h"

static int complain(const struct error *err)
{
	fprintf(stderr, "paas: %s\n", err->msg);
	return err->code == ERR_INVALID || err->code == ERR_NOT_FOUND ? 2 : 1;
}

static int print(void (*text)(struct buf *out))
{
	scoped_buf struct buf out = BUF_INIT(65536);

	text(&out);
	(void)!write(STDOUT_FILENO, out.p, out.len);
	return 0;
}

/* One setting as it would be used: for scripts. */
static int print_setting(const struct options *o)
{
	scoped_buf struct buf all = BUF_INIT(65536);
	struct str rest, line;
	size_t n = strlen(o->print);

	settings_print(&o->settings, &all);
	rest = buf_str(&all);
	while (str_split(&rest, '\n', &line)) {
		if (str_starts(line, str_make(o->print, n)) &&
		    str_starts(str_sub(line, n, line.len), STR(" = "))) {
			printf(STR_FMT "\n",
			    STR_ARG(str_sub(line, n + 3, line.len)));
			return 0;
		}
	}
	fprintf(stderr, "paas: there is no setting \"%s\"\n", o->print);
	return 2;
}

int main(int argc, char **argv)
{
	static struct options o;
	struct error err = {0};

	if (argc > 1 && strcmp(argv[1], "--super") == 0)
		return super_main(argv + 2);
	if (options_read(argv + 1, &o, &err) == -1 ||
	    programs_place(&o.settings, &err) == -1)
		return complain(&err);
	if (o.help)
		return print(options_help);
	if (o.sample)
		return print(settings_sample);
	if (o.print)
		return print_setting(&o);
	if (o.stop)
		return stop_main(&o);
	if (o.restart)
		return restart_main(&o);
	if (host_check(&o.settings, &err) == -1 ||
	    (o.detach && detach(&o, &err) == -1))
		return complain(&err);
	if (!sandbox_has_landlock())
		log_warn("the kernel has no landlock: the daemons' users alone "
		         "limit which files they reach");
	return holder_main(&o);
}
