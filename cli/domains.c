/* domains - the host names under which an app answers. */
#include "api.h"
#include "cli.h"
#include "git.h"
#include "show.h"

static int run_domains(struct cli *c, struct error *err)
{
	struct table t = TABLE("HOSTNAME", "KIND", "DNS TARGET");
	scoped_api struct api *a = NULL;
	json_auto_t *domains = NULL;
	struct target target;
	json_t *d;
	size_t i;

	if (target_open(c, &target, &a, err) == -1 ||
	    api_get(a, &domains, err, "apps", target.app, "domains") == -1)
		return -1;
	if (cli_option(c, "json")) {
		show_json(domains);
		return 0;
	}
	json_array_foreach(domains, i, d)
	{
		const char *kind = json_text(d, "kind");

		table_add(&t, json_text(d, "hostname"));
		table_add(&t, kind[0] == 'c' ? "custom" : "platform");
		table_add(&t, json_text(d, "cname"));
	}
	table_print(&t, "There are no domains");
	return 0;
}

static int run_add(struct cli *c, struct error *err)
{
	scoped_api struct api *a = NULL;
	json_auto_t *domain = NULL;
	struct target t;

	if (target_open(c, &t, &a, err) == -1 ||
	    api_call(a,
	        &(struct api_request){.method = "POST",
	            .path = api_path("apps", t.app, "domains"),
	            .body = json_pack(
	                "{s:s, s:n}", "hostname", c->argv[0], "sni_endpoint")},
	        &domain, err) == -1)
		return -1;
	printf("Added %s to %s\n", json_text(domain, "hostname"), t.app);
	if (json_text(domain, "cname")[0])
		printf("Point its DNS at %s\n", json_text(domain, "cname"));
	return 0;
}

static int run_remove(struct cli *c, struct error *err)
{
	scoped_api struct api *a = NULL;
	struct target t;

	if (target_open(c, &t, &a, err) == -1 ||
	    api_call(a,
	        &(struct api_request){.method = "DELETE",
	            .path = api_path("apps", t.app, "domains", c->argv[0])},
	        NULL, err) == -1)
		return -1;
	printf("Removed %s from %s\n", c->argv[0], t.app);
	return 0;
}

const struct command domain_commands[] = {
    {"domains", "domains", "list the host names", run_domains, CMD_APP, 0, 0,
        {{0, "json", NULL, "print the API's answer"}}, NULL},
    {"domains:add", "domains:add HOSTNAME", "let the app answer under it",
        run_add, CMD_APP, 1, 1, {{0}}, NULL},
    {"domains:remove", "domains:remove HOSTNAME", "stop that", run_remove,
        CMD_APP, 1, 1, {{0}}, NULL},
    {0},
};
