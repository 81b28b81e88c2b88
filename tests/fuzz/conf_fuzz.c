/*
 * conf, settings: a line that is a setting reads the same when written again;
 * settings that are taken are read back as they were printed.
 */
#include <string.h>

#include "fuzz.h"
#include "proc/settings.h"
#include "wire/conf.h"

static void check_line(const struct conf_line *line)
{
	scoped_buf struct buf text = BUF_INIT(1 << 21);
	struct conf_line again;
	struct error err = {0};
	unsigned number = 0;
	struct str rest;

	buf_add(&text, line->name);
	buf_addc(&text, '=');
	buf_add(&text, line->value);
	rest = buf_str(&text);
	CHECK(conf_next(&rest, &number, &again, &err) == 1);
	CHECK(str_eq(again.name, line->name));
	CHECK(str_eq(again.value, line->value));
	CHECK(str_find(line->value, '\n') == -1);
}

static void check_settings(struct str text)
{
	scoped_buf struct buf printed = BUF_INIT(1 << 16);
	struct settings s, again;
	struct error err = {0};

	settings_init(&s);
	/* What super sets, so that nothing is empty. */
	if (settings_parse(&s,
	        STR("run=/r\nlibexec=/l\nbuildpacks=/b\nurl=http://h\n"),
	        &err) == -1)
		abort();
	if (settings_parse(&s, text, &err) == -1) {
		CHECK(strncmp(err.msg, "line ", 5) == 0);
		return;
	}
	settings_print(&s, &printed);
	settings_init(&again);
	CHECK(settings_parse(&again, buf_str(&printed), &err) == 0);
	CHECK(memcmp(&s, &again, sizeof(s)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make(data, size);
	struct conf_line line;
	struct error err = {0};
	unsigned number = 0, before = 0;

	while (conf_next(&rest, &number, &line, &err) == 1) {
		CHECK(line.number == number && number > before);
		before = number;
		check_line(&line);
	}
	check_settings(str_make(data, size));
	return 0;
}
