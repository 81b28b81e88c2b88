#include "cli.h"

#include <string.h>

#include "base/str.h"

#define NAME_MAX_LEN 32 /* of a command typed, for suggestions */

/* Heroku's spellings, and what fingers type. */
static const struct {
	const char *alias, *name;
} aliases[] = {
    {"apps:create", "create"},
    {"apps:destroy", "destroy"},
    {"apps:info", "info"},
    {"apps:list", "apps"},
    {"apps:open", "open"},
    {"auth:login", "login"},
    {"auth:logout", "logout"},
    {"auth:whoami", "whoami"},
    {"builds:list", "builds"},
    {"delete", "destroy"},
    {"egress:list", "egress"},
    {"links:list", "links"},
    {"list", "apps"},
    {"releases:rollback", "rollback"},
    {"dyno:resize", "ps:type"},
    {"dyno:scale", "ps:scale"},
    {"dyno:type", "ps:type"},
    {"ps:resize", "ps:type"},
    {"resize", "ps:type"},
    {"restart", "ps:restart"},
    {"scale", "ps:scale"},
    {"stop", "ps:stop"},
    {"volumes:list", "volumes"},
    {"--version", "version"},
    {"-v", "version"},
    {"--help", "help"},
    {"-h", "help"},
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < NELEM(aliases); i++)
		if (strcmp(aliases[i].alias, name) == 0)
			name = aliases[i].name;
	for (const struct command_group *g = command_groups; g->title; g++)
		for (const struct command *c = g->commands; c->name; c++)
			if (strcmp(c->name, name) == 0)
				return c;
	return NULL;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many letters must be added, left out, changed or swapped. */
static unsigned distance(const char *a, const char *b)
{
	unsigned d[NAME_MAX_LEN + 1][NAME_MAX_LEN + 1];
	size_t na = strlen(a), nb = strlen(b);

	if (na > NAME_MAX_LEN || nb > NAME_MAX_LEN)
		return NAME_MAX_LEN;
	for (unsigned i = 0; i <= na; i++) {
		for (unsigned j = 0; j <= nb; j++) {
			if (!i || !j) {
				d[i][j] = i + j;
				continue;
			}
			d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1,
			    d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[na][nb];
}

const char *command_suggest(const char *name)
{
	unsigned best = 1 + (unsigned)strlen(name) / 3;
	const char *found = NULL;

	for (const struct command_group *g = command_groups; g->title; g++)
		for (const struct command *c = g->commands; c->name; c++)
			if (distance(name, c->name) <= best) {
				best = distance(name, c->name) - 1;
				found = c->name;
			}
	return found;
}

void help_all(FILE *out)
{
	fputs("usage: paas COMMAND [OPTIONS]\n", out);
	for (const struct command_group *g = command_groups; g->title; g++) {
		fprintf(out, "\n%s\n", g->title);
		for (const struct command *c = g->commands; c->name; c++)
			if (!(c->flags & CMD_HIDDEN))
				fprintf(out, "  %-18s %s\n", c->name, c->help);
	}
	fputs("\nOptions of each: paas help COMMAND\n"
	      "The app is --app APP, else $PAAS_APP, else the one behind the "
	      "git remote `paas`.\n",
	    out);
}

static void print_option(
    FILE *out, char letter, const char *name, const char *arg, const char *help)
{
	char text[64], short_form[8] = "    ";

	if (letter)
		snprintf(short_form, sizeof(short_form), "-%c, ", letter);
	snprintf(text, sizeof(text), "%s--%s%s%s", short_form, name,
	    arg ? " " : "", arg ? arg : "");
	fprintf(out, "  %-24s %s\n", text, help);
}

void help_one(FILE *out, const struct command *cmd)
{
	fprintf(out, "usage: paas %s\n\n%s\n", cmd->usage, cmd->help);
	if (cmd->more)
		fprintf(out, "\n%s\n", cmd->more);
	if (cmd->flags & CMD_RAW)
		return;
	fputs("\nOptions\n", out);
	for (int i = 0; i < CLI_OPTIONS_MAX && cmd->options[i].name; i++)
		print_option(out, cmd->options[i].letter, cmd->options[i].name,
		    cmd->options[i].arg, cmd->options[i].help);
	if (cmd->flags & CMD_APP) {
		print_option(out, 'a', "app", "APP",
		    "the app (else $PAAS_APP, else the git remote)");
		print_option(out, 'r', "remote", "NAME",
		    "take the app from this git remote");
	}
	print_option(out, 'h', "help", NULL, "show this");
}
