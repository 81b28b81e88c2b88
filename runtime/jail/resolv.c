#include "resolv.h"

#include <fcntl.h>

#include "address.h"
#include "base/fd.h"

/* One that can be asked at all, and is not names itself. */
static bool usable(const struct ip *ip)
{
	uint32_t top = ip_v4(ip) >> 24;

	if (ip_is4(ip))
		return top != 0 && top < 224 && ip_v4(ip) != ADDRESS_GATEWAY;
	return ip->b[0] != 0xff &&
	       !(ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80) &&
	       !ip_eq(ip, &(struct ip){{0}});
}

static void add(struct resolvers *r, const struct ip *ip)
{
	if (!usable(ip) || r->n == RESOLVERS_MAX)
		return;
	for (uint32_t i = 0; i < r->n; i++)
		if (ip_eq(&r->address[i], ip))
			return;
	r->address[r->n++] = *ip;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Take the first word off line; empty at its end. */
static struct str next_word(struct str *line)
{
	struct str word;
	size_t from = 0, to;

	while (from < line->len && is_blank(line->p[from]))
		from++;
	to = from;
	while (to < line->len && !is_blank(line->p[to]))
		to++;
	word = str_sub(*line, from, to);
	*line = str_sub(*line, to, line->len);
	return word;
}

void resolv_parse(struct str text, struct resolvers *ret)
{
	struct resolvers found = {0};
	struct str line;
	struct ip ip;

	while (str_split(&text, '\n', &line)) {
		if (str_eq(next_word(&line), STR("nameserver")) &&
		    ip_parse(next_word(&line), &ip))
			add(&found, &ip);
	}
	*ret = found;
}

void resolv_read(struct resolvers *ret)
{
	scoped_buf struct buf text = BUF_INIT(RESOLV_FILE_MAX);

	*ret = (struct resolvers){0};
	if (fd_read_file(AT_FDCWD, "/etc/resolv.conf", &text, NULL) == 0)
		resolv_parse(buf_str(&text), ret);
}
