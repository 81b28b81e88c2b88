/*
 * exitmark - what is appended to a command so that its exit code comes with
 * its output, as `heroku run -x` does: a last line
 * "\uFFFF heroku-command-exit-status: N". U+FFFF is no character, so it
 * stands in no honest text. The CLI appends and finds it, web leaves it out of
 * what it shows.
 */
#pragma once
#include "base/str.h"

#define EXIT_SUFFIX " ; echo \"\xef\xbf\xbf heroku-command-exit-status: $?\""

/* The command as it was typed: without the suffix and the shell around it. */
static inline struct str exitmark_strip(struct str command)
{
	struct str suffix = STR(EXIT_SUFFIX), heroku;

	heroku = STR(" ; echo \"\\uFFFF heroku-command-exit-status: $?\"");
	if (str_ends(command, heroku))
		suffix = heroku;
	if (!str_ends(command, suffix))
		return command;
	command = str_sub(command, 0, command.len - suffix.len);
	if (str_starts(command, STR("(")) && str_ends(command, STR("\n)")))
		command = str_sub(command, 1, command.len - 2);
	return command;
}
