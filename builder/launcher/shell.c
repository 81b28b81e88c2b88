#include "shell.h"

#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"

#define SCRIPT_MAX (128 * 1024) /* bytes: the kernel's limit of one word */

/* As one word of the shell's, whatever is in it. */
static void add_quoted(struct buf *out, const char *text)
{
	buf_addc(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_addz(out, "'\\''");
		else
			buf_addc(out, *text);
	}
	buf_addc(out, '\'');
}

static int add_profile(void *arg, const char *path)
{
	struct buf *script = arg;

	buf_addz(script, "source ");
	add_quoted(script, path);
	buf_addc(script, '\n');
	return 0;
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

/*
 * The command alone is a script of its own; with arguments each word is
 * evaluated once and then executed.
 */
static void add_command(struct buf *script, int words)
{
	if (words == 1) {
		buf_addz(script, "exec bash -c \"$@\"");
		return;
	}
	buf_addz(script, "exec bash -c '\"$(eval echo \\\"$0\\\")\"");
	for (int i = 1; i < words; i++)
		buf_addf(script, " \"$(eval echo \\\"${%d}\\\")\"", i);
	buf_addz(script, "' \"${@:1}\"");
}

int shell_wrap(const struct image *im, const char *self, const char *dir,
    struct image_process *p, struct error *err)
{
	scoped_buf struct buf script = BUF_INIT(SCRIPT_MAX);
	struct image_process wrapped = {
	    .type = p->type, .dir = p->dir, .shell = true};

	(void)image_each_file(im, "profile.d", p->type, add_profile, &script);
	if (is_file(".profile")) /* the current folder is the app's */
		buf_addz(&script, "source .profile\n");
	buf_addz(&script, "cd ");
	add_quoted(&script, dir);
	buf_addc(&script, '\n');
	add_command(&script, p->n);
	if (script.bad)
		return error_set(err, ERR_LIMIT,
		    "the profiles' names have more than %d bytes", SCRIPT_MAX);
	if (image_add_arg(&wrapped, "bash", err) == -1 ||
	    image_add_arg(&wrapped, "-c", err) == -1 ||
	    image_add_arg(&wrapped, buf_z(&script), err) == -1 ||
	    image_add_arg(&wrapped, self, err) == -1)
		return -1;
	for (int i = 0; i < p->n; i++)
		if (image_add_arg(&wrapped, p->argv[i], err) == -1)
			return -1;
	*p = wrapped;
	return 0;
}
