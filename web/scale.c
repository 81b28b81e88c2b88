/* How many processes of each type an app has, and of which size. */
#include <inttypes.h>
#include <stdio.h>

#include "applog.h"
#include "apps.h"
#include "audit.h"
#include "want.h"

/* The quantity that text asks for, seen from now. */
static int quantity_of(struct str text, uint64_t now, uint64_t max,
    uint64_t *ret, struct error *err)
{
	bool more = str_starts(text, STR("+"));
	bool less = str_starts(text, STR("-"));
	uint64_t number;

	if (!str_u64(str_sub(text, more || less, text.len), 1000000, &number))
		return error_set(err, ERR_INVALID,
		    "A quantity is a number (2), or a change with a sign "
		    "(+1, -1).");
	if (less && number > now)
		return error_set(err, ERR_INVALID,
		    "There are only %" PRIu64 ", so %" PRIu64
		    " can't be taken away.",
		    now, number);
	number = more ? now + number : less ? now - number : number;
	if (number > max)
		return error_set(err, ERR_LIMIT,
		    "At most %" PRIu64 " of a type may run (the setting "
		    "instances_max).",
		    max);
	*ret = number;
	return 0;
}

/* It follows from the name: sizes have no rows. */
void apps_size_uuid(const char *name, char out[37])
{
	uint64_t a = 0xcbf29ce484222325, b = 0x9ae16a3b2f90404f;

	for (const char *c = name; *c; c++) {
		a = (a ^ (unsigned char)*c) * 0x100000001b3;
		b = (b ^ (unsigned char)*c) * 0x880355f21e6d1965;
	}
	snprintf(out, 37, "%08x-%04x-4%03x-8%03x-%012" PRIx64,
	    (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff),
	    (unsigned)(a & 0xfff), (unsigned)(b >> 52), b & 0xffffffffffff);
}

static const struct size *find_size(const struct sizes *sizes, struct str key)
{
	char uuid[37];

	for (uint64_t i = 0; i < sizes->n; i++) {
		apps_size_uuid(sizes->v[i].name, uuid);
		if (str_eqz(key, uuid))
			return &sizes->v[i];
	}
	return sizes_find(sizes, key);
}

const struct size *apps_size(
    const struct web *w, struct str name, struct error *err)
{
	const struct size *size = find_size(&w->settings.sizes, name);
	scoped_buf struct buf names = BUF_INIT(160);

	if (size)
		return size;
	sizes_names(&w->settings.sizes, &names);
	(void)error_set(err, ERR_INVALID,
	    "There is no size %.*s. There are: %s",
	    (int)(name.len > 32 ? 32 : name.len), name.p,
	    names.bad ? "those that `paas ps:type --sizes` lists"
	              : buf_z(&names));
	return NULL;
}

int apps_check_size(const struct web *w, struct str name, struct error *err)
{
	const struct size *size = apps_size(w, name, err);
	uint64_t has = size_host_memory(&w->settings);
	char text[24], all[24];
	struct size_limits limits;

	if (!size)
		return -1;
	size_limits(&w->settings, name, &limits);
	if (limits.memory <= has)
		return 0;
	size_bytes_text(limits.memory, text);
	size_bytes_text(has, all);
	return error_set(err, ERR_LIMIT,
	    "The size %s takes %s of memory, and this server has %s.",
	    size->name, text, all);
}

/* --- what it adds up to --------------------------------------------------- */

struct sum {
	const struct web *w;
	uint64_t memory;
};

static void add_type(void *arg, const struct formation *f)
{
	struct sum *s = arg;
	struct size_limits limits;

	size_limits(&s->w->settings, str_z(f->size), &limits);
	s->memory += f->quantity * limits.memory;
}

static int memory_of(
    struct web *w, int64_t app, uint64_t *ret, struct error *err)
{
	struct sum s = {w, 0};

	if (store_formation_list(w->store, app, add_type, &s, err) == -1)
		return -1;
	*ret = s.memory;
	return 0;
}

/*
 * One app may not ask for more than the server has. What all apps ask for may
 * be more: a size is what one may use at most, and few do.
 */
static int check_memory(struct web *w, const struct app *a, uint64_t before,
    const char *said, struct error *err)
{
	uint64_t after, has = size_host_memory(&w->settings);
	char text[24], all[24];

	if (memory_of(w, a->id, &after, err) == -1)
		return -1;
	if (after <= has || after <= before)
		return 0;
	size_bytes_text(after, text);
	size_bytes_text(has, all);
	return error_set(err, ERR_LIMIT,
	    "With %.80s the processes of %s would need %s of memory, and this "
	    "server has %s. Choose a smaller number or size.",
	    said, a->name, text, all);
}

/* --- scale ---------------------------------------------------------------- */

static int scale_one(struct web *w, const struct app *a, const struct scale *s,
    struct buf *said, struct error *err)
{
	const struct size *size;
	struct formation f;
	uint64_t quantity;

	if (store_formation_find(w->store, a->id, s->type, &f, err) == -1)
		return -1;
	quantity = f.quantity;
	if (s->quantity.p &&
	    quantity_of(s->quantity, f.quantity, w->settings.instances_max,
	        &quantity, err) == -1)
		return -1;
	if (s->size.len) {
		size = apps_size(w, s->size, err);
		if (!size)
			return -1;
		str_copy(str_z(size->name), f.size, sizeof(f.size));
	}
	buf_addf(said, "%s%s@%" PRIu64 ":%s", said->len ? " " : "", f.type,
	    quantity, f.size);
	return store_formation_put(
	    w->store, a->id, str_z(f.type), quantity, f.size, err);
}

int apps_scale(struct web *w, const struct account *by, const struct app *a,
    const struct scale *v, size_t n, struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);
	scoped_buf struct buf said = BUF_INIT(1u << 20);
	uint64_t before;

	if (!tx || memory_of(w, a->id, &before, err) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (scale_one(w, a, &v[i], &said, err) == -1)
			return -1;
	if (check_memory(w, a, before, buf_z(&said), err) == -1 ||
	    audit(w, by, a, "app:scale", buf_z(&said), err) == -1 ||
	    store_commit(&tx, err) == -1)
		return -1;
	want_again(w, a->id);
	applog(w, a->id, "Scaled to %s by user %s", buf_z(&said), by->email);
	return 0;
}
