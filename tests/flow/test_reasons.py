"""A release that does not go live says why: one test for each reason."""

import pytest

from platform_run import Platform

LISTEN = r"""
use strict; use warnings; use IO::Socket::IP;
my $s = IO::Socket::IP->new(LocalAddr => 'ADDRESS', LocalPort => PORT, Listen => 5, V6Only => 1,
    GetAddrInfoFlags => 0)
    or die "listen: $@\n";
$| = 1; print "listening\n";
while (my $c = $s->accept()) { my $l = <$c>; print $c "HTTP/1.1 STATUS X\r\nContent-Length: 0\r\nMORE\r\n"; close $c }
"""


def listen(address="0.0.0.0", port="$ENV{PORT}", status="200", more=""):
    text = LISTEN.replace("ADDRESS", address).replace("PORT};", "PORT};").replace(
        "LocalPort => PORT", "LocalPort => " + port)
    return {"Procfile": "web: perl server.pl\n",
            "server.pl": text.replace("STATUS", status).replace("MORE", more)}


@pytest.fixture(scope="module")
def quick(folder):
    p = Platform(folder + "/reasons", flags=["--set", "boot_seconds=3", "--set", "app_memory=64M",
                                             "--set", "size=basic memory=64M"])
    p.start()
    try:
        yield p
    finally:
        p.stop()


@pytest.fixture(scope="module")
def good(quick):
    app = quick.app("reasons", files=listen())
    quick.push(app)
    return app


@pytest.mark.parametrize("files, told", [
    (listen(port="3000"), ["Error R10 (Boot timeout)", "it listens on 3000 instead of", "listening"]),
    (listen(address="::"), ["Error R10 (Boot timeout)", "by IPv6 alone"]),
    ({"Procfile": "web: echo deaf; sleep 1000\n"}, ["Error R10", "it listens on no port at all", "deaf"]),
    ({"Procfile": "web: echo bye; exit 9\n"}, ["exited with status 9", "bye"]),
    ({"Procfile": "web: echo ouch; kill -SEGV $$\n"}, ["ouch", "139"]),
    ({"Procfile": "web: echo grow; perl -e '$x .= \"x\" x 1e7 while 1'\n"},
     ["out of memory", "64 MiB"]),
    (listen(status="503"), ["health check of / was answered with 503, the release before with 200"]),
])
def test_why(quick, good, files, told):
    quick.commit(good, "bad", files)
    push = quick.push(good, check=False)
    assert push.returncode != 0
    for text in told:
        assert text in push.stderr, push.stderr
    assert "goes on serving" in push.stderr
    assert quick.get("reasons")[0] == 200
    quick.git("reset", "-q", "--hard", "HEAD~1", cwd=good)


def test_fifty_lines_are_shown_and_the_releases_say_why(quick, good):
    quick.commit(good, "bad", {"Procfile": "web: seq -f 'line-%g.' 1 70; exit 5\n"})
    push = quick.push(good, check=False)
    assert "line-70." in push.stderr and "line-21." in push.stderr and "line-20." not in push.stderr
    releases = quick.paas("releases", "--app", "reasons").stdout
    assert "exited with status 5" in releases
    newest = quick.api("GET", "/apps/reasons/releases")[1][-1]["version"]
    info = quick.paas("releases:info", f"v{newest}", "--app", "reasons").stdout
    assert "exited with status 5" in info


def test_localhost_is_fine(quick, good):
    quick.commit(good, "local", listen(address="127.0.0.1"))
    quick.push(good)
