#include "tar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The header block of POSIX.1-1988 "ustar". */
struct ustar {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12];
	char checksum[8], type, link[100], magic[6], version[2];
	char uname[32], gname[32], major[8], minor[8], prefix[155], unused[12];
};
_Static_assert(sizeof(struct ustar) == TAR_BLOCK, "a block");

/* Octal digits and a NUL fill the field; false when v needs more. */
static bool octal(char *field, size_t width, uint64_t v)
{
	char digits[24];
	int n =
	    snprintf(digits, sizeof(digits), "%0*" PRIo64, (int)width - 1, v);
	bool fits = (size_t)n == width - 1;

	if (fits)
		memcpy(field, digits, width);
	else
		memset(field, '0', width - 1);
	return fits;
}

/* As much of s as the field holds, without a NUL when it is full. */
static bool text(char *field, size_t width, struct str s)
{
	if (s.len)
		memcpy(field, s.p, s.len < width ? s.len : width);
	return s.len <= width;
}

static void seal(struct ustar *h, char type)
{
	unsigned sum = 0;

	h->type = type;
	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	octal(h->major, sizeof(h->major), 0);
	octal(h->minor, sizeof(h->minor), 0);
	memset(h->checksum, ' ', sizeof(h->checksum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += ((const unsigned char *)h)[i];
	octal(h->checksum, 7, sum);
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts its own digits too. */
static void pax_record(struct buf *out, const char *key, struct str value)
{
	size_t rest = strlen(key) + value.len + 3, len = rest, before;

	do {
		before = len;
		len = rest + (size_t)snprintf(NULL, 0, "%zu", before);
	} while (len != before);
	buf_addf(out, "%zu %s=", len, key);
	buf_add(out, value);
	buf_addc(out, '\n');
}

static void pax_number(struct buf *out, const char *key, uint64_t v)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, v);

	pax_record(out, key, str_make(digits, (size_t)n));
}

static void add_zeros(struct buf *out, size_t n)
{
	char *p = buf_reserve(out, n);

	if (!p)
		return;
	memset(p, 0, n);
	out->len += n;
}

/* The records as a file of their own that tells about the next entry. */
static void pax_header(struct buf *out, struct str records)
{
	struct ustar h = {0};

	text(h.name, sizeof(h.name), STR("PaxHeader"));
	octal(h.mode, sizeof(h.mode), 0644);
	octal(h.uid, sizeof(h.uid), 0);
	octal(h.gid, sizeof(h.gid), 0);
	octal(h.size, sizeof(h.size), records.len);
	octal(h.mtime, sizeof(h.mtime), 0);
	seal(&h, 'x');
	buf_add(out, str_make(&h, sizeof(h)));
	buf_add(out, records);
	add_zeros(out, tar_padding(records.len));
}

void tar_header(const struct tar_entry *e, struct buf *out)
{
	scoped_buf struct buf pax = BUF_INIT(64 * 1024);
	scoped_buf struct buf path = BUF_INIT(16 * 1024);
	struct ustar h = {0};

	buf_add(&path, e->path);
	if (e->type == TAR_DIR)
		buf_addc(&path, '/');
	if (!text(h.name, sizeof(h.name), buf_str(&path)))
		pax_record(&pax, "path", buf_str(&path));
	if (!text(h.link, sizeof(h.link), e->link))
		pax_record(&pax, "linkpath", e->link);
	if (!octal(h.uid, sizeof(h.uid), e->uid))
		pax_number(&pax, "uid", e->uid);
	if (!octal(h.gid, sizeof(h.gid), e->gid))
		pax_number(&pax, "gid", e->gid);
	if (!octal(h.size, sizeof(h.size), e->size))
		pax_number(&pax, "size", e->size);
	if (!octal(h.mtime, sizeof(h.mtime), e->mtime))
		pax_number(&pax, "mtime", e->mtime);
	octal(h.mode, sizeof(h.mode), e->mode & 07777);
	seal(&h, (char)e->type);
	out->bad |= pax.bad || path.bad;
	if (pax.len)
		pax_header(out, buf_str(&pax));
	buf_add(out, str_make(&h, sizeof(h)));
}

size_t tar_padding(uint64_t size)
{
	return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}
