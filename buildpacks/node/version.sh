# shellcheck shell=bash
# shellcheck disable=SC2154 # work is bin/build's scratch folder
# Which Node.js and npm: what the app asks for, resolved by npm against the
# registry's versions of the package that holds Node's own binaries.

VERSION_DEFAULT=24.x # the active long-term release

# Sets node_version and npm_version, prints the choice.
version_choose() {
	local request from

	version_request
	case "$request" in
	*[!0-9A-Za-z.*\ \<\>=^~\|-]*) fail \
		"The Node.js version in $from has characters that no version has." \
		'Write a version or a range: "22.x", ">=20 <23", "22.11.0".' ;;
	esac
	[ "${#request}" -le 128 ] || fail \
		"The Node.js version in $from is longer than 128 characters." \
		'Write a version or a range such as "22.x".'
	node_version=$(version_resolve "node-linux-$(npm_arch)" "$request")
	[ -n "$node_version" ] || fail \
		"No Node.js version matches \"$request\" (from $from)." \
		"Choose another in $from; any of them can be used: npm view node-linux-$(npm_arch) versions"
	info "requested $request from $from, using $node_version"
	version_npm
}

# The first place that names one wins. Sets request and from.
version_request() {
	local file

	from="engines.node in package.json"
	request=$(manifest .engines.node)
	[ -z "$request" ] || return 0
	for file in .nvmrc .node-version; do
		[ -f "$file" ] || continue
		from=$file
		request=$(head -c 256 "$file" | head -n 1 | tr -d ' \t\r')
		request=${request#v}
		case "$request" in
		node | stable | "lts/*" | "") request=$VERSION_DEFAULT ;;
		lts/hydrogen) request=18.x ;;
		lts/iron) request=20.x ;;
		lts/jod) request=22.x ;;
		lts/krypton) request=24.x ;;
		esac
		return 0
	done
	from="the default (package.json names none)"
	request=$VERSION_DEFAULT
}

# The newest version of a package in a range; empty when there is none. The
# registry is asked once a day for each range, so that a push that changes
# nothing here waits for nobody.
version_resolve() {
	local known=/cache/versions/$1@${2//[^0-9A-Za-z.]/_}

	if [ -z "$(find "$known" -mmin -1440 2>/dev/null)" ] ||
		[ "$(head -n 1 "$known")" != "$2" ]; then
		version_ask "$1" "$2" >"$work/version"
		[ -s "$work/version" ] || return 0
		mkdir -p /cache/versions
		{
			printf '%s\n' "$2"
			cat "$work/version"
		} >"$known"
	fi
	sed -n 2p "$known"
}

version_ask() {
	npm view "$1@$2" version --json >"$work/view" 2>"$work/err" || {
		grep -q 'E404\|ETARGET' "$work/err" && return 0
		fail "The npm registry did not answer: $(grep -m1 'npm ERR!' "$work/err" | tail -c 200)" \
			"Check the server's network and its npm settings, then push again."
	}
	[ -s "$work/view" ] || return 0
	jq -r 'if type == "array" then .[] else . end' "$work/view" | sort -V | tail -n 1
}

# npm: what engines.npm says, else the one that this Node.js came with.
version_npm() {
	local range

	range=$(manifest .engines.npm)
	case "$range" in
	*[!0-9A-Za-z.*\ \<\>=^~\|-]*) fail \
		"engines.npm in package.json has characters that no version has." \
		'Write a range such as "10.x".' ;;
	"")
		case "${node_version%%.*}" in
		[0-9] | 1[0-4]) range=6.x ;;
		15 | 16 | 17) range=8.x ;;
		18 | 19 | 20 | 21 | 22 | 23) range=10.x ;;
		*) range=11.x ;;
		esac
		;;
	esac
	npm_version=$(version_resolve npm "$range")
	[ -n "$npm_version" ] || fail "No npm version matches \"$range\" (engines.npm)." \
		"Choose another in package.json, or remove engines.npm."
}
