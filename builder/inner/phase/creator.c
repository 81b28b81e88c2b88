/* creator: all phases in one, without files between them. */
#include "files.h"
#include "phases.h"

/* The image's name and its further tags. */
static json_t *names_of(const struct session *s)
{
	json_t *names = json_pack("[s]", s->in.args[0]);

	for (int i = 0; i < s->in.ntags; i++)
		json_array_append_new(names, json_string(s->in.tags[i]));
	return names;
}

static int create(struct session *s, const json_t *analyzed, struct error *err)
{
	json_t *group = NULL, *plan = NULL, *names = names_of(s);
	int code = detect_phase(s, analyzed, &group, &plan, err);

	if (code == 0)
		code = restore_phase(s, analyzed, group, err);
	if (code == 0)
		code = build_phase(s, analyzed, group, plan, err);
	if (code == 0)
		code = export_phase(s, analyzed, group, names, err);
	json_decref(group);
	json_decref(plan);
	json_decref(names);
	return code;
}

int run_creator(struct session *s)
{
	struct error err = {0};
	json_t *analyzed = analyze_phase(s, &err);
	int code = analyzed ? create(s, analyzed, &err) : CODE_ANALYZE;

	json_decref(analyzed);
	return code ? session_fail(s, code, &err) : 0;
}
