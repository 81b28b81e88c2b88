#include "place.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "wire/crc32c.h"

#define SUM_LEN 9 /* 8 digits and a newline */

void place_put(struct buf *out, const struct place *p)
{
	size_t from = out->len;

	buf_addf(out, "paas-drain 1 %" PRIu64 " %" PRIu64 "\n", p->lost,
	    p->since_us);
	buf_add(out, p->streams);
	if (!out->bad)
		buf_addf(out, "%08" PRIx32 "\n",
		    crc32c(0, out->p + from, out->len - from));
}

bool place_parse(struct str text, struct place *ret)
{
	struct str sum, head, word;
	struct place p;
	char want[SUM_LEN + 1];

	if (text.len < SUM_LEN)
		return false;
	sum = str_sub(text, text.len - SUM_LEN, text.len);
	text.len -= SUM_LEN;
	snprintf(
	    want, sizeof(want), "%08" PRIx32 "\n", crc32c(0, text.p, text.len));
	if (!str_eqz(sum, want) || !str_split(&text, '\n', &head) ||
	    !str_split(&head, ' ', &word) || !str_eqz(word, "paas-drain") ||
	    !str_split(&head, ' ', &word) || !str_eqz(word, "1") ||
	    !str_split(&head, ' ', &word) ||
	    !str_u64(word, UINT64_MAX, &p.lost) ||
	    !str_u64(head, UINT64_MAX, &p.since_us))
		return false;
	p.streams = text;
	*ret = p;
	return true;
}

int place_write(
    int dir, const char *name, const struct place *p, struct error *err)
{
	scoped_buf struct buf out = BUF_INIT(PLACE_MAX);
	scoped_fd int fd = -1;
	char part[64];

	place_put(&out, p);
	if (out.bad)
		return error_set(err, ERR_LIMIT, "the place of a drain");
	snprintf(part, sizeof(part), "%s.part", name);
	fd = openat(dir, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1)
		return error_sys(err, "write %s", part);
	if (fd_write_all(fd, buf_str(&out), err) == -1 ||
	    renameat(dir, part, dir, name) == -1) {
		error_sys(err, "write %s", name);
		(void)unlinkat(dir, part, 0);
		return -1;
	}
	return 0;
}
