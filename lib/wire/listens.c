#include "wire/listens.h"

#include "wire/socktab.h"

static enum listens_where where_of(const struct socktab_row *row)
{
	if (row->v6)
		return LISTENS_V6;
	return ip_v4(&row->local) == 0 || ip_is_loopback(&row->local)
	           ? LISTENS_V4
	           : LISTENS_V4_ONE;
}

static void add(struct listens *l, uint64_t port, enum listens_where where)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->of[i].port == port && l->of[i].where == where)
			return;
	if (l->n == LISTENS_MAX)
		return;
	l->of[l->n].port = port;
	l->of[l->n++].where = where;
}

void listens_add(struct listens *l, struct str table)
{
	struct socktab_row row;

	while (socktab_next(&table, &row))
		if (row.state == SOCKTAB_LISTEN)
			add(l, row.local_port, where_of(&row));
}
