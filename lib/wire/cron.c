#include "wire/cron.h"

#include <ctype.h>

#define DAY_MINUTES 1440u
#define DAYS_MOST 14700 /* 40 years: a leap day on a certain weekday */

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may",
    "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const day_names[] = {
    "sun", "mon", "tue", "wed", "thu", "fri", "sat"};

static const struct field {
	const char *name;
	unsigned min, max;
	const char *const *names;
	unsigned nnames;
} fields[] = {
    {"minute", 0, 59, NULL, 0},
    {"hour", 0, 23, NULL, 0},
    {"day", 1, 31, NULL, 0},
    {"month", 1, 12, month_names, NELEM(month_names)},
    {"weekday", 0, 7, day_names, NELEM(day_names)},
};
enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };

static const struct {
	const char *name, *text;
} shorts[] = {
    {"@hourly", "0 * * * *"},
    {"@daily", "0 0 * * *"},
    {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"},
    {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
};

/* --- reading -------------------------------------------------------------- */

static bool has_name(struct str text, const char *name)
{
	if (text.len != 3)
		return false;
	for (size_t i = 0; i < 3; i++)
		if (tolower((unsigned char)text.p[i]) != name[i])
			return false;
	return true;
}

static int read_value(
    const struct field *f, struct str text, unsigned *ret, struct error *err)
{
	uint64_t n;

	for (unsigned i = 0; i < f->nnames; i++) {
		if (has_name(text, f->names[i])) {
			*ret = f->min + i;
			return 0;
		}
	}
	if (!str_u64(text, f->max, &n) || n < f->min)
		return error_set(err, ERR_INVALID,
		    "\"" STR_FMT "\" is no %s (%u to %u)",
		    STR_ARG(str_sub(text, 0, 20)), f->name, f->min, f->max);
	*ret = (unsigned)n;
	return 0;
}

/* One part of a list: *, N, A-B, and /STEP. */
static int read_part(
    const struct field *f, struct str part, uint64_t *bits, struct error *err)
{
	ssize_t slash = str_find(part, '/'), dash;
	unsigned from = f->min, to = f->max;
	uint64_t step = 1;
	struct str range = part;

	if (slash != -1) {
		range = str_sub(part, 0, (size_t)slash);
		part = str_sub(part, (size_t)slash + 1, part.len);
		if (!str_u64(part, f->max, &step) || step == 0)
			return error_set(err, ERR_INVALID,
			    "\"" STR_FMT "\" is no step of the %s",
			    STR_ARG(str_sub(part, 0, 20)), f->name);
	}
	dash = str_find(range, '-');
	if (dash != -1) {
		if (read_value(
		        f, str_sub(range, 0, (size_t)dash), &from, err) == -1 ||
		    read_value(f, str_sub(range, (size_t)dash + 1, range.len),
		        &to, err) == -1)
			return -1;
	} else if (!str_eqz(range, "*")) {
		if (read_value(f, range, &from, err) == -1)
			return -1;
		to = slash == -1 ? from : f->max;
	}
	if (from > to)
		return error_set(err, ERR_INVALID,
		    "the %s %u-%u goes backwards", f->name, from, to);
	for (unsigned i = from; i <= to; i += (unsigned)step)
		*bits |= UINT64_C(1) << i;
	return 0;
}

static int read_field(
    const struct field *f, struct str text, uint64_t *bits, struct error *err)
{
	struct str part;

	if (text.len == 0)
		return error_set(
		    err, ERR_INVALID, "the %s is missing", f->name);
	if (text.p[text.len - 1] == ',')
		return error_set(err, ERR_INVALID,
		    "the list of the %s ends in a comma", f->name);
	while (text.len && str_split(&text, ',', &part))
		if (read_part(f, part, bits, err) == -1)
			return -1;
	return 0;
}

static struct str next_word(struct str *rest)
{
	size_t at = 0, end;
	struct str word;

	while (at < rest->len && (rest->p[at] == ' ' || rest->p[at] == '\t'))
		at++;
	end = at;
	while (end < rest->len && rest->p[end] != ' ' && rest->p[end] != '\t')
		end++;
	word = str_sub(*rest, at, end);
	*rest = str_sub(*rest, end, rest->len);
	return word;
}

/* --- days ----------------------------------------------------------------- */

struct date {
	unsigned day, month; /* from 1 */
};

/* Of a number of days since 1970, by the Gregorian calendar. */
static struct date date_of(uint64_t days)
{
	uint64_t z = days + 719468, era = z / 146097, of_era = z % 146097;
	uint64_t year =
	    (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t day = of_era - (365 * year + year / 4 - year / 100);
	uint64_t month = (5 * day + 2) / 153;

	(void)era;
	return (struct date){(unsigned)(day - (153 * month + 2) / 5 + 1),
	    (unsigned)(month < 10 ? month + 3 : month - 9)};
}

static bool has_day(const struct cron *c, uint64_t days)
{
	struct date d = date_of(days);
	bool day = c->days >> d.day & 1;
	bool weekday = c->weekdays >> (days + 4) % 7 & 1; /* 1970: Thursday */

	if (!(c->months >> d.month & 1))
		return false;
	if (c->any_day || c->any_weekday)
		return day && weekday;
	return day || weekday;
}

/* The first minute of a day from this one on; DAY_MINUTES for none. */
static unsigned minute_from(const struct cron *c, unsigned from)
{
	for (unsigned m = from; m < DAY_MINUTES; m++) {
		if (!(c->hours >> m / 60 & 1))
			m += 59 - m % 60;
		else if (c->minutes >> m % 60 & 1)
			return m;
	}
	return DAY_MINUTES;
}

static bool find(const struct cron *c, uint64_t from, uint64_t *ret)
{
	uint64_t day = from / DAY_MINUTES;
	unsigned minute = (unsigned)(from % DAY_MINUTES);

	for (int i = 0; i < DAYS_MOST; i++, day++, minute = 0) {
		unsigned found =
		    has_day(c, day) ? minute_from(c, minute) : DAY_MINUTES;

		if (found < DAY_MINUTES) {
			*ret = day * DAY_MINUTES + found;
			return true;
		}
	}
	return false;
}

/* --- all of it ------------------------------------------------------------ */

int cron_parse(struct str text, struct cron *ret, struct error *err)
{
	uint64_t bits[FIELDS] = {0}, when;
	struct str words[FIELDS];
	struct cron c;

	if (text.len > CRON_TEXT_MAX)
		return error_set(err, ERR_LIMIT, "a schedule may have %d bytes",
		    CRON_TEXT_MAX);
	for (size_t i = 0; i < NELEM(shorts); i++)
		if (str_eqz(text, shorts[i].name))
			text = str_z(shorts[i].text);
	for (int i = 0; i < FIELDS; i++) {
		words[i] = next_word(&text);
		if (read_field(&fields[i], words[i], &bits[i], err) == -1)
			return -1;
	}
	if (next_word(&text).len)
		return error_set(err, ERR_INVALID,
		    "a schedule has five fields: minute hour day month "
		    "weekday");
	c = (struct cron){.minutes = bits[MINUTE],
	    .hours = (uint32_t)bits[HOUR],
	    .days = (uint32_t)bits[DAY],
	    .months = (uint16_t)bits[MONTH],
	    .weekdays = (uint8_t)((bits[WEEKDAY] & 0x7f) | bits[WEEKDAY] >> 7),
	    .any_day = words[DAY].p[0] == '*',
	    .any_weekday = words[WEEKDAY].p[0] == '*'};
	if (!find(&c, 0, &when))
		return error_set(err, ERR_INVALID, "this date never comes");
	*ret = c;
	return 0;
}

uint64_t cron_next(const struct cron *c, uint64_t after)
{
	uint64_t ret = UINT64_MAX;

	if (after < UINT64_MAX / 2)
		(void)find(c, after + 1, &ret);
	return ret;
}
