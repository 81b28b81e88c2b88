# shellcheck shell=bash
# What every bundled buildpack shares: output, failing, layer metadata.
# Sourced by bin/detect and bin/build as "$CNB_BUILDPACK_DIR/../lib/common.sh".

# A step of the build, as Heroku prints it; then details below it.
step() {
	printf -- '-----> %s\n' "$*"
}
info() {
	printf '       %s\n' "$*"
}
warn() {
	printf ' !     %s\n' "$*"
}

# End the build: what is wrong, then what to do, a line each.
fail() {
	local line

	for line in "$@"; do
		printf ' !     %s\n' "$line" >&2
	done
	exit 1
}

# Indent what a tool prints.
indent() {
	sed -u 's/^/       /'
}

# A string as a TOML (and JSON) basic string, quotes included.
quoted() {
	jq -Rn --arg s "$1" '$s'
}

# layer_write DIR TYPES KEY: describe the layer; TYPES of "launch build cache".
layer_write() {
	local type

	{
		printf '[types]\n'
		for type in launch build cache; do
			case " $2 " in
			*" $type "*) printf '%s = true\n' "$type" ;;
			*) printf '%s = false\n' "$type" ;;
			esac
		done
		printf '\n[metadata]\nkey = %s\n' "$(quoted "$3")"
	} >"$1.toml"
}

# layer_is DIR KEY: was the layer restored, made from these very inputs?
layer_is() {
	[ -d "$1" ] && [ -f "$1.toml" ] &&
		grep -qxF "key = $(quoted "$2")" "$1.toml"
}

# A layer that is there but made from other inputs goes.
layer_start() {
	rm -rf "$1" "$1.toml"
	mkdir -p "$1"
}

# Layers from Debian are for this machine type in its own words, npm's in its.
npm_arch() {
	case "$(uname -m)" in
	x86_64) echo x64 ;;
	aarch64) echo arm64 ;;
	*) fail "This machine type ($(uname -m)) has no Node.js binaries." \
		"Build on x86_64 or aarch64." ;;
	esac
}
