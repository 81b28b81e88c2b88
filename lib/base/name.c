#include "base/name.h"

enum { LOWER = 1, UPPER = 2, DIGIT = 4, DASH = 8, UNDER = 16, DOT = 32 };

static unsigned class_of(char c)
{
	if (c >= 'a' && c <= 'z')
		return LOWER;
	if (c >= 'A' && c <= 'Z')
		return UPPER;
	if (c >= '0' && c <= '9')
		return DIGIT;
	return c == '-' ? DASH : c == '_' ? UNDER : c == '.' ? DOT : 0;
}

static bool all_of(struct str s, unsigned classes, size_t min, size_t max)
{
	if (s.len < min || s.len > max)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!(class_of(s.p[i]) & classes))
			return false;
	return true;
}

bool name_app_reserved(struct str s)
{
	static const char *const reserved[] = {
	    "api", "git", "registry", "www", "localhost", "internal"};

	for (size_t i = 0; i < NELEM(reserved); i++)
		if (str_eqz(s, reserved[i]))
			return true;
	return false;
}

bool name_app(struct str s)
{
	return all_of(s, LOWER | DIGIT | DASH, 3, NAME_APP_MAX) &&
	       class_of(s.p[0]) == LOWER && class_of(s.p[s.len - 1]) != DASH &&
	       !name_app_reserved(s);
}

bool name_ptype(struct str s)
{
	return all_of(
	    s, LOWER | UPPER | DIGIT | DASH | UNDER, 1, NAME_PTYPE_MAX);
}

bool name_config_key(struct str s)
{
	return all_of(
	           s, LOWER | UPPER | DIGIT | UNDER, 1, NAME_CONFIG_KEY_MAX) &&
	       class_of(s.p[0]) != DIGIT;
}

bool name_host(struct str s)
{
	struct str label;

	if (s.len == 0 || s.len > NAME_HOST_MAX)
		return false;
	while (str_split(&s, '.', &label))
		if (!all_of(label, LOWER | DIGIT | DASH, 1, 63) ||
		    label.p[0] == '-' || label.p[label.len - 1] == '-')
			return false;
	return true;
}

static bool lower_hex(struct str s, size_t len)
{
	if (s.len != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (hex_value(s.p[i]) == -1 || class_of(s.p[i]) == UPPER)
			return false;
	return true;
}

bool name_sha1(struct str s)
{
	return lower_hex(s, 40);
}

bool name_sha256(struct str s)
{
	return lower_hex(s, 64);
}

bool name_secret(struct str s)
{
	return all_of(s, LOWER | UPPER | DIGIT | DASH | UNDER, 16, 128);
}

/* The length of the UTF-8 sequence at the start of s, 0 if it is none. */
static size_t utf8_len(struct str s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c < 0x80   ? 1
	           : c < 0xc2 ? 0
	           : c < 0xe0 ? 2
	           : c < 0xf0 ? 3
	                      : 4;

	if (n == 0 || n > s.len || c > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s.p[i] & 0xc0) != 0x80)
			return 0;
	if (n > 2) {
		unsigned char next = (unsigned char)s.p[1];

		/* longer than needed, a surrogate, past U+10FFFF */
		if ((c == 0xe0 && next < 0xa0) || (c == 0xed && next > 0x9f) ||
		    (c == 0xf0 && next < 0x90) || (c == 0xf4 && next > 0x8f))
			return 0;
	}
	return n;
}

/* A part between slashes, by the rules of git-check-ref-format(1). */
static bool ref_part(struct str s)
{
	if (s.len == 0 || s.p[0] == '.' || str_ends(s, STR(".lock")) ||
	    str_ends(s, STR(".")) || str_find_str(s, STR("..")) != -1 ||
	    str_find_str(s, STR("@{")) != -1)
		return false;
	for (size_t i = 0, n; i < s.len; i += n) {
		n = utf8_len(str_sub(s, i, s.len));
		if (n == 0 || s.p[i] == 0x7f || (n == 1 && s.p[i] <= ' ') ||
		    str_find(STR("~^:?*[\\"), s.p[i]) != -1)
			return false;
	}
	return true;
}

bool name_ref(struct str s)
{
	static const struct str roots[] = {
	    {"refs/heads/", 11}, {"refs/tags/", 10}, {"refs/notes/", 11}};
	struct str rest = {NULL, 0}, part;

	if (s.len > NAME_REF_MAX)
		return false;
	for (size_t i = 0; i < NELEM(roots); i++)
		if (str_starts(s, roots[i]))
			rest = str_sub(s, roots[i].len, s.len);
	if (!rest.p)
		return false;
	while (str_split(&rest, '/', &part))
		if (!ref_part(part))
			return false;
	return true;
}

bool name_size(struct str s)
{
	return all_of(s, LOWER | DIGIT | DASH, 1, 32);
}

bool name_layer(struct str s)
{
	return all_of(s, LOWER | UPPER | DIGIT | DASH | UNDER | DOT, 1, 128) &&
	       !str_eqz(s, ".") && !str_eqz(s, "..");
}

/* /NAME itself, or all that lies below it as well. */
static bool is_taken(struct str first, bool alone)
{
	static const char *const whole[] = {"bin", "boot", "cnb", "dev", "etc",
	    "layers", "lib", "lib32", "lib64", "libx32", "platform", "proc",
	    "run", "sbin", "sys", "usr"};
	static const char *const itself[] = {
	    "app", "home", "opt", "root", "tmp", "var"};

	for (size_t i = 0; i < NELEM(whole); i++)
		if (str_eqz(first, whole[i]))
			return true;
	for (size_t i = 0; alone && i < NELEM(itself); i++)
		if (str_eqz(first, itself[i]))
			return true;
	return false;
}

bool name_mount(struct str s)
{
	struct str rest, part;
	size_t n = 0;

	if (s.len < 2 || s.len > NAME_MOUNT_MAX || s.p[0] != '/')
		return false;
	rest = str_sub(s, 1, s.len);
	while (str_split(&rest, '/', &part)) {
		if (!name_layer(part))
			return false;
		if (n++ == 0 && is_taken(part, rest.p == NULL))
			return false;
	}
	return true;
}
