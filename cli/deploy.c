/* deploy - how a release takes the place of the one before. */
#include <string.h>

#include "api.h"
#include "cli.h"
#include "git.h"
#include "show.h"

static int run_strategy(struct cli *c, struct error *err)
{
	const char *word = c->argc ? c->argv[0] : NULL;
	scoped_api struct api *a = NULL;
	json_auto_t *answer = NULL;
	struct target t;

	if (word && strcmp(word, "rolling") != 0 &&
	    strcmp(word, "stop-first") != 0)
		return usage_error(
		    c, err, "a strategy is rolling or stop-first");
	if (target_open(c, &t, &a, err) == -1 ||
	    api_call(a,
	        &(struct api_request){.method = word ? "PATCH" : "GET",
	            .path = api_path("apps", t.app, "strategy"),
	            .body = word ? json_pack("{s:s}", "strategy", word) : NULL},
	        &answer, err) == -1)
		return -1;
	if (cli_option(c, "json"))
		show_json(answer);
	else
		printf("%s\n", json_text(answer, "strategy"));
	return 0;
}

const struct command deploy_commands[] = {
    {"deploy:strategy", "deploy:strategy [rolling|stop-first]",
        "how a release takes the place of the one before", run_strategy,
        CMD_APP, 0, 1, {{0, "json", NULL, "print the API's answer"}},
        "rolling (the default) starts the new processes beside the old ones, "
        "and stops these\nwhen the new ones serve; where memory lacks for "
        "both, it stops the old ones first\nand says so. stop-first always "
        "does, for apps of which two releases must not run at\na time. "
        "Requests "
        "wait meanwhile; when the new release fails, the old one is started\n"
        "again."},
    {0},
};
