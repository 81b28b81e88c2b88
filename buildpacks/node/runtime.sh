# shellcheck shell=bash
# shellcheck disable=SC2154 # work is bin/build's scratch folder
# The runtime layer: bin/node and npm, from the npm registry, by npm.

# runtime_install DIR NODE_VERSION NPM_VERSION
runtime_install() {
	local dir=$1 key

	key="node $2 npm $3 $(npm_arch)"
	if layer_is "$dir" "$key"; then
		info "Node.js $2 and npm $3: kept from the last build"
	else
		layer_start "$dir"
		info "fetching Node.js $2"
		runtime_fetch "node-linux-$(npm_arch)@$2" "$work/node"
		mkdir -p "$dir/bin" "$dir/lib/node_modules" "$dir/env.launch"
		mv "$work/node/bin/node" "$dir/bin/node"
		info "fetching npm $3"
		runtime_fetch "npm@$3" "$dir/lib/node_modules/npm"
		ln -s ../lib/node_modules/npm/bin/npm-cli.js "$dir/bin/npm"
		ln -s ../lib/node_modules/npm/bin/npx-cli.js "$dir/bin/npx"
		chmod 755 "$dir/bin/node" "$dir"/lib/node_modules/npm/bin/*.js
		printf production >"$dir/env.launch/NODE_ENV.default"
		printf /app/node_modules/.bin >"$dir/env.launch/PATH.prepend"
		printf : >"$dir/env.launch/PATH.delim"
	fi
	layer_write "$dir" "launch build cache" "$key"
	export PATH="$dir/bin:$PATH"
}

# runtime_fetch PACKAGE@VERSION DIR: unpack it; npm checks its hash.
runtime_fetch() {
	local file

	file=$(cd "$work" && npm pack "$1" --silent 2>"$work/err" | tail -n 1)
	[ -f "$work/${file:-none}" ] || fail \
		"$1 could not be fetched: $(tail -n 1 "$work/err" | tail -c 200)" \
		"Check the server's network and its npm settings, then push again."
	mkdir -p "$2"
	tar -xzf "$work/$file" -C "$2" --strip-components=1 --no-same-owner
	rm -f "$work/$file"
}
