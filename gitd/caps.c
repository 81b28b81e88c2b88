#include "caps.h"

#include <stddef.h>

#define AGENT "agent=paas"

static const struct {
	const char *word;
	size_t flag; /* where in struct caps */
} flags[] = {
    {"report-status", offsetof(struct caps, report)},
    {"report-status-v2", offsetof(struct caps, report)},
    {"side-band-64k", offsetof(struct caps, sideband)},
    {"atomic", offsetof(struct caps, atomic)},
};

void caps_parse(struct str text, struct caps *ret)
{
	static const struct str format = STR("object-format=");
	struct str word;

	*ret = (struct caps){0};
	while (str_split(&text, ' ', &word)) {
		for (size_t i = 0; i < NELEM(flags); i++) {
			if (str_eqz(word, flags[i].word))
				*(bool *)((char *)ret + flags[i].flag) = true;
		}
		if (str_starts(word, format))
			ret->other_hash = !str_eqz(
			    str_sub(word, format.len, word.len), "sha1");
	}
}

void caps_advertise(struct buf *out)
{
	for (size_t i = 0; i < NELEM(flags); i++) {
		buf_addz(out, flags[i].word);
		buf_addc(out, ' ');
	}
	buf_addz(out, "delete-refs ofs-delta quiet push-options "
	              "object-format=sha1 " AGENT);
}
