#include "body.h"

void body_begin(struct body *b, enum http1_framing framing, uint64_t length)
{
	*b = (struct body){.framing = framing, .left = length};
	b->done = framing == HTTP1_NO_BODY ||
	          (framing == HTTP1_LENGTH && length == 0);
}

ssize_t body_take(
    struct body *b, char *p, size_t n, size_t *ret_payload, struct error *err)
{
	ssize_t taken = (ssize_t)n;

	*ret_payload = 0;
	if (b->done)
		return 0;
	if (b->framing == HTTP1_CHUNKED) {
		taken = http1_dechunk(&b->chunks, p, n, ret_payload, err);
		b->done = b->chunks.done;
	} else if (b->framing == HTTP1_LENGTH) {
		taken = n < b->left ? (ssize_t)n : (ssize_t)b->left;
		*ret_payload = (size_t)taken;
		b->left -= (uint64_t)taken;
		b->done = b->left == 0;
	} else {
		*ret_payload = n;
	}
	b->bytes += *ret_payload;
	return taken;
}

/* "1a2b\r\n" of n into mem; its length. */
static size_t size_line(size_t n, char mem[24])
{
	static const char digits[] = "0123456789abcdef";
	size_t len = 1;

	while (len < 16 && n >> (4 * len))
		len++;
	for (size_t i = 0; i < len; i++)
		mem[i] = digits[n >> (4 * (len - 1 - i)) & 15];
	mem[len] = '\r';
	mem[len + 1] = '\n';
	return len + 2;
}

static struct iovec part_of(struct str s)
{
	return (struct iovec){(void *)s.p, s.len};
}

int body_parts(struct str payload, bool chunked, bool done,
    struct body_size *mem, struct iovec parts[BODY_PARTS])
{
	int n = 0;

	if (payload.len == 0) {
		if (chunked && done)
			parts[n++] = part_of(STR("0\r\n\r\n"));
		return n;
	}
	if (chunked)
		parts[n++] = (struct iovec){
		    mem->text, size_line(payload.len, mem->text)};
	parts[n++] = part_of(payload);
	if (chunked)
		parts[n++] = part_of(done ? STR("\r\n0\r\n\r\n") : STR("\r\n"));
	return n;
}
