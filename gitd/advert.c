#include "advert.h"

#include "caps.h"
#include "wire/pkt.h"

static void add_ref(
    struct buf *out, const char *id, const char *name, bool first)
{
	scoped_buf struct buf line = BUF_INIT(PKT_MAX);

	buf_addf(&line, "%s %s", id, name);
	if (first) {
		buf_addc(&line, '\0');
		caps_advertise(&line);
	}
	buf_addc(&line, '\n');
	pkt_add(out, buf_str(&line));
}

void advert_build(
    struct buf *out, const struct reflist *refs, bool http, bool version1)
{
	if (http) {
		pkt_add(out, STR("# service=git-receive-pack\n"));
		pkt_add_flush(out);
	}
	if (version1)
		pkt_add(out, STR("version 1\n"));
	if (!refs->n)
		add_ref(out, ID_ZERO, "capabilities^{}", true);
	for (size_t i = 0; i < refs->n; i++)
		add_ref(out, refs->list[i].id, refs->list[i].name, i == 0);
	pkt_add_flush(out);
}
