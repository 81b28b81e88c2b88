#include "report.h"

#include <stdint.h>

#include "wire/pkt.h"

void report_say(struct buf *out, const struct caps *caps, struct str text)
{
	if (caps->sideband && text.len)
		pkt_add_band(out, 2, text);
}

void report_fatal(struct buf *out, const char *text)
{
	scoped_buf struct buf line = BUF_INIT(1024);

	buf_addf(&line, "%s\n", text);
	pkt_add_band(out, 3, buf_str(&line));
	pkt_add_flush(out);
}

void report_keepalive(struct buf *out, const struct caps *caps)
{
	if (caps->sideband)
		pkt_add_band(out, 1, STR(""));
}

/* One line; a line break in a reason would forge the next one. */
static void add_line(
    struct buf *out, const char *word, const char *name, const char *reason)
{
	scoped_buf struct buf line = BUF_INIT(PKT_MAX);

	buf_addz(&line, word);
	if (name)
		buf_addf(&line, " %s", name);
	if (reason)
		buf_addf(&line, " %s", reason);
	for (size_t i = 0; i < line.len; i++) {
		if ((unsigned char)line.p[i] < ' ')
			line.p[i] = ' ';
	}
	buf_addc(&line, '\n');
	pkt_add(out, buf_str(&line));
}

void report_end(struct buf *out, const struct caps *caps, const char *unpack,
    const struct commands *cmds)
{
	scoped_buf struct buf lines = BUF_INIT(SIZE_MAX);

	if (caps->report) {
		add_line(&lines, "unpack", NULL, unpack ? unpack : "ok");
		for (size_t i = 0; i < cmds->n; i++) {
			const struct command *c = &cmds->list[i];

			add_line(&lines, c->why ? "ng" : "ok", c->name, c->why);
		}
		pkt_add_flush(&lines);
	}
	if (!caps->sideband) {
		buf_add(out, buf_str(&lines));
		return;
	}
	if (lines.len)
		pkt_add_band(out, 1, buf_str(&lines));
	pkt_add_flush(out);
}
