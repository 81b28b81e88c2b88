#!/usr/bin/env bash
# The tree's own rules, beside what the compilers say: form, shell, calls that
# are kept out, libraries linked by the programs in FOLDER (tests/lint.sh
# FOLDER). Prints every finding; fails if there was one.
set -u
shopt -s lastpipe # so that finding() sets the status of this shell

libexec=${1:-build/libexec/paas}
status=0
# finding TEXT: lines on standard input are findings.
finding() {
	local lines

	lines=$(cat)
	[ -n "$lines" ] || return 0
	printf '%s:\n%s\n' "$1" "$lines"
	status=1
}
sources() {
	git ls-files --cached --others --exclude-standard -- '*.c' '*.h' | grep -v "${1:-^$}"
}

sources | xargs clang-format --dry-run 2>&1 | sed -n 's/^\([^ :]*\):[0-9]*:[0-9]*: warning: .*/\1/p' | sort -u |
	finding "not formatted (clang-format -i)"
sources '^tests/' | xargs grep -nE '\b(system|popen|strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|alloca)\(' |
	finding "calls that are kept out"
sources '^\(web/store\|tests\)/' | xargs grep -niE '"[^"]*\b(SELECT .* FROM|INSERT INTO|UPDATE [a-z]+ SET|DELETE FROM)\b' |
	finding "SQL outside web/store"
sources '^\(lib/base/log\|lib/ipc/peer\)' | grep '^lib/' | xargs grep -nE '\blog_(error|warn|info|debug)\(' |
	finding "libraries return errors and do not log"
git ls-files --cached --others --exclude-standard | grep -v 'package-lock' |
	xargs grep -nE '\b(TODO|FIXME|XXX)\b' -- 2>/dev/null |
	grep -v '^tests/lint.sh' | finding "unfinished marks"
git ls-files --cached --others --exclude-standard | grep -v 'package-lock' |
	xargs grep -nE 'registry\.npmjs|pypi\.org|crates\.io|proxy\.golang|repo1?\.maven|deb\.debian\.org' -- 2>/dev/null |
	grep -v '^tests/lint.sh' | finding "a registry's address (it comes from its client's settings)"
git ls-files --cached --others --exclude-standard | while read -r file; do
	head -n 1 "$file" 2>/dev/null | grep -aqE '^#!.*\b(ba)?sh$' && echo "$file"
done | xargs shellcheck -x -P SCRIPTDIR 2>&1 | finding "shellcheck"
cppcheck --quiet --enable=warning,portability --inline-suppr --std=c11 -Ilib -Irouter -Iweb -Igitd -Ibuilder -Iruntime \
	--suppress=missingIncludeSystem --suppress=missingInclude --suppress=nullPointerRedundantCheck \
	--suppress=unknownMacro --suppress=va_end_missing --suppress=varFuncNullUB \
	--suppress=comparePointers:web/ui/assets.c -j "$(nproc)" \
	lib gitd builder runtime router web cli 2>&1 | finding "cppcheck"

# Root runs little code, and what runs in strangers' roots brings its own.
allowed_libraries() {
	case "$1" in
	paas-super | paas-plan | paas-logd | paas-names) echo "libc.so.6" ;;
	paas-jail) echo "libc.so.6 libmnl.so.0" ;;
	paas-shim | launcher | inner) echo "" ;;
	*) return 1 ;;
	esac
}
for program in "$libexec"/*; do
	[ -f "$program" ] || continue
	allowed=$(allowed_libraries "$(basename "$program")") || continue
	readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p' | while read -r library; do
		case " $allowed " in
		*" $library "*) ;;
		*) echo "$program: $library" ;;
		esac
	done
done | finding "libraries linked that may not be (DESIGN.md)"

[ "$status" = 0 ] && echo "lint: nothing found"
exit $status
