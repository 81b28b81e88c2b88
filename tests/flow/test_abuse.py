"""An abuse suite run inside an instance (tests/abuse), against real peers.

The platform has a network of its own: host services, a peer app, metadata and
private addresses really listen, and one address is allowed as a control.
"""

import ctypes
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess

import pytest

import own_net
from load import Load
from platform_run import ROOT, Platform, wait_until

ABUSE = ROOT / "build/abuse"
AREAS = ["identity", "files", "escapes", "calls", "network"]
CHECKS = [line.split() for line in
          subprocess.run([ABUSE, "--list"], capture_output=True, text=True, check=True).stdout.splitlines()] \
    if ABUSE.exists() else []
FLOOD = "load-log-flood"  # its output must go to the log
LOADS = [name for area, name in CHECKS if area == "load" and name != FLOOD]
# What of it would hurt the host if it were run there.
HURTS = ["sys-reboot-swap-acct"]
# What has to be run in the platform's own network to meet what it looks for.
OWN_NET = ["net-metadata", "net-private", "net-host-services", "net-host-datagrams", "net-host-loopback",
           "net-host-unix", "net-peer-apps", "net-multicast", "ipc-namespace"]
# What a root of some host can't do either: its kernel has it not, it is root in
# a container; or an instance alone has it, or reaches it once there is a link.
UP_TO_THE_HOST = {
    "no-groups-of-the-host", "secrets-of-others", "proc-sysrq", "kernel-memory-read", "kernel-log",
    "runtime-binary", "enter-namespaces", "setuid-is-inert", "terminal-of-others", "hard-links-to-others",
    "proc-root-other", "cgroup-namespace", "sys-bpf", "sys-perf", "sys-modules-kexec", "sys-userfaultfd",
    "sys-io-uring", "sys-fanotify", "sys-io-ports", "sys-keyring", "other-architectures", "open-files-limit",
    "strange-calls", "net-allowed-works", "net-peer-apps", "net-host-gateway",
    "net-spoofed-source", "net-link-local-v6"}
SHM_KEY = 0x70616173
IPC_CREAT, IPC_RMID = 0o1000, 0

PEER = """
use strict; use warnings; use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalAddr => '0.0.0.0', LocalPort => $ENV{PORT},
    Listen => 128, ReuseAddr => 1) or die "listen: $!\\n";
$| = 1; $SIG{PIPE} = 'IGNORE'; $SIG{CHLD} = 'IGNORE';
while (my $c = $s->accept()) {
    my $pid = fork(); if ($pid) { close $c; next }
    while (my $line = <$c>) {
        while (defined(my $h = <$c>)) { last if $h =~ /^\\r?\\n$/ }
        my $b = "port $ENV{PORT}\\n";
        print $c "HTTP/1.1 200 OK\\r\\nContent-Length: " . length($b) . "\\r\\n\\r\\n$b";
    }
    exit 0;
}
"""


@pytest.fixture(scope="module")
def net():
    n = own_net.OwnNet()
    with n.inside():
        yield n
    n.close()


@pytest.fixture(scope="module")
def walled(folder, net):
    """A platform in that network."""
    p = Platform(folder + "/abuse", flags=["--set", "stop_seconds=2"])
    try:
        yield p.start()
    finally:
        p.stop()


@pytest.fixture(scope="module")
def peer(walled):
    """A neighbour: (host name, its port inside, its address)."""
    app = walled.app("peer", files={"Procfile": "web: perl peer.pl\n", "peer.pl": PEER})
    walled.push(app)
    port = walled.get("peer")[1].split()[1]
    routes = subprocess.run(["ip", "-4", "route"], capture_output=True, text=True, check=True).stdout
    address = re.search(r"^(\S+) dev paas", routes, re.M).group(1)
    return "peer.localhost", port, address


@pytest.fixture(scope="module")
def hostile(walled, peer, script_files):
    folder = walled.folder / "apps/hostile"
    folder.mkdir(parents=True)
    shutil.copy2(ABUSE, folder / "abuse")
    files = script_files("v1")
    files["Procfile"] += f"flood: ./abuse {FLOOD}\n"
    walled.write(folder, files)
    walled.git("init", "-q", "-b", "main", cwd=folder)
    walled.paas("create", "hostile", cwd=folder)
    walled.commit(folder)
    walled.push(folder)
    return folder


@pytest.fixture(scope="module")
def prey(walled, net, peer):
    """KEY=VALUE for the suite: what is really there to be reached."""
    libc = ctypes.CDLL(None)
    segment = libc.shmget(SHM_KEY, 4096, IPC_CREAT | 0o666)
    assert segment != -1
    web = net.listen(net.internet, own_net.ALLOWED, 80)
    for address in (own_net.METADATA, own_net.PRIVATE):
        net.listen(net.internet, address, 80)
    port = net.listen(net.host, "0.0.0.0")
    datagrams = net.echo(net.host, "0.0.0.0")
    net.listen(net.host, "\0paas-abuse", family=socket.AF_UNIX)
    run = walled.run
    _, peer_port, peer_address = peer
    for reached in ((own_net.METADATA, 80), (own_net.PRIVATE, 80), (own_net.HOST, port)):
        socket.create_connection(reached, timeout=10).close()  # the host itself may
    yield [f"allowed={own_net.ALLOWED}:{web}",
           f"metadata={own_net.METADATA}:80", f"private={own_net.PRIVATE}:80",
           f"host={own_net.HOST}:{port}", f"host={own_net.HOST}:{walled.port}",
           f"gateway=169.254.1.1:{port}", f"gateway=169.254.1.1:{walled.port}",
           f"datagram={own_net.HOST}:{datagrams}", f"datagram=169.254.1.1:{datagrams}", f"everybody={datagrams}",
           f"peer={peer_address}:{peer_port}", f"spoof={peer_address}",
           "unix=paas-abuse", f"shm={SHM_KEY}", f"hostname={socket.gethostname()}",
           f"path={walled.state}", f"path={run}", f"path={run}/web.sock",
           f"path={run}/jail.sock", f"path={run}/plan.sock",
           f"secret={walled.env()['PAAS_TOKEN']}"]
    libc.shmctl(segment, IPC_RMID, None)


def results(text):
    return {name: line for line in text.splitlines()
            for name in re.findall(r"^(?:ok|BAD|none) ([a-z0-9-]+)", line)}


def test_there_are_enough_checks():
    names = [name for _, name in CHECKS]
    assert len(names) >= 60 and len(set(names)) == len(names)
    assert {area for area, _ in CHECKS} == {*AREAS, "load"}


def test_the_suite_finds_what_is_open(prey):
    """On the host itself, as root, it must cry: it is no suite that always passes."""
    names = [name for area, name in CHECKS if area != "load" and name not in (*HURTS, *OWN_NET)]
    outside = subprocess.run(["unshare", "--mount", ABUSE, *OWN_NET, *prey],
                             capture_output=True, text=True, timeout=120).stdout
    # What would change the host's network, name and mounts changes copies.
    done = subprocess.run(["unshare", "--mount", "--uts", "--net", ABUSE, *names, *prey],
                          capture_output=True, text=True, timeout=120)
    text = outside + done.stdout
    cried = {line.split(":")[0].removeprefix("BAD ") for line in text.splitlines() if line.startswith("BAD")}
    quiet = {*names, *OWN_NET} - cried - UP_TO_THE_HOST
    assert quiet == set(), text[-20000:]


@pytest.mark.parametrize("area", AREAS)
def test_contained(walled, hostile, prey, area):
    done = walled.paas("run", "--", "./abuse", area, *prey, cwd=hostile, check=False)
    assert done.stdout.rstrip().endswith("tried"), done.stdout + done.stderr
    got = results(done.stdout)
    expected = {name for a, name in CHECKS if a == area}
    assert set(got) == expected
    wrong = [line for line in done.stdout.splitlines() if not line.startswith(("ok ", "tried"))]
    assert wrong == [], "\n".join(wrong)


def with_a_neighbour(walled, peer, act):
    """Do act() while the neighbour is asked; the load, and its p99 before."""
    host = f"{peer[0]}:{walled.port}"
    with Load(walled.port, host, keepalive=1, fresh=1, pause=0.01) as quiet:
        wait_until(lambda: quiet.answers > 200, "the neighbour answers")
    with Load(walled.port, host, keepalive=1, fresh=1, pause=0.01) as load:
        act()
        seen = load.answers
        wait_until(lambda: load.answers > seen + 100, "the neighbour goes on")
    assert quiet.failures == [] and load.failures == []
    return f"the neighbour's p99 {quiet.p99():.1f} ms quiet, {load.p99():.1f} ms beside it"


@pytest.mark.parametrize("name", LOADS)
def test_nuisances_stay_at_home(walled, hostile, peer, name, capsys):
    said = []

    def act():
        done = walled.paas("run", "--", "./abuse", name, cwd=hostile, check=False)
        said.extend((done.stdout + done.stderr).splitlines())
    text = with_a_neighbour(walled, peer, act)
    with capsys.disabled():
        print(f"\n{name}: {text}")
    assert [line for line in said if "BAD" in line] == []
    wait_until(lambda: len(walled.api("GET", "/apps/hostile/dynos")[1]) == 1, "the one-off is gone")
    assert walled.get("hostile")[0] == 200


def test_a_log_flood_stays_at_home(walled, hostile, peer, capsys):
    """1 GB of lines: bounded on disk, counted, and nobody else's lines are lost."""
    def act():
        walled.paas("ps:scale", "flood=1", cwd=hostile)
        wait_until(lambda: "dropped" in walled.paas("logs", "-n", "1500", cwd=hostile).stdout,
                   "what was dropped is counted")
        walled.paas("ps:scale", "flood=0", cwd=hostile)
    text = with_a_neighbour(walled, peer, act)
    with capsys.disabled():
        print(f"\nload-log-flood: {text}")
    ids = {d.name: sum(f.stat().st_size for f in d.iterdir()) for d in (walled.state / "logs").iterdir()}
    assert max(ids.values()) < 64 << 20, ids


# --- images, and what is only seen from outside ----------------------------

@pytest.fixture
def layer(walled, hostile):
    """The app's own layer in the store, as a hostile image would bring it."""
    found = [f.parents[1] for f in (walled.state / "store/layers").glob("*/app/abuse")]
    assert len(found) == 1
    before = {f.name for f in found[0].iterdir()}
    yield found[0]
    for f in found[0].iterdir():
        if f.name not in before:
            shutil.rmtree(f) if f.is_dir() and not f.is_symlink() else f.unlink()
    moved = found[0].with_suffix(".app")
    if moved.exists():
        (found[0] / "app").unlink()
        moved.rename(found[0] / "app")


@pytest.mark.parametrize("place,to", [
    ("etc", "/"), ("etc", "proc/self/fd/7"), ("dev", "tmp"), ("proc", "/etc"),
    ("cnb", "../../../../../../tmp"), ("app", "/proc/self/fd/7")])
def test_an_image_whose_places_are_links_is_not_started(walled, hostile, layer, place, to):
    if place == "app":
        (layer / "app").rename(layer.with_suffix(".app"))
    os.symlink(to, layer / place)
    done = walled.paas("run", "--", "true", cwd=hostile, check=False)
    assert done.returncode != 0
    assert f"{place} of the image is a link" in done.stdout + done.stderr, done.stdout + done.stderr


def test_a_link_in_the_place_of_a_mounted_file_leads_nowhere(walled, hostile, layer, folder):
    prey = f"{folder}/prey"
    owner = (layer / "app").stat().st_uid - 1000  # of root, in the store
    (layer / "etc").mkdir()
    for name in ("hosts", "resolv.conf"):
        os.symlink(prey, layer / "etc" / name)
    for f in (layer / "etc", *(layer / "etc").iterdir()):
        os.chown(f, owner, owner, follow_symlinks=False)
    done = walled.paas("run", "--", "cat", "/etc/hosts", cwd=hostile)
    assert "localhost" in done.stdout
    assert not os.path.exists(prey)


def test_setuid_files_and_devices_of_an_image_are_inert(walled, hostile, layer):
    owner = (layer / "app").stat().st_uid - 1000  # of root, in the store
    extra = layer / "extra"
    extra.mkdir(mode=0o755)
    shutil.copy("/usr/bin/id", extra / "id")
    os.mknod(extra / "memory", 0o666 | stat.S_IFCHR, os.makedev(1, 1))
    os.mknod(extra / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    for f in (extra, *extra.iterdir()):
        os.chown(f, owner, owner)
    os.chmod(extra / "id", 0o6755)
    os.chmod(extra / "memory", 0o666)
    os.chmod(extra / "null", 0o666)
    out = walled.paas("run", "--", "sh", "-c",
                      "stat -c '%a %u' /extra/id; /extra/id -u; id -u; "
                      "cat /extra/memory; cat /extra/null; echo tried", cwd=hostile, check=False)
    lines = out.stdout.splitlines()
    assert lines[:3] == ["6755 0", "1000", "1000"] and lines[-1] == "tried", out
    assert "memory: Permission denied" in out.stdout + out.stderr
    assert "null: Permission denied" in out.stdout + out.stderr


def test_a_process_that_ignores_sigterm_is_stopped(walled, hostile, script_files):
    stay = "stay: sh -c \"trap '' TERM; echo here; while :; do sleep 1; done\"\n"
    folder = walled.app("stubborn", files={**script_files("v1"), "Procfile": "web: perl server.pl\n" + stay})
    walled.push(folder)
    walled.paas("ps:scale", "stay=1", cwd=folder)
    wait_until(lambda: any(d["name"] == "stay.1" and d["state"] == "up"
                           for d in walled.api("GET", "/apps/stubborn/dynos")[1]), "it is up")
    walled.paas("ps:scale", "stay=0", cwd=folder)
    wait_until(lambda: len(walled.api("GET", "/apps/stubborn/dynos")[1]) == 1, "it is gone")
    assert "Error R12 (Exit timeout)" in walled.paas("logs", "-n", "1500", cwd=folder).stdout


def spaces_of(platform, app):
    """The pid namespaces of an app's instances; None while one comes or goes."""
    try:
        return {os.readlink(f"/proc/{(f / 's/pid').read_text().split()[0]}/ns/pid")
                for f in (platform.run / "i").iterdir() if f"app {app}\n" in (f / "record").read_text()}
    except FileNotFoundError:
        return None


def test_a_config_var_is_where_its_app_is_alone(walled, hostile, peer):
    secret = "s3cret-" + os.urandom(12).hex()
    walled.paas("config:set", f"SECRET={secret}", cwd=hostile)
    wait_until(lambda: walled.api("GET", "/apps/hostile/releases")[1][-1]["status"] == "succeeded",
               "the release is live")
    assert secret in walled.paas("run", "--", "printenv", "SECRET", cwd=hostile).stdout
    wait_until(lambda: len(walled.api("GET", "/apps/hostile/dynos")[1]) == 1, "all others are gone")
    raw = secret.encode()
    own = wait_until(lambda: spaces_of(walled, 2), "its instance is the only one")
    for d in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            line, env = (d / "cmdline").read_bytes(), (d / "environ").read_bytes()
            space = os.readlink(d / "ns/pid")
        except OSError:
            continue  # it ended meanwhile
        assert raw not in line, line
        assert raw not in env or space in own, line
    for top in (walled.state, walled.run):
        for f in top.rglob("*"):
            if f.is_file() and not f.is_symlink() and "root/" not in str(f) and f.stat().st_size < 1 << 26:
                assert raw not in f.read_bytes(), f
    assert secret not in walled.log_tail(1000)


def test_no_peer_was_hurt(walled, hostile, peer):
    assert walled.get("peer")[0] == 200 and walled.get("hostile")[0] == 200
    names = [name for name, _ in walled.processes()]
    assert names.count("paas-jail") == 1 and names.count("paas-plan") == 1
    assert os.path.exists(walled.run)
