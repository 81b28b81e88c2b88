#include "packed.h"

#include "base/name.h"

/* Without the word "peeled" git takes nothing for known about tags. */
#define HEADER "# pack-refs with: sorted \n"

static int take_line(
    struct str line, size_t number, struct reflist *ret, struct error *err)
{
	struct str id = str_sub(line, 0, ID_LEN);
	struct str name = str_sub(line, ID_LEN + 1, line.len);

	if (!line.len || line.p[0] == '#' || line.p[0] == '^')
		return 0;
	if (!name_sha1(id) || line.len <= ID_LEN || line.p[ID_LEN] != ' ' ||
	    !str_starts(name, STR("refs/")) || str_find(name, '\0') != -1)
		return error_set(err, ERR_INVALID,
		    "packed-refs, line %zu: not \"ID refs/NAME\"", number);
	reflist_add(ret, name, id);
	return 0;
}

int packed_parse(struct str text, struct reflist *ret, struct error *err)
{
	struct str line;
	size_t number = 0;

	while (str_split(&text, '\n', &line)) {
		if (take_line(line, ++number, ret, err) == -1)
			return -1;
	}
	reflist_sort(ret);
	return 0;
}

void packed_print(struct buf *out, const struct reflist *refs)
{
	buf_addz(out, HEADER);
	for (size_t i = 0; i < refs->n; i++) {
		buf_addz(out, refs->list[i].id);
		buf_addc(out, ' ');
		buf_addz(out, refs->list[i].name);
		buf_addc(out, '\n');
	}
}
