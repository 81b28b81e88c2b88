#include "ui.h"

#include <stdio.h>

#include "wire/crc32c.h"

#define HTML "text/html; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"
#define STYLE "text/css; charset=utf-8"
#define SVG "image/svg+xml"

/* One struct ui_file, made by the assembler, which knows a file's length. */
#define ASSET(path, type, file)                                                \
	".pushsection .rodata\n"                                               \
	"1: .asciz \"" path "\"\n"                                             \
	"2: .asciz \"" type "\"\n"                                             \
	"3: .incbin \"web/ui/" file "\"\n"                                     \
	"4: .byte 0\n"                                                         \
	".popsection\n"                                                        \
	".quad 1b, 2b, 3b, 4b - 3b\n"

__asm__(".pushsection .data.rel.ro, \"aw\"\n"
        ".balign 8\n"
        "ui_files:\n"
    /* clang-format off */
	ASSET("/", HTML, "index.html")
	ASSET("/ui/app.js", SCRIPT, "app.js")
	ASSET("/ui/api.js", SCRIPT, "api.js")
	ASSET("/ui/apps.js", SCRIPT, "apps.js")
	ASSET("/ui/builds.js", SCRIPT, "builds.js")
	ASSET("/ui/config.js", SCRIPT, "config.js")
	ASSET("/ui/dom.js", SCRIPT, "dom.js")
	ASSET("/ui/log.js", SCRIPT, "log.js")
	ASSET("/ui/page.js", SCRIPT, "page.js")
	ASSET("/ui/processes.js", SCRIPT, "processes.js")
	ASSET("/ui/releases.js", SCRIPT, "releases.js")
	ASSET("/ui/style.css", STYLE, "style.css")
	ASSET("/ui/icon.svg", SVG, "icon.svg")
	ASSET("/favicon.ico", SVG, "icon.svg")
    /* clang-format on */
    "ui_files_end:\n"
    ".popsection\n");

extern const struct ui_file ui_files[] __attribute__((visibility("hidden")));
extern const struct ui_file ui_files_end[]
    __attribute__((visibility("hidden")));

const struct ui_file *ui_find(struct str path)
{
	for (const struct ui_file *f = ui_files; f < ui_files_end; f++)
		if (str_eqz(path, f->path))
			return f;
	return NULL;
}

void ui_etag(const struct ui_file *f, char out[UI_ETAG_MAX])
{
	snprintf(out, UI_ETAG_MAX, "\"%08x-%zx\"",
	    (unsigned)crc32c(0, f->data, f->len), f->len);
}
