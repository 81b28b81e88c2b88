#include "web.h"

#include <fcntl.h>
#include <stdio.h>

#include "dynos.h"

static int open_builds(struct web *w, struct error *err)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/builds", w->settings.state);
	w->builds_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->builds_dir == -1)
		return error_sys(err, "open %s", path);
	return 0;
}

int web_open(struct web *w, const struct settings *s, struct error *err)
{
	*w = (struct web){.settings = *s,
	    .ev = ev_new(),
	    .rollouts = map_new(),
	    .dynos = dynos_new()};
	list_init(&w->asks);
	list_init(&w->awaits);
	list_init(&w->attaches);
	list_init(&w->log_queue);
	list_init(&w->blog_watches);
	list_init(&w->followers);
	w->store = store_open(s->state, err);
	return w->store ? open_builds(w, err) : -1;
}
