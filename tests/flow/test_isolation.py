"""What code of strangers reaches: inside an instance, and inside a build.

Each script tries what it may not and says BAD for each thing that worked; a
connection that is allowed and the line "tried" show that it did try.
"""

import re
import socket
import subprocess
import threading

import pytest

from platform_run import wait_until

TOOLS = r"""
bad() { echo "BAD $*"; }
may_not() { if "$@" >/dev/null 2>&1; then bad "$@"; fi; }
kernel() {
    may_not unshare -U true; may_not unshare -n true; may_not unshare -m true
    may_not mount -t tmpfs none /mnt; may_not mount --bind /tmp /etc
    may_not umount /proc; may_not chroot / true; may_not mknod /tmp/disk b 8 0
    may_not nsenter -t 1 -n true; may_not hostname other; may_not dmesg
    may_not sh -c 'echo x > /proc/sys/kernel/core_pattern'
    may_not sh -c 'echo b > /proc/sysrq-trigger'
    may_not chown 0 /tmp; may_not su -c true
    grep -q '^CapBnd:.0*$' /proc/self/status || bad capabilities
    grep -q '^NoNewPrivs:.1$' /proc/self/status || bad new privileges
    grep -q '^Seccomp:.2$' /proc/self/status || bad no filter
}
files() {
    for f in /etc/passwd /etc/hosts /etc/resolv.conf /usr/bin/new \
             /cnb/lifecycle/launcher /cnb/lifecycle/new /new; do
        if (echo x >> $f) 2>/dev/null; then bad "wrote $f"; fi
    done
    for f in /etc/shadow /proc/kcore /proc/kmsg /dev/mem /run/paas /var/lib/paas; do
        if [ -r $f ]; then bad "reads $f"; fi
    done
    for f in /proc/kallsyms /proc/keys /proc/timer_list; do
        if [ -s $f ] && [ -n "$(head -c1 $f 2>/dev/null)" ]; then bad "sees $f"; fi
    done
    may_not mv /app /app2
    for fd in /proc/self/fd/* /proc/1/fd/*; do
        case "$(readlink $fd)" in
            ''|pipe:*|/dev/null|/dev/pts/*|/proc/*|anon_inode:*|/app/*|/run/*out|/run/*err|/tmp/*) ;;
            *) bad "holds $(readlink $fd)" ;;
        esac
    done
    for p in /proc/[0-9]*; do
        case "$(tr '\0' ' ' < $p/cmdline 2>/dev/null)" in
            *paas-jail*|*paas-web*|*paas-shim*|*paas-super*) bad "sees a daemon" ;;
        esac
    done
}
network() {
    perl tries.pl "$@"
}
"""

TRIES = r"""
use strict; use IO::Socket::INET;
my $own = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "listen: $!";
print IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $own->sockport, Timeout => 5)
    ? "control reached\n" : "control failed\n";
for my $to (@ARGV) {
    my ($host, $port) = split /:/, $to;
    print "BAD reached $to\n"
        if IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => 3);
}
"""

EATS = r"""
use strict; $| = 1;
my $what = shift;
if ($what eq 'pids') {
    my $n = 0;
    while ($n < 20000) { my $p = fork(); last unless defined $p; if (!$p) { sleep 60; exit } $n++ }
    print "forked $n\n"; kill 'KILL', -1;
}
if ($what eq 'memory') { my @all; for (1 .. 64) { push @all, 'x' x (64 << 20) } print "BAD has 4 GB\n" }
if ($what eq 'disk') {
    open(my $f, '>', '/tmp/fill') or die; my $n = 0;
    while ($n < 8192 && syswrite($f, 'x' x (1 << 20)) == (1 << 20)) { $n++ }
    print $n >= 8192 ? "BAD wrote 8 GB\n" : "wrote $n MB\n";
}
if ($what eq 'inodes') {
    my $n = 0;
    while ($n < 3000000 && open(my $f, '>', "/tmp/f$n")) { $n++ }
    print $n >= 3000000 ? "BAD made 3,000,000 files\n" : "made $n files\n";
}
"""


def addresses():
    """Of the host, and of every instance on it."""
    out = subprocess.run(["ip", "-4", "-o", "route"], capture_output=True, text=True, check=True).stdout
    own = re.findall(r"\bsrc (\d+\.\d+\.\d+\.\d+)", out)
    instances = re.findall(r"^(\d+\.\d+\.\d+\.\d+) dev paas", out, re.M)
    return sorted(set(own)), instances


def targets(platform, port):
    own, instances = addresses()
    return ([f"{a}:{port}" for a in [*own, "169.254.1.1"]] +
            [f"127.0.0.1:{platform.port}", f"169.254.1.1:{platform.port}", "169.254.169.254:80"] +
            [f"{a}:{p}" for a in instances for p in (80, port)])


@pytest.fixture(scope="module")
def host_port():
    """A service of the host on all of its addresses; it would answer."""
    with socket.socket() as s:
        s.bind(("0.0.0.0", 0))
        s.listen(16)
        stop = threading.Event()

        def serve():
            s.settimeout(0.2)
            while not stop.is_set():
                try:
                    s.accept()[0].close()
                except OSError:
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield s.getsockname()[1]
        stop.set()
        thread.join()


@pytest.fixture(scope="module")
def hostile(platform, script_files):
    folder = platform.app("hostile", files={
        **script_files("v1"), "tools.sh": TOOLS, "tries.pl": TRIES, "eats.pl": EATS})
    platform.push(folder)
    return folder


def in_instance(platform, hostile, *command):
    done = platform.paas("run", "--", *command, cwd=hostile, check=False)
    return done.stdout + done.stderr


def bad(text):
    return [line for line in text.splitlines() if "BAD" in line]


def test_an_instance_reaches_nothing_of_the_host(platform, hostile, host_port):
    with socket.create_connection(("127.0.0.1", host_port), timeout=5):
        pass  # the service is there
    out = in_instance(platform, hostile, "bash", "-c",
                      ". ./tools.sh; kernel; files; network "
                      + " ".join(targets(platform, host_port)) + "; echo tried")
    assert "control reached" in out and "tried" in out, out
    assert not bad(out), out


@pytest.mark.parametrize("what", ["pids", "memory", "disk", "inodes"])
def test_an_instance_that_eats_all_stays_alone(platform, hostile, what):
    out = in_instance(platform, hostile, "perl", "eats.pl", what)
    assert not bad(out), out
    if what == "pids":
        assert 0 < int(re.search(r"forked (\d+)", out).group(1)) < 5000
    assert platform.get("hostile")[0] == 200


def test_a_build_reaches_nothing_and_its_image_is_plain(platform, hostile, host_port):
    """Code in a build: what it tries, and what it leaves for the export."""
    tries = r"""
cp /bin/true "$PWD/setuid"; chmod 6755 "$PWD/setuid"
ln -s /etc/passwd passwd-link; ln -s / root-link; mkfifo pipe; truncate -s 50M sparse
ln -s /etc /layers/evil; mkdir -p /layers/config
if [ -f link-as-layer ]; then
    printf '[types]\nlaunch = true\n' > /layers/paas_node/passwd.toml
    ln -s /etc /layers/paas_node/passwd
fi
printf '{"buildpacks":[{"id":"paas/node","layers":[{"name":"../../../etc","launch":true}]}]}' > /layers/config/built.json
printf '[[processes]]\ntype = "../../x"\n' > /layers/config/metadata.toml
mknod /cache/white c 0 0; ln -s /etc /cache/npm-link; chmod 4755 /cache
if echo '{"image":"x"}' 2>/dev/null >&4; then :; fi
echo tried
"""
    package = ('{"name":"evil","version":"1.0.0","scripts":{"heroku-postbuild":"sh attack.sh"},'
               '"engines":{"node":"24.x"}}')
    lock = ('{"name":"evil","version":"1.0.0","lockfileVersion":3,"requires":true,'
            '"packages":{"":{"name":"evil","version":"1.0.0"}}}')
    folder = platform.app("evilbuild", files={
        "package.json": package, "package-lock.json": lock,
        "Procfile": "web: perl server.pl\n",
        "server.pl": (hostile / "server.pl").read_text(),
        "tools.sh": TOOLS, "tries.pl": TRIES, "link-as-layer": "",
        "attack.sh": ". ./tools.sh; kernel; files; network "
                     + " ".join(targets(platform, host_port)) + "\n" + tries})
    done = platform.push(folder, check=False)
    assert done.returncode != 0 and "layer passwd of paas/node" in done.stderr, done.stderr
    (folder / "link-as-layer").unlink()
    platform.commit(folder)
    done = platform.push(folder, check=False)
    assert "control reached" in done.stderr and "tried" in done.stderr, done.stderr
    assert not bad(done.stderr), done.stderr
    assert done.returncode == 0, done.stderr
    wait_until(lambda: platform.get("evilbuild")[0] == 200, "it serves")
    out = platform.paas("run", "--", "bash", "-c",
                        "find /app /layers -perm /6000; readlink passwd-link root-link; "
                        "ls -d /layers/evil /layers/paas_node/passwd; test -p pipe && echo a pipe; "
                        "stat -c 'etc %F %u' /etc", cwd=folder, check=False).stdout
    assert "etc directory 0" in out
    assert "setuid" not in out and "a pipe" not in out, out
    assert "/etc/passwd" in out  # a link is a link, of the image's own tree
    assert platform.get("hostile")[0] == 200
