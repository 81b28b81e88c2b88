# shellcheck shell=bash
# The dependency layer: node_modules, installed by npm from the lockfile.

# deps_install DIR RUNTIME: leaves node_modules as a link into the layer.
deps_install() {
	local dir=$1 key script

	script=
	[ -z "$(manifest .scripts.build)" ] || script=build
	[ -z "$(manifest '.scripts["heroku-postbuild"]')" ] || script=heroku-postbuild
	key=$(deps_key "$2")
	if [ -e node_modules ] || [ -L node_modules ]; then
		warn "node_modules is in the repository: it is replaced by what the lockfile says."
		rm -rf node_modules
	fi
	if [ -z "$script" ] && layer_is "$dir" "$key"; then
		info "package.json and lockfile unchanged: node_modules kept from the last build"
	else
		layer_start "$dir"
		deps_run "$script"
		mkdir -p node_modules
		mv node_modules "$dir/node_modules"
	fi
	ln -s "$dir/node_modules" node_modules
	layer_write "$dir" "launch" "$key"
}

# All that decides what npm installs.
deps_key() {
	local file

	{
		printf '%s\n' "$1" "${NODE_ENV-}" "${NPM_CONFIG_PRODUCTION-}"
		for file in package.json package-lock.json npm-shrinkwrap.json .npmrc; do
			[ ! -f "$file" ] || sha256sum "$file"
		done
	} | sha256sum | cut -c1-64
}

# deps_run SCRIPT: install, run the build script if there is one, prune.
deps_run() {
	local how=ci

	if [ ! -f package-lock.json ] && [ ! -f npm-shrinkwrap.json ]; then
		how=install
		warn "No package-lock.json: run npm install and commit it, or versions change from build to build."
	fi
	if [ -n "$1" ]; then
		info "npm $how (with development dependencies, for the $1 script)"
		npm "$how" --include=dev 2>&1 | indent || deps_failed "npm $how"
		step "npm run $1"
		npm run "$1" 2>&1 | indent || deps_failed "npm run $1"
		npm prune --omit=dev 2>&1 | indent || deps_failed "npm prune"
	else
		info "npm $how"
		npm "$how" --omit=dev 2>&1 | indent || deps_failed "npm $how"
	fi
}

deps_failed() {
	fail "$1 failed; its output is above." \
		"Make $1 work in a fresh clone, commit what it changes, push again."
}
