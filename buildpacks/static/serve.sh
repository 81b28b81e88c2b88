#!/bin/sh
# paas-static ROOT: serve the folder on $PORT with the nginx beside this script.
set -eu

layer=$(dirname "$(dirname "$(readlink -f "$0")")")
run=/tmp/nginx
mkdir -p "$run"
cat >"$run/nginx.conf" <<CONF
daemon off;
worker_processes 1;
pid $run/pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
	include $layer/mime.types;
	default_type application/octet-stream;
	charset utf-8;
	access_log off;
	server_tokens off;
	sendfile on;
	gzip on;
	gzip_types text/css text/plain application/javascript application/json image/svg+xml;
	client_body_temp_path $run/body;
	proxy_temp_path $run/proxy;
	fastcgi_temp_path $run/fastcgi;
	uwsgi_temp_path $run/uwsgi;
	scgi_temp_path $run/scgi;
	port_in_redirect off;
	absolute_redirect off;
	server {
		listen $PORT;
		root $1;
		# All files of an image have one time: it can't tell old from new.
		etag off;
		if_modified_since off;
		add_header Last-Modified "";
		location ~ /\\. { return 404; }
		location ~ ^/(Procfile|Staticfile|static\\.json)\$ { return 404; }
		location / { try_files \$uri \$uri/index.html \$uri.html =404; }
		error_page 404 /404.html;
	}
}
CONF
exec "$layer/bin/nginx" -e stderr -p "$run" -c "$run/nginx.conf"
