#include "syslog.h"

#include "wire/logrec.h"

unsigned syslog_priority(struct origin o)
{
	static const struct {
		struct str source, proc; /* an empty one: any */
		unsigned priority;
	} rows[] = {
	    {STR("app"), STR("api"), 134},        /* local0.info */
	    {STR("app"), {0}, 190},               /* local7.info */
	    {STR("heroku"), STR("router"), 158},  /* local3.info */
	    {STR("heroku"), STR("logplex"), 172}, /* local5.warning */
	};

	for (size_t i = 0; i < NELEM(rows); i++)
		if (str_eq(o.source, rows[i].source) &&
		    (!rows[i].proc.len || str_eq(o.proc, rows[i].proc)))
			return rows[i].priority;
	return 45; /* syslog.notice: what happened to a dyno */
}

void syslog_put(struct buf *out, bool http, const char *token, uint64_t time_us,
    struct origin o, struct str text, bool cut)
{
	scoped_buf struct buf msg = BUF_INIT(SYSLOG_ROOM(LOGREC_TEXT_MAX));

	while (text.len && text.p[text.len - 1] == '\r')
		text.len--;
	buf_addf(&msg, "<%u>1 ", syslog_priority(o));
	line_time(&msg, time_us);
	buf_addf(&msg, " %s ", http ? "host" : token);
	buf_add(&msg, o.source);
	buf_addc(&msg, ' ');
	buf_add(&msg, o.proc);
	buf_addz(&msg, http ? " - " : " - - ");
	line_utf8(&msg, text);
	buf_addz(&msg, cut ? LINE_CUT "\n" : "\n");
	buf_addf(out, "%zu ", msg.len);
	buf_add(out, buf_str(&msg));
}
