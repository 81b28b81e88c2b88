/*
 * check: what is taken is within its limits and reads the same when printed;
 * an answer's verdict is never "read on" when it is over.
 */
/* links: router/judge.c */
#include <string.h>

#include "../../router/judge.h"
#include "base/buf.h"
#include "fuzz.h"

static void check_judge(struct str answer)
{
	static struct http1_head h;
	struct check c;
	char why[240];

	check_init(&c);
	CHECK(judge_answer(&c, answer, true, &h, why, sizeof(why)) != 0);
	strcpy(c.content, "x");
	CHECK(judge_answer(&c, answer, true, &h, why, sizeof(why)) != 0);
	(void)judge_answer(&c, answer, false, &h, why, sizeof(why));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped_buf struct buf text = BUF_INIT(2 * CHECK_TEXT_MAX);
	struct error err = {0};
	struct check c, again;

	check_judge(str_make(data, size));
	if (check_parse(str_make(data, size), &c, &err) == -1)
		return 0;
	check_print(&c, &text);
	if (text.len > CHECK_TEXT_MAX)
		return 0; /* defaults said again made it longer */
	CHECK(check_parse(buf_str(&text), &again, &err) == 0);
	CHECK(memcmp(&c, &again, sizeof(c)) == 0);
	return 0;
}
