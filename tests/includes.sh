#!/usr/bin/env bash
# Who may include whom: base <- wire; base <- ev <- ipc, proc; these <- the
# programs; no program includes another's files; nobody includes tests; each
# library in its own folders alone.
set -u

status=0
complain() {
	printf '%s: may not include %s\n' "$1" "$2" >&2
	status=1
}

# allowed FOLDER: the lib folders that files in it may use.
allowed() {
	case "$1" in
	lib/base) echo "base" ;;
	lib/wire) echo "base wire" ;;
	lib/ev) echo "base ev" ;;
	lib/ipc) echo "base wire ev ipc" ;;
	lib/proc) echo "base wire ipc proc" ;;
	runtime/shim | builder/launcher | builder/inner | builder/inner/phase) echo "base wire" ;;
	*) echo "base wire ev ipc proc" ;;
	esac
}

# users_of HEADER: the folders that may use this library, in $users.
users_of() {
	case "$1" in
	git2.h | git2/*) users="gitd/receive" ;;
	zlib.h) users="gitd builder/inner/phase" ;;
	microhttpd.h) users="gitd web/api" ;;
	sqlite3.h) users="web/store" ;;
	jansson.h) users="web web/api builder builder/inner builder/inner/phase cli" ;;
	archive.h | archive_entry.h) users="builder/inner" ;;
	openssl/*) users="router web/store builder/inner runtime/outbound" ;;
	curl/*) users="cli runtime/outbound" ;;
	libmnl/*) users="runtime/jail" ;;
	*) return 1 ;;
	esac
}

# program_of FILE: the folder of the program that it is part of, in $program.
program_of() {
	case "$1" in
	runtime/*/* | gitd/receive/*)
		program=${1#*/}
		program=${1%%/*}/${program%%/*}
		;;
	# The two halves of the lifecycle share how an environment is made.
	builder/inner/* | builder/launcher/*) program=lifecycle ;;
	*) program=${1%%/*} ;;
	esac
}

while IFS=: read -r file line; do
	path=${line#*\"}
	path=${path%%\"*}
	folder=${file%/*}
	first=${path%%/*}
	case "$path" in
	*..* | tests/*) complain "$file" "$path" ;;
	# The shim speaks the frames, without the loop that peers need.
	ipc/msg.h | ipc/role.h)
		case " $(allowed "$folder") runtime/shim " in
		*" ipc "* | *" $folder "*) ;;
		*) complain "$file" "$path" ;;
		esac
		;;
	base/* | wire/* | ev/* | ipc/* | proc/*)
		case " $(allowed "$folder") " in
		*" $first "*) ;;
		*) complain "$file" "$path" ;;
		esac
		;;
	*)
		# The program's own: beside the file, or below its top folder.
		program_of "$file"
		own=$program
		target=$folder/$path
		[ -f "$target" ] || target=${file%%/*}/$path
		program_of "$target"
		if [ ! -f "$target" ] || [ "$program" != "$own" ]; then
			complain "$file" "$path"
		fi
		;;
	esac
done < <(grep -rn --include='*.[ch]' '^#include "' lib gitd builder runtime router web cli |
	sed 's/:[0-9]*:/:/')
while IFS=: read -r file line; do
	path=${line#*<}
	path=${path%%>*}
	users_of "$path" || continue
	case " $users " in
	*" ${file%/*} "*) ;;
	*) complain "$file" "$path" ;;
	esac
done < <(grep -rn --include='*.[ch]' '^#include <' lib gitd builder runtime router web cli |
	sed 's/:[0-9]*:/:/')
exit $status
