#include "resolv.h"

#include <fcntl.h>

#include "address.h"
#include "base/fd.h"

static const char *const files[] = {
    "/etc/resolv.conf",
    "/run/systemd/resolve/resolv.conf",
};

/* Can an instance reach it? Not 0/8, 127/8, multicast, or the host end. */
static bool usable(uint32_t address)
{
	uint32_t top = address >> 24;

	return top != 0 && top != 127 && top < 224 &&
	       address != ADDRESS_GATEWAY;
}

static void add(struct resolvers *r, uint32_t address)
{
	if (!usable(address) || r->n == RESOLVERS_MAX)
		return;
	for (uint32_t i = 0; i < r->n; i++)
		if (r->address[i] == address)
			return;
	r->address[r->n++] = address;
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
	uint32_t address;
	struct str line;

	while (str_split(&text, '\n', &line)) {
		if (str_eq(next_word(&line), STR("nameserver")) &&
		    address_parse(next_word(&line), &address))
			add(&found, address);
	}
	*ret = found;
}

void resolv_print(const struct resolvers *r, struct buf *out)
{
	char text[ADDRESS_TEXT];

	for (uint32_t i = 0; i < r->n; i++) {
		address_print(r->address[i], text);
		buf_addf(out, "nameserver %s\n", text);
	}
}

void resolv_read(struct resolvers *ret)
{
	*ret = (struct resolvers){0};
	for (size_t i = 0; i < NELEM(files) && ret->n == 0; i++) {
		scoped_buf struct buf text = BUF_INIT(RESOLV_FILE_MAX);

		if (fd_read_file(AT_FDCWD, files[i], &text, NULL) == 0)
			resolv_parse(buf_str(&text), ret);
	}
}
