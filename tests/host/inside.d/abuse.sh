# shellcheck shell=bash
# The abuse suite inside a one-off instance of the app, on this host: its
# kernel, cgroup v2 and AppArmor. Sourced by inside.sh.
# shellcheck disable=SC2154 # run, of inside.sh

abuse_area() {
	local said

	said=$(paas run --app hello -- ./abuse "$1" "hostname=$(hostname)" \
		path=/var/lib/paas "path=$run" "path=$run/web.sock" "path=$run/jail.sock" \
		"path=$run/plan.sock" gateway=169.254.1.1:8080 "secret=$PAAS_TOKEN" </dev/null)
	printf '%s\n' "$said" | grep -vE '^(ok|none) '
	[ "$(tail -n 1 <<<"$said" | tr -d '\r')" = tried ] && ! grep -q '^BAD' <<<"$said"
}

for area in identity files escapes calls network; do
	check "abuse of $area is contained" abuse_area "$area"
done
