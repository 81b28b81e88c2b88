"""Flow tests: one platform for all that can share it; needs root."""

import os
import shutil
import tempfile

import pytest

from platform_run import PAAS, Platform


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        pytest.exit("the flow tests start containers: run them as root", 2)
    if not PAAS.exists():
        pytest.exit("build first: make all", 2)


@pytest.fixture(scope="session")
def folder():
    # World-searchable, since the daemons run as users of their own.
    path = tempfile.mkdtemp(prefix="paas-flow-")
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def platform(folder):
    p = Platform(folder + "/shared")
    try:
        yield p.start()
    finally:
        p.stop()


@pytest.fixture(scope="session")
def node_app(platform):
    """The Node sample, pushed once; tests may push more onto it."""
    app = platform.app("hello", sample="node")
    app_push = platform.push(app)
    return app, app_push


SCRIPT_SERVER = """
use strict; use warnings; use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $ENV{PORT},
    Listen => 128, ReuseAddr => 1) or die "listen: $!\\n";
$| = 1; $SIG{PIPE} = 'IGNORE'; $SIG{CHLD} = 'IGNORE';
print "up VERSION\\n";
while (my $c = $s->accept()) {
    my $pid = fork(); if ($pid) { close $c; next }
    while (my $line = <$c>) {
        while (defined(my $h = <$c>)) { last if $h =~ /^\\r?\\n$/ }
        my $b = "VERSION $ENV{DYNO} " . ($ENV{COLOR} // '') . "\\n";
        print $c "HTTP/1.1 200 OK\\r\\nContent-Length: " . length($b) . "\\r\\n\\r\\n$b";
    }
    exit 0;
}
"""


@pytest.fixture(scope="session")
def script_files():
    """Files of an app that needs no dependency: a keep-alive Perl server."""
    def make(version="v1"):
        return {"Procfile": "web: perl server.pl\n",
                "server.pl": SCRIPT_SERVER.replace("VERSION", version)}
    return make
