#include "exit_scan.h"

#define MARK "\xef\xbf\xbf heroku-command-exit-status: "
#define DIGITS_MAX 3

enum held { HELD_OPEN, HELD_WHOLE, HELD_NOT };

/* Can these bytes still become the line, or are they it? */
static enum held judge(struct str s, int *ret_code)
{
	struct str mark = STR(MARK), digits;
	uint64_t code;

	if (s.len <= mark.len)
		return str_starts(mark, s) ? HELD_OPEN : HELD_NOT;
	if (!str_starts(s, mark))
		return HELD_NOT;
	digits = str_sub(s, mark.len, s.len);
	if (digits.p[digits.len - 1] == '\n') {
		digits.len--;
		if (digits.len && digits.p[digits.len - 1] == '\r')
			digits.len--;
		if (!str_u64(digits, 255, &code))
			return HELD_NOT;
		*ret_code = (int)code;
		return HELD_WHOLE;
	}
	if (digits.p[digits.len - 1] == '\r')
		digits.len--;
	return digits.len <= DIGITS_MAX &&
	               (!digits.len || str_u64(digits, 255, &code))
	           ? HELD_OPEN
	           : HELD_NOT;
}

/* One byte while something is held, or one that may begin the line. */
static void feed_byte(struct exit_scan *s, char c, struct buf *out)
{
	buf_addc(&s->held, c);
	switch (judge(buf_str(&s->held), &s->code)) {
	case HELD_OPEN:
		break;
	case HELD_WHOLE:
		buf_clear(&s->held);
		break;
	case HELD_NOT:
		/* The last byte may begin the line anew. */
		s->held.len--;
		buf_add(out, buf_str(&s->held));
		buf_clear(&s->held);
		buf_addc(c == MARK[0] ? &s->held : out, c);
		break;
	}
}

void exit_scan_feed(struct exit_scan *s, struct str bytes, struct buf *out)
{
	while (bytes.len) {
		ssize_t plain = s->held.len ? 0 : str_find(bytes, MARK[0]);

		if (plain == -1)
			plain = (ssize_t)bytes.len;
		buf_add(out, str_sub(bytes, 0, (size_t)plain));
		bytes = str_sub(bytes, (size_t)plain, bytes.len);
		if (!bytes.len)
			return;
		feed_byte(s, bytes.p[0], out);
		bytes = str_sub(bytes, 1, bytes.len);
	}
}

void exit_scan_end(struct exit_scan *s, struct buf *out)
{
	size_t len = s->held.len;

	buf_addc(&s->held, '\n'); /* the end may stand for it */
	if (judge(buf_str(&s->held), &s->code) != HELD_WHOLE)
		buf_add(out, str_sub(buf_str(&s->held), 0, len));
	buf_release(&s->held);
}

/*
 * Could the command keep the shell from going on to the suffix? A shell of
 * its own never hurts, but the command is shown to people as it is sent.
 */
static bool needs_own_shell(struct str command)
{
	static const char *const words[] = {
	    "exit", "exec", "set ", "trap", "return"};

	for (size_t i = 0; i < NELEM(words); i++)
		if (str_find_str(command, str_z(words[i])) != -1)
			return true;
	for (size_t i = 0; i < command.len; i++)
		if (strchr(";&|#<>(){}`$\\'\"\n", command.p[i]))
			return true;
	return false;
}

void exit_wrap(struct buf *out, struct str command)
{
	bool own = needs_own_shell(command);

	if (own)
		buf_addc(out, '(');
	buf_add(out, command);
	if (own)
		buf_addz(out, "\n)");
	buf_addz(out, EXIT_SUFFIX);
}
