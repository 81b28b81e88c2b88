#!/usr/bin/perl
# A web server in one script, with what every Debian system has.
use strict;
use warnings;
use IO::Socket::INET;

my $server = IO::Socket::INET->new(
	LocalAddr => '0.0.0.0',
	LocalPort => $ENV{PORT},
	Listen    => 64,
	ReuseAddr => 1,
) or die "listen on $ENV{PORT}: $!\n";
$| = 1;
$SIG{PIPE} = 'IGNORE';
print "listening on $ENV{PORT}\n";
while (my $client = $server->accept()) {
	my $request = <$client> // '';
	while (my $line = <$client>) {
		last if $line =~ /^\r?\n$/;
	}
	my $body = "Hello from a script, $ENV{DYNO}\n";
	print $client "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	  . "Content-Length: " . length($body) . "\r\nConnection: close\r\n\r\n$body";
	close $client;
}
