#!/usr/bin/env bash
# Everything between a fresh Debian 12 and a running platform.
#
#   setup.sh run [FLAGS OF paas server]   install, build, base images, start
#   setup.sh setup [FLAGS OF paas server] the same for an installed one (make
#                                         install), without building and starting
#   setup.sh test-deps | host-deps        install what tests need, users, images
#   setup.sh stacks STATE                 put the base images into a state folder
#   setup.sh stack-files                  print where they are kept
#
# Lies in the tree, where it works from the top folder, or in share/paas.
# A line for each long step, with its seconds; nothing when all is there.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
if [ -f "$here/super.c" ]; then
	cd "$here/../.."
	libexec=build/libexec/paas
	profile=$PWD/runtime/jail/paas-app.apparmor
else
	libexec=$here/../../libexec/paas
	profile=/etc/apparmor.d/paas-app
fi
cache=/var/cache/paas/stacks
suite=trixie
stack_days=30 # that a base image nobody makes any more is kept
users="router web gitd receive builder plan logd outbound names shim"

die() {
	printf 'paas: %s\n' "$*" >&2
	exit 1
}

# timed TEXT COMMAND...: run a long step; its output shows only if it fails.
timed() {
	local text=$1 log started=$SECONDS

	shift
	log=$(mktemp)
	printf '%s ...' "$text"
	if ! "$@" >"$log" 2>&1 </dev/null; then
		printf ' failed\n'
		tail -n 20 "$log" >&2
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
	printf ' %s s\n' "$((SECONDS - started))"
}

check_host() {
	[ "$(id -u)" = 0 ] || die "this needs root: it makes users and containers. Put sudo in front of it"
	command -v apt-get >/dev/null || die "this set-up is for Debian 12; elsewhere install what $here/packages.txt lists and run: make all"
}

# The packages of a section of packages.txt.
section() {
	sed -n "/^\[$1\]/,/^\[/{/^[a-z]/p}" "$here/packages.txt"
}

apt_install() {
	apt-get -q update &&
		DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@"
}

install_packages() {
	local missing=() name installed

	installed=$(dpkg-query -W -f '${Package} ${Status}\n' "$@" 2>/dev/null |
		sed -n 's/ install ok installed$//p') || true
	for name in "$@"; do
		grep -qxF "$name" <<<"$installed" || missing+=("$name")
	done
	[ "${#missing[@]}" = 0 ] || timed "Installing ${#missing[@]} Debian packages" apt_install "${missing[@]}" ||
		die "installing packages failed (above). Check the network and apt's sources, then run this again."
}

make_users() {
	local name

	for name in $users; do
		getent passwd "paas-$name" >/dev/null ||
			useradd --system --user-group --no-create-home --home-dir /nonexistent \
				--shell /usr/sbin/nologin "paas-$name" ||
			die "the user paas-$name could not be made."
	done
}

# The profile of apps, where the host has AppArmor; `paas doctor` tells of it.
load_profile() {
	grep -qs Y /sys/module/apparmor/parameters/enabled || return 0
	if [ -f "$profile" ] && command -v apparmor_parser >/dev/null; then
		apparmor_parser --replace --write-cache "$profile" ||
			die "the AppArmor profile $profile could not be loaded (above)."
	fi
}

build() {
	make -sq all 2>/dev/null ||
		timed "Building" make -j"$(nproc)" all ||
		die "the build failed (above)."
}

# --- base images ---------------------------------------------------------------

# libatomic1 and libstdc++6 are what Node.js links beside libc.
run_packages=bash,ca-certificates,coreutils,curl,libatomic1,libssl3t64,libstdc++6,netbase,perl-base,tzdata
build_packages=build-essential,ca-certificates,curl,git,jq,npm,python3-minimal,unzip,xz-utils

# stack KIND PACKAGES FILE: a root of Debian as a tar; no mirror is named, so
# mmdebstrap's own default or the host's settings decide.
# shellcheck disable=SC2016 # the hooks' own $1
stack() {
	mmdebstrap --quiet --variant=minbase --include="$2" --format=tar \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/info/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--customize-hook='chroot "$1" useradd --uid 1000 --user-group --no-create-home --home-dir /app --shell /bin/bash app' \
		--customize-hook='mkdir -p "$1/app" "$1/layers" "$1/cnb/lifecycle" "$1/cnb/buildpacks" "$1/platform" "$1/cache" "$1/upper" "$1/out"' \
		--customize-hook='chown 1000:1000 "$1/app" "$1/layers"' \
		--customize-hook='rm -rf "$1/var/log/"* "$1/var/cache/"* "$1/tmp/"*' \
		$suite "$3.part"
	mv "$3.part" "$3"
}

# The cached tar of a stack; its name holds the recipe, so a change makes anew.
stack_file() {
	printf '%s/%s-%s-%s.tar' "$cache" "$suite" "$1" \
		"$({ printf '%s' "$2"; declare -f stack; } | sha256sum | cut -c1-12)"
}

# cache_stack KIND PACKAGES FILE: one at a time. Trees with other recipes may be
# in use beside this one, so what they made stays for a while. In a process of
# its own, since bash goes on after an error where || follows.
cache_stack() (
	flock 9
	find "$cache" -name "$suite-$1-*.tar*" -mtime +$stack_days -delete
	[ -f "$3" ] ||
		timed "Making the $1 image (Debian $suite)" "$here/setup.sh" stack "$1" "$2" "$3" ||
		die "the $1 image could not be made (above). Check the network and the free disk (2 GB), then run this again."
) 9>"$cache/lock"

# make_stack KIND PACKAGES STATE
make_stack() {
	local file target=$3/stacks/$suite-$1.tar

	file=$(stack_file "$1" "$2")
	if [ ! -f "$file" ]; then
		mkdir -p "$cache"
		cache_stack "$1" "$2" "$file"
	fi
	[ -n "$3" ] || return 0
	if ! [ "$target" -ef "$file" ] && ! cmp -s "$target" "$file"; then
		mkdir -p "$3/stacks"
		ln -f "$file" "$target" 2>/dev/null || cp "$file" "$target" 2>/dev/null || {
			rm -f "$target"
			die "the disk of $3 has no room for the $1 image: free 3 GB, or choose another folder with --state."
		}
	fi
}

# Where the base images are, or would be: for who makes a machine without
# a network (tests/host).
stack_files() {
	stack_file run "$run_packages"
	printf '\n'
	stack_file build "$build_packages"
	printf '\n'
}

make_stacks() {
	make_stack run "$run_packages" "$1"
	make_stack build "$build_packages" "$1"
}

# --- commands --------------------------------------------------------------------

# A copy of the CLI for all users, also where this tree is closed to them; its
# `paas server` is this tree's, unless one is installed.
put_cli() {
	local link=/usr/local/libexec/paas

	cmp -s build/bin/paas /usr/local/bin/paas ||
		install -D -m 755 build/bin/paas /usr/local/bin/paas ||
		printf 'Add %s to your PATH.\n' "$PWD/build/bin"
	if [ -L $link ] || [ ! -e $link ]; then
		mkdir -p /usr/local/libexec
		ln -sfn "$PWD/build/libexec/paas" $link
	fi
}

# Do these flags start a platform? Some only ask or end something.
starts() {
	local flag

	for flag in "$@"; do
		case "$flag" in
		--help | --sample-config | --print-setting* | --stop) return 1 ;;
		esac
	done
}

case "${1-}" in
run)
	shift
	check_host
	if ! starts "$@" && [ -x build/bin/paas ]; then
		exec build/bin/paas server "$@"
	fi
	# shellcheck disable=SC2046 # one word a package
	install_packages $(section run)
	make_users
	build
	starts "$@" || exec build/bin/paas server "$@"
	state=$("$libexec/paas-super" --print-setting state "$@")
	load_profile
	make_stacks "$state"
	put_cli
	exec build/bin/paas server --login "$@"
	;;
setup)
	shift
	check_host
	starts "$@" || die "usage: paas setup [--state DIR] [--config FILE]"
	state=$("$libexec/paas-super" --print-setting state "$@")
	# shellcheck disable=SC2046 # one word a package
	install_packages $(section host)
	make_users
	load_profile
	make_stacks "$state"
	printf 'Next: systemctl enable --now paas    (or in the foreground: paas server)\n'
	;;
host-deps)
	check_host
	# shellcheck disable=SC2046 # one word a package
	install_packages $(section host-test)
	make_stacks ""
	;;
test-deps)
	check_host
	# shellcheck disable=SC2046 # one word a package
	install_packages $(section run) $(section test)
	make_users
	make_stacks ""
	;;
stack)
	shift
	stack "$@"
	;;
stack-files)
	stack_files
	;;
stacks)
	make_stacks "${2:?name the state folder}"
	;;
*)
	die "usage: $0 run [FLAGS] | setup [FLAGS] | test-deps | host-deps | stacks STATE | stack-files"
	;;
esac
