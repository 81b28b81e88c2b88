#!/usr/bin/env bash
# Run each test program, show the output of those that fail, print one total.
set -u

passed=0
failed=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT
for program in "$@"; do
	ok=0
	timeout 300 "$program" >"$out" 2>&1 && ok=1
	n=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$out" | tail -n 1)
	passed=$((passed + ${n:-0}))
	if [ "$ok" = 1 ]; then
		printf '%-24s %s tests\n' "$(basename "$program")" "${n:-0}"
	else
		n=$(sed -n 's/^ *\([0-9]*\) FAILED TEST.*/\1/p' "$out" | tail -n 1)
		failed=$((failed + ${n:-1}))
		printf '%-24s FAILED\n' "$(basename "$program")"
		cat "$out"
	fi
done
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
