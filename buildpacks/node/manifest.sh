# shellcheck shell=bash
# shellcheck disable=SC2154 # work is bin/build's scratch folder
# package.json: is it usable, and what does it say.

MANIFEST_MAX=1048576 # bytes

manifest_check() {
	local size other

	size=$(stat -c %s package.json)
	[ "$size" -le "$MANIFEST_MAX" ] || fail \
		"package.json has $size bytes; the limit is $MANIFEST_MAX." \
		"Move data out of it, commit, push again."
	jq -e 'type == "object"' package.json >/dev/null 2>"$work/jq" || fail \
		"package.json is not one JSON object. $(head -c 200 "$work/jq" | tr -cd '[:print:]')" \
		"Check it with: node -p 'require(\"./package.json\")'"
	jq -e '[.scripts // {}, .engines // {}, .dependencies // {}] | all(type == "object")' \
		package.json >/dev/null || fail \
		'"scripts", "engines" and "dependencies" in package.json must be objects.' \
		'Write for example "engines": {"node": "22.x"}.'
	for other in yarn.lock pnpm-lock.yaml bun.lock bun.lockb; do
		[ ! -f "$other" ] || fail \
			"$other belongs to a package manager that is not supported yet." \
			"Use npm: remove $other, run npm install, commit package-lock.json."
	done
}

# A string in package.json, by its path in jq's form; empty when absent.
manifest() {
	jq -r "($1 // \"\") | if type == \"string\" then . else \"\" end" package.json
}

# How `web` is started, as launch.toml: the start script run without npm in
# between (npm stays resident and passes no signals on), main, server.js.
manifest_launch() {
	local start main command

	start=$(manifest .scripts.start)
	main=$(manifest .main)
	if [ -n "$start" ]; then
		command=$start
		if [ -n "$(manifest .scripts.prestart)$(manifest .scripts.poststart)" ]; then
			command="npm start"
		fi
	elif [ -n "$main" ] && [ -f "$main" ]; then
		command="node $(printf %q "$main")"
	elif [ -f server.js ]; then
		command="node server.js"
	elif [ -f index.js ]; then
		command="node index.js"
	else
		[ -f Procfile ] || fail \
			"Nothing tells how to start this app: there is no start script, main, server.js or index.js." \
			'Add "scripts": {"start": "node FILE"} to package.json or a Procfile, commit, push again.'
		return 0
	fi
	printf '[[processes]]\ntype = "web"\ncommand = ["bash", "-c", %s]\ndefault = true\n' \
		"$(quoted "$command")"
}
