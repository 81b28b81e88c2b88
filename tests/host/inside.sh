#!/bin/bash
# What the machine of tests/host does: on its first boot it starts the unit,
# pushes an app and restarts everything around it; on its second one the app
# must be there again. Each check says what came of it on the console, in a
# line that machine.py reads. Run by host-test.service.
#
# inside.d/*.sh are run after the checks of the first boot, with the platform
# up, the app `hello` serving and the functions below; each says its own.
set -u

cd /root/host || exit 1
export HOME=/root LC_ALL=C.UTF-8 PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
run=/run/paas/0
started=$SECONDS

# result NAME STATUS TEXT: one line for machine.py.
result() {
	if [ "$2" = 0 ]; then
		printf '@@ ok %s\n' "$1"
	else
		printf '@@ not ok %s: %s\n' "$1" "$(tail -n 3 <<<"$3" | tr '\n' ' ')"
		printf '%s\n' "$3"
	fi
}

# check NAME COMMAND...: its output shows only if it fails.
check() {
	local name=$1 text status

	shift
	printf '@@ -- %s s: %s\n' "$((SECONDS - started))" "$name"
	text=$("$@" 2>&1 </dev/null)
	status=$?
	result "$name" "$status" "$text"
	return "$status"
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	local end=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		if [ "$SECONDS" -ge "$end" ]; then
			printf 'not in time: %s\n' "$*"
			"$@"
			return 1
		fi
		sleep 0.2
	done
}

# --- the app -------------------------------------------------------------------

fetch() {
	curl -sS --fail --max-time 60 -H 'Host: hello.localhost:8080' http://127.0.0.1:8080/
}

# The pid of the app's process that listens, on the host.
app_pid() {
	local dir

	for dir in "$run"/i/*/s/pid; do
		[ -f "$dir" ] && cut -d' ' -f1 "$dir"
	done | sort | tr '\n' ' '
}

same_app() {
	local now

	now=$(app_pid)
	if [ "$now" != "$APP" ]; then
		printf 'the app was "%s" and is "%s"\n' "$APP" "$now"
		return 1
	fi
	fetch
}

# --- the machine ----------------------------------------------------------------

is_stock() {
	uname -r
	grep -q '^6\.1\.' <(uname -r) && [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] &&
		grep -q Y /sys/module/apparmor/parameters/enabled && [ "$(cat /proc/1/comm)" = systemd ]
}

unit_is() {
	systemctl is-active paas
	[ "$(systemctl is-active paas)" = "$1" ]
}

start_unit() {
	systemctl start paas || journalctl -u paas -n 30 --no-pager
	unit_is active
}

# The notification came from super: the unit is active only when all is up.
is_up_when_active() {
	curl -sS --fail --max-time 60 -o /dev/null http://127.0.0.1:8080/ && paas apps
}

doctor_finds_no_problem() {
	paas doctor
}

push() {
	cp -r samples/script hello && cd hello && git init -q -b main && git add -A &&
		git commit -q -m first && paas create hello && git push paas main && fetch
}

profile_is_on() {
	local pid

	for pid in $APP; do
		cat "/proc/$pid/attr/current"
		grep -q '^paas-app (enforce)' "/proc/$pid/attr/current" || return 1
	done
}

# What apps have is no part of the unit, or systemd would count and end it.
groups_are_apart() {
	local pid

	for pid in $APP; do
		cat "/proc/$pid/cgroup"
		grep -q '^0::/paas0/' "/proc/$pid/cgroup" || return 1
	done
	! systemctl show -p ControlGroup --value paas | grep paas0
}

limits_hold() {
	local group

	for group in /sys/fs/cgroup/paas0/*/; do
		head -n 1 "$group"/{memory.max,memory.swap.max,pids.max,cpu.weight}
		grep -q max "$group/memory.max" && return 1
		grep -q max "$group/pids.max" && return 1
	done
	return 0
}

daemon_restarts() {
	local before after

	before=$(cut -d' ' -f1 "$run/pid/$1")
	paas daemons:restart "$1" || return 1
	after=$(cut -d' ' -f1 "$run/pid/$1")
	[ "$before" != "$after" ] || printf '%s is still %s\n' "$1" "$before"
	[ "$before" != "$after" ] && same_app
}

all_restart_by() {
	local before after

	before=$(cat "$run"/pid/*)
	"$@" || return 1
	unit_is active || return 1
	after=$(cat "$run"/pid/*)
	[ "$before" != "$after" ] || printf 'nothing was restarted\n'
	[ "$before" != "$after" ] && same_app
}

holder_is_killed() {
	kill -KILL "$(systemctl show -p MainPID --value paas)"
	wait_for 300 unit_is active && wait_for 300 same_app
}

unit_stops() {
	systemctl stop paas || return 1
	unit_is inactive
	pgrep -af 'paas-' && return 1
	[ ! -e "$run" ] || ls "$run"
	[ ! -e "$run" ] && ! nft list table inet paas0 2>/dev/null && [ ! -e /sys/fs/cgroup/paas0 ]
}

comes_back() {
	systemctl start paas && wait_for 600 fetch
}

# --- the two boots ---------------------------------------------------------------

first_boot() {
	git config --global user.email t@example.com
	git config --global user.name t
	check "the machine is a stock Debian 12" is_stock
	check "paas setup makes users and images" paas setup || return
	check "the unit starts and says so" start_unit || return
	set -a
	# shellcheck disable=SC1091 # made by the platform
	. /var/lib/paas/client.env
	set +a
	check "the platform is up when the unit is" is_up_when_active
	check "paas doctor finds no problem" doctor_finds_no_problem
	check "an app is pushed and answers" push || return
	APP=$(app_pid)
	export APP
	check "AppArmor confines the app" profile_is_on
	check "the app's group is no part of the unit" groups_are_apart
	check "limits are in the app's group" limits_hold
	for name in logd jail plan web gitd builder router; do
		check "$name is restarted, the app is not" daemon_restarts "$name"
	done
	check "systemctl reload replaces all daemons, not the app" all_restart_by systemctl reload paas
	check "systemctl restart replaces all, not the app" all_restart_by systemctl restart paas
	check "the killed holder comes back and adopts the app" holder_is_killed
	for script in inside.d/*.sh; do
		# shellcheck disable=SC1090 # what is there
		[ -f "$script" ] && . "$script"
	done
	check "the unit is enabled" systemctl enable paas
	check "systemctl stop ends all, and leaves nothing" unit_stops
	check "systemctl start brings the app back" comes_back
}

second_boot() {
	check "the unit started at boot" wait_for 600 unit_is active
	check "the app answers after a reboot" wait_for 600 fetch
	set -a
	# shellcheck disable=SC1091
	. /var/lib/paas/client.env
	set +a
	check "its release is there" paas releases --app hello
	check "paas doctor finds no problem after a reboot" doctor_finds_no_problem
}

if [ -e booted ]; then
	second_boot
else
	touch booted
	first_boot
fi
journalctl -u paas -b --no-pager -o short-monotonic | grep -E 'warn|error' | tail -n 40
sync
systemctl --no-block poweroff
