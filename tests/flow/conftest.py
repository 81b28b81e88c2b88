"""Flow tests: one platform for all that can share it; needs root."""

import fcntl
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from platform_run import PAAS, Platform

PREFIX = "paas-flow-"


def lock(folder, flags=0):
    """The lock of a session's folder, None while its runner lives."""
    try:
        fd = os.open(f"{folder}/runner", os.O_RDWR | flags, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd


def records(folder):
    """The platforms of a session's folder: (run folder, state folder)."""
    for record in pathlib.Path("/run/paas").glob("*/state"):
        state = pathlib.Path(record.read_text().strip())
        if pathlib.Path(folder) in state.parents:
            yield record.parent, state


def clean_up_after(folder):
    """End what a runner that was killed left: platforms, instances, files."""
    for run, state in list(records(folder)):
        subprocess.run([PAAS, "server", "--stop", "--state", state], capture_output=True)
        if run.exists():  # instances alone: whoever adopts them can end them
            p = Platform(state.parent)
            p.state = state
            p.start().stop()
    shutil.rmtree(folder, ignore_errors=True)


def pytest_configure(config):
    if os.geteuid() != 0 or not PAAS.exists():
        return
    for folder in pathlib.Path(tempfile.gettempdir()).glob(PREFIX + "*"):
        held = lock(folder)
        if held is not None:
            clean_up_after(folder)
            os.close(held)


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        pytest.exit("the flow tests start containers: run them as root", 2)
    if not PAAS.exists():
        pytest.exit("build first: make all", 2)


@pytest.fixture(scope="session")
def folder():
    # World-searchable, since the daemons run as users of their own.
    path = tempfile.mkdtemp(prefix=PREFIX)
    os.chmod(path, 0o755)
    held = lock(path, os.O_CREAT)
    yield path
    left = [i for run, _ in records(path) for i in run.glob("i/*")]
    assert left == [], "instances outlive the session"
    shutil.rmtree(path, ignore_errors=True)
    os.close(held)


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
        select(undef, undef, undef, $ENV{PAUSE}) if $ENV{PAUSE};
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
