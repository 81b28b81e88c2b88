#include "life.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

unsigned life_api(const char *text, unsigned newest)
{
	uint64_t minor;

	if (!text || strncmp(text, "0.", 2) != 0 || text[2] == '0' ||
	    !str_u64(str_z(text + 2), newest, &minor) || minor < API_OLDEST)
		return 0;
	return (unsigned)minor;
}

/* --- target --------------------------------------------------------------- */

static void take_release(struct target *ret, struct str line)
{
	struct str key = {0}, value = line;

	if (!str_split(&value, '=', &key) || value.len == 0)
		return;
	if (value.p[0] == '"' && value.len > 1)
		value = str_sub(value, 1, value.len - 1);
	if (str_eqz(key, "ID"))
		str_copy(value, ret->distro, sizeof(ret->distro));
	if (str_eqz(key, "VERSION_ID"))
		str_copy(
		    value, ret->distro_version, sizeof(ret->distro_version));
}

void life_target_here(struct target *ret)
{
	scoped_buf struct buf text = BUF_INIT(64 * 1024);
	struct utsname host;
	struct error err;
	struct str rest, line;
	const char *arch = "amd64";

	*ret = (struct target){.os = "linux"};
	if (uname(&host) == 0 && strcmp(host.machine, "x86_64") != 0)
		arch = strcmp(host.machine, "aarch64") == 0 ? "arm64"
		                                            : host.machine;
	str_copy(str_z(arch), ret->arch, sizeof(ret->arch));
	if (fd_read_file(AT_FDCWD, "/etc/os-release", &text, &err) == -1)
		return;
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line))
		take_release(ret, line);
}

/* --- the log -------------------------------------------------------------- */

void life_say_text(const struct life *l, enum level level, const char *text)
{
	static const char *const marks[] = {"", "", "Warning: ", "ERROR: "};
	scoped_buf struct buf line = BUF_INIT(256 * 1024);
	struct error err;

	if (l->heroku || level < l->level)
		return;
	buf_addf(&line, "%s%s\n", marks[level], text);
	(void)fd_write_all(level == LEVEL_ERROR ? STDERR_FILENO : STDOUT_FILENO,
	    buf_str(&line), &err);
}

void life_say(const struct life *l, enum level level, const char *fmt, ...)
{
	char text[4096];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	life_say_text(l, level, text);
}

int life_fail(struct life *l, int code, struct error *err, const char *fmt, ...)
{
	char text[sizeof(err->msg)];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	l->code = code;
	return error_set(err, ERR_INVALID, "%s", text);
}
