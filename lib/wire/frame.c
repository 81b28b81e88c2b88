#include "wire/frame.h"

#include <assert.h>

#include "base/fd.h"

#define FIELD_HEAD 4

static uint16_t get_u16(const char *p)
{
	return (uint16_t)((unsigned char)p[0] | (unsigned char)p[1] << 8);
}

static uint64_t get_le(const char *p, size_t n)
{
	uint64_t value = 0;

	while (n-- > 0)
		value = value << 8 | (unsigned char)p[n];
	return value;
}

static void put_le(char *p, size_t n, uint64_t value)
{
	for (size_t i = 0; i < n; i++, value >>= 8)
		p[i] = (char)(value & 0xff);
}

static void no_fds(struct frame *f)
{
	f->nfds = 0;
	for (int i = 0; i < FRAME_FDS_MAX; i++)
		f->fds[i] = -1;
}

int frame_parse(struct str packet, struct frame *ret, struct error *err)
{
	size_t at = FRAME_HEAD;

	if (packet.len < FRAME_HEAD || packet.len > FRAME_MAX)
		return error_set(
		    err, ERR_INVALID, "a frame of %zu bytes", packet.len);
	if (get_u16(packet.p + 2) != 0)
		return error_set(err, ERR_INVALID, "a frame with flags");
	while (at < packet.len) {
		size_t left = packet.len - at;

		if (left < FIELD_HEAD ||
		    left - FIELD_HEAD < get_u16(packet.p + at + 2))
			return error_set(err, ERR_INVALID,
			    "a field that ends behind its frame");
		at += FIELD_HEAD + get_u16(packet.p + at + 2);
	}
	ret->type = get_u16(packet.p);
	ret->id = (uint32_t)get_le(packet.p + 4, 4);
	ret->fields = str_sub(packet, FRAME_HEAD, packet.len);
	no_fds(ret);
	return 0;
}

bool frame_next(
    const struct frame *f, size_t *pos, uint16_t *ret_tag, struct str *ret)
{
	const char *p = f->fields.p + *pos;
	size_t len;

	if (*pos >= f->fields.len)
		return false;
	assert(f->fields.len - *pos >= FIELD_HEAD);
	len = get_u16(p + 2);
	assert(f->fields.len - *pos - FIELD_HEAD >= len);
	*ret_tag = get_u16(p);
	*ret = str_make(p + FIELD_HEAD, len);
	*pos += FIELD_HEAD + len;
	return true;
}

struct str frame_str(const struct frame *f, uint16_t tag)
{
	struct str value;
	uint16_t found;
	size_t pos = 0;

	while (frame_next(f, &pos, &found, &value))
		if (found == tag)
			return value;
	return (struct str){NULL, 0};
}

uint64_t frame_number(struct str field)
{
	return field.len == 8 ? get_le(field.p, 8) : 0;
}

uint64_t frame_u64(const struct frame *f, uint16_t tag)
{
	return frame_number(frame_str(f, tag));
}

bool frame_has(const struct frame *f, uint16_t tag)
{
	return frame_str(f, tag).p != NULL;
}

int frame_take_fd(struct frame *f, int i)
{
	return i >= 0 && i < f->nfds ? take_fd(&f->fds[i]) : -1;
}

void frame_close_fds(struct frame *f)
{
	for (int i = 0; i < f->nfds; i++)
		fd_close(&f->fds[i]);
	f->nfds = 0;
}

struct frame_out frame_begin(uint16_t type, uint32_t id)
{
	struct frame_out o = {.bytes = BUF_INIT(FRAME_MAX)};
	char head[FRAME_HEAD] = {0};

	put_le(head, 2, type);
	put_le(head + 4, 4, id);
	buf_add(&o.bytes, str_make(head, sizeof(head)));
	return o;
}

void frame_put(struct frame_out *o, uint16_t tag, struct str value)
{
	char head[FIELD_HEAD];

	if (value.len > UINT16_MAX ||
	    !buf_reserve(&o->bytes, FIELD_HEAD + value.len)) {
		o->bytes.bad = true;
		return;
	}
	put_le(head, 2, tag);
	put_le(head + 2, 2, value.len);
	buf_add(&o->bytes, str_make(head, sizeof(head)));
	buf_add(&o->bytes, value);
}

void frame_put_z(struct frame_out *o, uint16_t tag, const char *value)
{
	frame_put(o, tag, str_z(value));
}

void frame_put_u64(struct frame_out *o, uint16_t tag, uint64_t value)
{
	char bytes[8];

	put_le(bytes, sizeof(bytes), value);
	frame_put(o, tag, str_make(bytes, sizeof(bytes)));
}

void frame_put_all(struct frame_out *o, struct str fields)
{
	const struct frame f = {.fields = fields};
	struct str value;
	uint16_t tag;
	size_t pos = 0;

	while (frame_next(&f, &pos, &tag, &value))
		frame_put(o, tag, value);
}

void frame_put_fd(struct frame_out *o, int fd)
{
	if (o->nfds == FRAME_FDS_MAX || fd < 0)
		o->bytes.bad = true;
	else
		o->fds[o->nfds++] = fd;
}

void frame_out_release(struct frame_out *o)
{
	buf_release(&o->bytes);
	o->nfds = 0;
}
