"""What apps reach: egress rules, links and their names, refusals in the log.

The neighbours are real: a network of its own behind a veth plays the LAN, a
server of the internet, the metadata service of a cloud and the host's
resolver; services of the machine listen on it. Each refusal has a control
beside it that passes, to the same kind of listener.
"""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest

from platform_run import Platform, wait_until

NS = f"nt{os.getpid()}"
LAN = "10.77.9"  # .1 the host, .2 its resolver and services, .3 another service
INTERNET = "198.51.100.7"
INTERNET6 = "2001:db8:77::7"
METADATA = "169.254.169.254"

# --- the neighbours ----------------------------------------------------------

# In the namespace: services that answer with who they think asks, and DNS.
NEIGHBOURS = r"""
import os, socket, socketserver, struct, sys, threading

class Hello(socketserver.BaseRequestHandler):
    def handle(self):
        here = self.request.getsockname()
        self.request.sendall(f"{here[0]} sees {self.client_address[0]}\n".encode())

class Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

class Tcp6(Tcp):
    address_family = socket.AF_INET6

names = sys.argv[1]

def answer(q):
    end = 12
    labels = []
    while q[end]:
        labels.append(q[end + 1:end + 1 + q[end]].decode().lower())
        end += q[end] + 1
    kind = struct.unpack(">H", q[end + 1:end + 3])[0]
    question, name = q[12:end + 5], ".".join(labels)
    found = [l.split()[1] for l in open(names) if l.split()[0] == name]
    code = 0 if found else 3
    rr = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(a)
                  for a in found if kind == 1)
    n = len(rr) // 16
    return q[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, n, 0, 0) + question + rr, n

class Dns(socketserver.BaseRequestHandler):
    def handle(self):
        q, s = self.request
        a, n = answer(q)
        if len(a) > 512:
            a = a[:2] + struct.pack(">HHHHH", 0x8380, 1, 0, 0, 0) + a[12:len(a) - 16 * n]
        s.sendto(a, self.client_address)

class DnsTcp(socketserver.StreamRequestHandler):
    def handle(self):
        while True:
            head = self.rfile.read(2)
            if len(head) < 2: return
            a, _ = answer(self.rfile.read(struct.unpack(">H", head)[0]))
            self.wfile.write(struct.pack(">H", len(a)) + a)

for port in (80, 5432, 6379, 25):
    threading.Thread(target=Tcp(("0.0.0.0", port), Hello).serve_forever, daemon=True).start()
six = Tcp6(("::", 443), Hello)
threading.Thread(target=six.serve_forever, daemon=True).start()
threading.Thread(target=socketserver.ThreadingUDPServer(("0.0.0.0", 53), Dns).serve_forever, daemon=True).start()
threading.Thread(target=Tcp(("0.0.0.0", 53), DnsTcp).serve_forever, daemon=True).start()
print("up", flush=True)
sys.stdin.read()
"""


def ip(*args, check=True):
    return subprocess.run(["ip", *args], check=check, capture_output=True, text=True).stdout


class Neighbours:
    def __init__(self, folder):
        self.names = folder / "names"
        self.say({})
        ip("netns", "add", NS)
        ip("link", "add", NS, "type", "veth", "peer", "name", "lan", "netns", NS)
        ip("addr", "add", f"{LAN}.1/24", "dev", NS)
        ip("link", "set", NS, "up")
        ip("-n", NS, "link", "set", "lo", "up")
        for a in (f"{LAN}.2/24", f"{LAN}.3/24", f"{INTERNET}/32", f"{METADATA}/32"):
            ip("-n", NS, "addr", "add", a, "dev", "lan")
        ip("-n", NS, "link", "set", "lan", "up")
        ip("-n", NS, "route", "add", "default", "via", f"{LAN}.1")
        # The platform sees to the way to the rest of the internet by itself.
        pathlib.Path(f"/proc/sys/net/ipv4/conf/{NS}/forwarding").write_text("1")
        six = pathlib.Path(f"/proc/sys/net/ipv6/conf/{NS}/force_forwarding")
        if six.exists():
            six.write_text("1")
        ip("route", "add", f"{INTERNET}/32", "via", f"{LAN}.2")
        ip("route", "add", f"{METADATA}/32", "via", f"{LAN}.2")
        ip("addr", "add", "2001:db8:77::1/64", "dev", NS, "nodad")
        ip("-n", NS, "addr", "add", f"{INTERNET6}/64", "dev", "lan", "nodad")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", NS, sys.executable, "-c", NEIGHBOURS, str(self.names)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "up\n"

    def say(self, names):
        part = self.names.with_suffix(".part")
        part.write_text("".join(f"{n} {a}\n" for n, many in names.items() for a in many))
        part.rename(self.names)

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()
        ip("netns", "del", NS)
        ip("link", "del", NS, check=False)


class OwnResolver(Platform):
    """A platform whose host has the resolver of the neighbours."""

    def start(self):
        (self.folder / "resolv.conf").write_text(f"nameserver {LAN}.2\n")
        os.chmod(self.folder / "resolv.conf", 0o644)
        real, wrapper = subprocess.Popen, self.folder / "resolv.conf"

        def popen(argv, **kw):
            script = f'mount --bind "{wrapper}" /etc/resolv.conf && exec "$@"'
            return real(["unshare", "-m", "sh", "-c", script, "sh", *map(str, argv)], **kw)
        subprocess.Popen = popen
        try:
            return super().start()
        finally:
            subprocess.Popen = real


# --- asking from inside an instance's network --------------------------------

PROBE = r"""
import json, socket, struct, sys

def connect(host, port, source=None):
    six = ":" in host
    s = socket.socket(socket.AF_INET6 if six else socket.AF_INET)
    s.settimeout(5)
    try:
        if source:
            s.setsockopt(0, 15, 1)  # IP_FREEBIND
            s.bind((source, 0))
        s.connect((host, port))
        return "open " + s.recv(200).decode().strip()
    except OSError as e:
        return "closed " + type(e).__name__
    finally:
        s.close()

def question(name, kind, ident=0x1234):
    labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0"
    return struct.pack(">HHHHHH", ident, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">HH", kind, 1)

def read(a):
    code, n = struct.unpack(">H", a[2:4])[0], struct.unpack(">H", a[6:8])[0]
    at = 12
    while a[at]:
        at += a[at] + 1
    at += 5
    found, ttl = [], 0
    for _ in range(n):
        while a[at] and a[at] < 192:
            at += a[at] + 1
        at += 2 if a[at] >= 192 else 1
        kind, _, ttl, size = struct.unpack(">HHIH", a[at:at + 10])
        found.append(socket.inet_ntop(socket.AF_INET if kind == 1 else socket.AF_INET6,
                                      a[at + 10:at + 10 + size]))
        at += 10 + size
    return {"code": code & 15, "cut": bool(code & 0x200), "ttl": ttl, "found": sorted(found)}

def ask(name, kind=1, tcp=False):
    q = question(name, kind)
    try:
        if tcp:
            s = socket.create_connection(("169.254.1.1", 53), 10)
            s.sendall(struct.pack(">H", len(q)) + q)
            f = s.makefile("rb")
            return read(f.read(struct.unpack(">H", f.read(2))[0]))
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(10)
        s.sendto(q, ("169.254.1.1", 53))
        return read(s.recv(65535))
    except OSError as e:
        return {"code": type(e).__name__, "found": []}

def both(name):
    # As musl: A and AAAA from one socket, answers in any order.
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(10)
    s.sendto(question(name, 1, 1), ("169.254.1.1", 53))
    s.sendto(question(name, 28, 2), ("169.254.1.1", 53))
    got = {}
    while len(got) < 2:
        a = s.recv(65535)
        got[struct.unpack(">H", a[:2])[0]] = read(a)
    return [got[1], got[2]]

calls = {"connect": connect, "ask": ask, "both": both}
print(json.dumps([calls[c[0]](*c[1:]) for c in json.loads(sys.argv[1])]))
"""


def first_process(platform, name):
    """The first process of a running instance, on the host."""
    for folder in sorted((platform.run / "i").iterdir(), reverse=True):
        try:
            record = dict(line.split(" ", 1) for line in (folder / "record").read_text().splitlines())
            if record["app"] == name[0] and record["name"] == name[1] and not (folder / "end").exists():
                return int((folder / "s/pid").read_text().split()[0])
        except (OSError, KeyError, ValueError):
            continue
    return None


class Inside:
    """An app's instance; each call is made in its network namespace."""

    def __init__(self, platform, app, dyno="web.1"):
        self.platform, self.app, self.dyno = platform, app, dyno
        self.id = None

    def pid(self):
        if self.id is None:
            ids = {}
            for line in self.platform.log_tail(100000).splitlines():
                m = re.search(r"app created app=(\S+) id=(\d+)", line)
                if m:
                    ids[m.group(1)] = m.group(2)
            self.id = ids[self.app]
        return wait_until(lambda: first_process(self.platform, (self.id, self.dyno)),
                          f"{self.app} {self.dyno} runs")

    def calls(self, *calls):
        done = subprocess.run(["nsenter", "-t", str(self.pid()), "-n", sys.executable, "-c", PROBE,
                               json.dumps(calls)], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def connect(self, host, port, source=None):
        return self.calls(("connect", host, port, source))[0]

    def ask(self, name, kind=1, tcp=False):
        return self.calls(("ask", name, kind, tcp))[0]

    def address(self):
        out = subprocess.run(["nsenter", "-t", str(self.pid()), "-n", "ip", "-4", "-o", "addr", "show", "eth0"],
                             capture_output=True, text=True, check=True).stdout
        return re.search(r"inet (\S+)/32", out).group(1)


SERVER = """
use strict; use warnings; use IO::Socket::INET; use Socket qw(getaddrinfo getnameinfo NI_NUMERICHOST SOCK_STREAM);
my $s = IO::Socket::INET->new(LocalAddr => '0.0.0.0', LocalPort => $ENV{PORT} // 9000,
    Listen => 64, ReuseAddr => 1) or die "listen: $!\\n";
$SIG{CHLD} = 'IGNORE'; $SIG{PIPE} = 'IGNORE';
sub names {
    my ($e, @a) = getaddrinfo($_[0], '', { socktype => SOCK_STREAM });
    return $e ? "none $e" : join ' ', map { (getnameinfo($_->{addr}, NI_NUMERICHOST))[1] } @a;
}
sub fetch {
    my $c = IO::Socket::INET->new(PeerAddr => $_[0], PeerPort => $_[1], Timeout => 5) or return "closed";
    print $c "GET /who HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n"; local $/; return "open " . <$c>;
}
while (my $c = $s->accept()) {
    if (fork()) { close $c; next }
    my ($path) = (<$c> // '') =~ m{^GET /(\\S*)};
    while (defined(my $h = <$c>)) { last if $h =~ /^\\r?\\n$/ }
    my @p = split m{/}, $path // '';
    my $b = !@p || $p[0] eq 'who' ? "I am $ENV{DYNO}" : $p[0] eq 'names' ? names($p[1])
        : $p[0] eq 'env' ? ($ENV{$p[1]} // 'unset') : $p[0] eq 'fetch' ? fetch($p[1], $p[2]) : '?';
    print $c "HTTP/1.1 200 OK\\r\\nContent-Length: " . length($b) . "\\r\\nConnection: close\\r\\n\\r\\n$b";
    exit 0;
}
"""
TRIES = """
use IO::Socket::INET;
print join(' ', map { my $to = $_; IO::Socket::INET->new(PeerAddr => $to, Timeout => 5) ? 'open' : 'shut' } @ARGV), "\\n";
"""
FILES = {"tries.pl": TRIES, "Procfile": "web: perl server.pl\nworker: perl server.pl\n", "server.pl": SERVER}


class Service:
    """A service of this machine, on all of its addresses."""

    def __init__(self):
        self.socket = socket.create_server(("0.0.0.0", 0))
        self.port = self.socket.getsockname()[1]
        self.socket.settimeout(0.2)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while not self.stop.is_set():
            try:
                c, _ = self.socket.accept()
                c.sendall(b"the machine\n")
                c.close()
            except OSError:
                pass

    def close(self):
        self.stop.set()
        self.thread.join()
        self.socket.close()


@pytest.fixture(scope="module")
def town(folder):
    folder = pathlib.Path(folder) / "network"
    folder.mkdir(mode=0o755)
    neighbours = Neighbours(folder)
    service = Service()
    platform = OwnResolver(folder / "p", flags=["--set", "log_level=info"])
    platform.neighbours, platform.service = neighbours, service
    try:
        platform.start()
        for name in ("front", "store", "other"):
            platform.push(platform.app(name, files=FILES))
        platform.paas("ps:scale", "worker=1", "-a", "store")
        yield platform
    finally:
        platform.stop()
        service.close()
        neighbours.close()


@pytest.fixture
def front(town):
    yield Inside(town, "front")
    for rule in town.api("GET", "/apps/front/egress")[1]:
        if rule["app"]:
            town.paas("egress:deny", "front", rule["rule"])
        else:
            town.paas("egress:deny", "--platform", rule["rule"])
    for link in town.api("GET", "/apps/front/links")[1]:
        town.paas("links:remove", "front", "--to", link["to"]["name"])


def is_open(said):
    return said.startswith("open ")


def becomes(inside, want, *calls):
    """A rule is on its way from web to jail when the command is done."""
    wait_until(lambda: [is_open(s) for s in inside.calls(*calls)] == want, f"{want} of {calls}")


# --- without rules -----------------------------------------------------------

def test_an_app_reaches_the_internet_and_nothing_else(town, front):
    with socket.create_connection((f"{LAN}.2", 5432), 5):
        pass  # they are all there
    with socket.create_connection((METADATA, 80), 5):
        pass
    other = Inside(town, "other")
    port = int(town.get("other", "/env/PORT")[1])
    refused = [("connect", f"{LAN}.2", 5432), ("connect", METADATA, 80), ("connect", "169.254.1.1", town.service.port),
               ("connect", f"{LAN}.1", town.service.port), ("connect", other.address(), port),
               ("connect", "127.0.0.1", town.service.port)]
    said = front.calls(("connect", INTERNET, 80), *refused)
    assert said[0] == f"open {INTERNET} sees {LAN}.1"  # by the machine's address
    assert not any(is_open(s) for s in said[1:]), list(zip(refused, said[1:]))


def test_a_source_address_cannot_be_forged(town, front):
    other = Inside(town, "other")
    assert is_open(front.connect(INTERNET, 80, front.address()))
    assert not is_open(front.connect(INTERNET, 80, other.address()))


def test_ipv6_is_as_closed_as_ipv4(town, front):
    if "ipv6=1" not in town.log_tail(100000):
        pytest.skip("this host has no way out by IPv6")
    said = front.calls(("connect", INTERNET6, 443), ("connect", "2001:db8:77::1", town.service.port),
                       ("connect", "fd00::1", 443), ("connect", "fe80::1%eth0", 443))
    assert said[0] == f"open {INTERNET6} sees 2001:db8:77::1", said
    assert not any(is_open(s) for s in said[1:]), said


# --- rules -------------------------------------------------------------------

def test_a_rule_opens_a_network_at_once_and_for_the_app_alone(town, front):
    other = Inside(town, "other")
    before = front.pid()
    town.paas("egress:allow", "front", f"{LAN}.0/24:5432")
    becomes(front, [True, True, False, False], ("connect", f"{LAN}.2", 5432), ("connect", f"{LAN}.3", 5432),
            ("connect", f"{LAN}.2", 6379), ("connect", f"{LAN}.1", town.service.port))
    assert not is_open(other.connect(f"{LAN}.2", 5432))
    assert front.pid() == before  # nothing was restarted
    listed = town.paas("egress:list", "front").stdout
    assert f"{LAN}.0/24:5432" in listed and "front" in listed
    town.paas("egress:deny", "front", f"{LAN}.0/24:5432")
    becomes(front, [False], ("connect", f"{LAN}.2", 5432))
    town.paas("egress:allow", f"{LAN}.3", "-a", "front")
    becomes(front, [True, False], ("connect", f"{LAN}.3", 6379), ("connect", f"{LAN}.2", 6379))


def test_a_rule_of_the_platform_is_every_apps(town, front):
    other = Inside(town, "other")
    town.paas("egress:allow", "--platform", f"{METADATA}:80")
    becomes(front, [True], ("connect", METADATA, 80))
    becomes(other, [True], ("connect", METADATA, 80))
    assert "every app" in town.paas("egress", "front").stdout
    town.paas("egress:deny", "--platform", f"{METADATA}:80")
    becomes(front, [False], ("connect", METADATA, 80))
    becomes(other, [False], ("connect", METADATA, 80))


def test_host_internal_is_the_machine(town, front):
    second = Service()
    try:
        assert front.ask("host.internal")["found"] == ["169.254.1.1"]
        town.paas("egress:allow", "front", f"host.internal:{town.service.port}")
        becomes(front, [True, False], ("connect", "169.254.1.1", town.service.port),
                ("connect", "169.254.1.1", second.port))
        assert not is_open(Inside(town, "other").connect("169.254.1.1", town.service.port))
    finally:
        second.close()


def test_a_rule_about_a_host_follows_its_name(town, front):
    town.neighbours.say({"db.lan": [f"{LAN}.2"], "elsewhere.lan": [f"{LAN}.3"]})
    assert front.ask("db.lan")["found"] == [f"{LAN}.2"]
    assert not is_open(front.connect(f"{LAN}.2", 5432))
    town.paas("egress:allow", "front", "db.lan:5432")
    wait_until(lambda: front.ask("db.lan") and is_open(front.connect(f"{LAN}.2", 5432)), "its address is open")
    said = front.calls(("connect", f"{LAN}.2", 6379), ("ask", "elsewhere.lan"), ("connect", f"{LAN}.3", 5432))
    assert not is_open(said[0]) and not is_open(said[2]), said
    town.neighbours.say({"db.lan": [f"{LAN}.3"]})  # it moves
    said = front.calls(("ask", "db.lan"), ("connect", f"{LAN}.3", 5432))
    assert said[0]["found"] == [f"{LAN}.3"] and is_open(said[1]), said
    town.paas("egress:deny", "front", "db.lan:5432")
    becomes(front, [False, False], ("connect", f"{LAN}.3", 5432), ("connect", f"{LAN}.2", 5432))


def test_a_name_opens_no_more_than_private_networks(town, front):
    town.neighbours.say({"evil.lan": [METADATA, "169.254.1.1", "127.0.0.1", Inside(town, "other").address()]})
    town.paas("egress:allow", "front", "evil.lan:80")
    assert len(front.ask("evil.lan")["found"]) == 4
    assert not is_open(front.connect(METADATA, 80))
    town.neighbours.say({"evil.lan": [f"{LAN}.2"]})
    wait_until(lambda: front.ask("evil.lan") and is_open(front.connect(f"{LAN}.2", 80)), "its address is open")
    assert not is_open(front.connect(METADATA, 80))


@pytest.mark.parametrize("killed", ["jail", "plan", "web", "names", "super"])
def test_rules_hold_while_daemons_are_killed(town, front, killed):
    town.neighbours.say({"db.lan": [f"{LAN}.2"]})
    town.paas("egress:allow", "front", f"{LAN}.3:6379")
    town.paas("egress:allow", "front", "db.lan:5432")
    town.paas("links:add", "front", "--to", "store")
    wait_until(lambda: front.ask("db.lan") and is_open(front.connect(f"{LAN}.2", 5432)), "its address is open")
    old = wait_until(lambda: town.daemon_pid(killed), "it runs")
    os.kill(old, signal.SIGKILL)

    def check():
        store = Inside(town, "store").address()
        said = front.calls(("connect", f"{LAN}.3", 6379), ("connect", f"{LAN}.3", 5432), ("connect", f"{LAN}.2", 5432),
                           ("connect", METADATA, 80), ("ask", "db.lan"), ("ask", "store.internal"))
        assert [is_open(s) for s in said[:4]] == [True, False, True, False], said
        return said[4]["found"] == [f"{LAN}.2"] and said[5]["found"] == [store]
    wait_until(check, "names are answered")
    wait_until(lambda: town.daemon_pid(killed) not in (None, old), "it is back")
    wait_until(lambda: town.paas("egress", "front", check=False).returncode == 0, "the API answers")
    wait_until(check, "names are answered")
    town.paas("egress:deny", "front", f"{LAN}.3:6379")
    wait_until(lambda: not is_open(front.connect(f"{LAN}.3", 6379)), "the rule is gone")


def test_an_instance_that_starts_is_under_its_rules(town, front):
    town.paas("egress:allow", "front", f"{LAN}.2:5432")
    old = front.pid()
    town.paas("ps:restart", "-a", "front")
    wait_until(lambda: front.pid() != old, "a new instance")
    becomes(front, [True], ("connect", f"{LAN}.2", 5432))
    assert is_open(front.connect(f"{LAN}.2", 5432)) and not is_open(front.connect(f"{LAN}.2", 6379))
    out = town.paas("run", "-a", "front", "--", "perl", "tries.pl", f"{LAN}.2:5432", f"{LAN}.2:6379").stdout
    assert "open shut" in out, out


# --- refusals ----------------------------------------------------------------

def log_lines(town, app):
    return town.paas("logs", "-n", "500", "-a", app).stdout


def test_a_refusal_is_a_line_with_the_command_that_allows_it(town, front):
    town.neighbours.say({"cache.lan": [f"{LAN}.3"]})
    front.ask("cache.lan")
    assert not is_open(front.connect(f"{LAN}.3", 80))
    line = wait_until(lambda: re.search(r"heroku\[web\.1\]: Connection to " + re.escape(f"{LAN}.3:80") +
                                        r" refused\. .*paas (egress:allow .*)", log_lines(town, "front")), "the line")
    assert "cache.lan:80" in line.group(1)
    town.paas(*line.group(1).split())
    wait_until(lambda: front.ask("cache.lan") and is_open(front.connect(f"{LAN}.3", 80)), "it is open")
    assert not is_open(front.connect("169.254.1.1", town.service.port))
    line = wait_until(lambda: re.search(rf"paas (egress:allow host\.internal:{town.service.port} .*)",
                                        log_lines(town, "front")), "the line about the machine")
    town.paas(*line.group(1).split())
    becomes(front, [True], ("connect", "169.254.1.1", town.service.port))
    assert not is_open(front.connect(Inside(town, "other").address(), 80))
    wait_until(lambda: "paas links:add front --to" in log_lines(town, "front"), "the line about an app")


def test_refusals_are_told_once_a_minute(town, front):
    front.calls(*[("connect", f"{LAN}.2", 25)] * 30)
    wait_until(lambda: f"{LAN}.2:25 refused" in log_lines(town, "front"), "the line")
    front.calls(*[("connect", f"{LAN}.2", 25)] * 10)
    # Of so many at once not each is told: the rules limit that, too.
    wait_until(lambda: (front.connect(f"{LAN}.2", 7), f"{LAN}.2:7 refused" in log_lines(town, "front"))[1],
               "a later line")
    assert log_lines(town, "front").count(f"{LAN}.2:25 refused") == 1
    assert log_lines(town, "other").count(f"{LAN}.2:25 refused") == 0


# --- links -------------------------------------------------------------------

def test_a_linked_app_is_reached_by_its_name(town, front):
    store, worker = Inside(town, "store"), Inside(town, "store", "worker.1")
    port = int(town.get("store", "/env/PORT")[1])
    assert front.ask("store.internal")["code"] == 3
    assert not is_open(front.connect(store.address(), port))
    out = town.paas("links:add", "front", "--to", "store").stdout
    assert "store.internal" in out and f"STORE_URL=http://store.internal:{port}" in out
    wait_until(lambda: front.ask("store.internal")["found"] == [store.address()], "the name")
    assert front.ask("worker.store.internal")["found"] == [worker.address()]
    assert 0 < front.ask("store.internal")["ttl"] <= 5
    # By the app itself, with its C library.
    assert store.address() in town.get("front", "/names/store.internal")[1]
    assert "I am web.1" in town.get("front", f"/fetch/store.internal/{port}")[1]
    # Not back, not for others, and not for what it does not name.
    assert not is_open(store.connect(front.address(), port)) and store.ask("front.internal")["code"] == 3
    other = Inside(town, "other")
    assert other.ask("store.internal")["code"] == 3 and not is_open(other.connect(store.address(), port))
    assert "store" in town.paas("links", "front").stdout
    old = front.pid()
    town.paas("ps:restart", "-a", "front")
    wait_until(lambda: front.pid() != old and town.get("front", "/env/STORE_URL")[1] ==
               f"http://store.internal:{port}", "the variable")
    town.paas("links:remove", "front", "--to", "store")
    wait_until(lambda: front.ask("store.internal")["code"] == 3, "the name is gone")
    becomes(front, [False], ("connect", store.address(), port))


def test_a_config_var_wins_over_a_link(town, front):
    town.paas("config:set", "STORE_URL=mine", "-a", "front")
    town.paas("links:add", "front", "--to", "store")
    town.paas("ps:restart", "-a", "front")
    wait_until(lambda: town.get("front", "/env/STORE_URL")[1] == "mine", "its own value")
    town.paas("config:unset", "STORE_URL", "-a", "front")
    wait_until(lambda: town.get("front", "/env/STORE_URL")[1].startswith("http://store.internal"), "the link's")


def test_a_name_follows_its_instances(town, front):
    town.paas("links:add", "front", "--to", "store")
    first = Inside(town, "store").address()
    town.paas("ps:scale", "web=3", "-a", "store")
    found = wait_until(lambda: (lambda a: len(a) == 3 and a)(front.ask("store.internal")["found"]), "three of them")
    assert first in found
    town.paas("ps:scale", "web=1", "-a", "store")
    wait_until(lambda: len(front.ask("store.internal")["found"]) == 1, "one of them")
    town.paas("ps:restart", "-a", "store")
    wait_until(lambda: front.ask("store.internal")["found"] not in ([], [first]), "it has moved")
    port = int(town.get("store", "/env/PORT")[1])
    assert "I am web.1" in town.get("front", f"/fetch/store.internal/{port}")[1]


def test_a_renamed_or_destroyed_app_takes_its_name_along(town, front):
    folder = town.app("brief", files=FILES)
    town.push(folder)
    town.paas("links:add", "front", "--to", "brief")
    wait_until(lambda: front.ask("brief.internal")["found"], "the name")
    assert town.api("PATCH", "/apps/brief", {"name": "short"})[0] == 200
    wait_until(lambda: front.ask("brief.internal")["code"] == 3 and front.ask("short.internal")["found"], "the new name")
    town.paas("destroy", "-a", "short", "--confirm", "short")
    wait_until(lambda: front.ask("short.internal")["code"] == 3, "the name is gone")
    assert town.api("GET", "/apps/front/links")[1] == []


# --- DNS ---------------------------------------------------------------------

def test_questions_are_passed_on_as_musl_asks_them(town, front):
    many = [f"10.77.8.{i}" for i in range(1, 101)]
    town.neighbours.say({"one.example": [INTERNET], "many.example": many})
    a, aaaa = front.calls(("both", "one.example"))[0]
    assert a["found"] == [INTERNET] and a["code"] == 0
    assert aaaa["code"] == 0 and aaaa["found"] == []
    assert front.ask("none.example")["code"] == 3
    cut = front.ask("many.example")
    assert cut["cut"]
    assert front.ask("many.example", 1, True)["found"] == sorted(many)
    assert front.ask("one.example", 1, True)["found"] == [INTERNET]
    town.paas("links:add", "front", "--to", "store")
    wait_until(lambda: front.ask("store.internal")["found"], "the name")
    a, aaaa = front.calls(("both", "store.internal"))[0]
    assert a["found"] and aaaa["code"] == 0 and aaaa["found"] == []
    assert front.ask("store.internal", 1, True)["found"] == a["found"]
    assert INTERNET in town.get("front", "/names/one.example")[1]


def test_a_flood_of_questions_leaves_others_theirs(town, front):
    town.neighbours.say({"one.example": [INTERNET]})
    flood = subprocess.Popen(
        ["nsenter", "-t", str(Inside(town, "other").pid()), "-n", sys.executable, "-c",
         "import socket,os\ns=socket.socket(2,2)\n"
         "while 1:\n    s.sendto(os.urandom(2)+b'\\x01\\0\\0\\1\\0\\0\\0\\0\\0\\0\\x03abc\\x07example\\0\\0\\1\\0\\1',('169.254.1.1',53))"])
    try:
        for _ in range(5):
            wait_until(lambda: front.ask("one.example")["found"] == [INTERNET], "an answer")
    finally:
        flood.kill()
        flood.wait()


# --- somebody else's hands ---------------------------------------------------

@pytest.mark.parametrize("what", ["delete table inet {t}", "flush table inet {t}", "flush chain inet {t} away",
                                  "delete element inet {t} denied4 {{ 10.0.0.0/8 }}",
                                  "insert rule inet {t} away accept"])
def test_rules_that_somebody_removed_are_restored(town, front, what):
    table = f"paas{town.run.name}"
    town.paas("egress:allow", "front", f"{LAN}.2:5432")

    def rules():  # what packets put into sets comes and goes
        return (nft("-t", "list", "table", "inet", table), "10.0.0.0/8" in nft("list", "set", "inet", table, "denied4"))

    def nft(*args):
        return subprocess.run(["nft", *args], capture_output=True, text=True).stdout

    def whole():
        text, denied = rules()
        return denied and sorted(text.splitlines()) == sorted(before[0].splitlines())
    becomes(front, [True, False], ("connect", f"{LAN}.2", 5432), ("connect", f"{LAN}.3", 5432))
    before = rules()
    subprocess.run(["nft", what.format(t=table)], check=True)
    wait_until(whole, "the table is whole")
    assert is_open(front.connect(f"{LAN}.2", 5432)) and not is_open(front.connect(f"{LAN}.3", 5432))


# --- bad input ---------------------------------------------------------------

@pytest.mark.parametrize("args,words", [
    (("egress:allow", "front", "db.lan"), "Name the port"),
    (("egress:allow", "front", "10.0.0.0/33"), "HOST:PORT"),
    (("egress:allow", "front", "10.0.0.1:0"), "1 to 65535"),
    (("egress:allow", "front", "10.0.0.1:99999"), "1 to 65535"),
    (("egress:allow", "front", "0.0.0.0/1"), "loopback"),
    (("egress:allow", "front", "64.0.0.0/2"), "too wide"),
    (("egress:allow", "front", "127.0.0.1:80"), "host.internal"),
    (("egress:allow", "front", "store.internal:80"), "links:add"),
    (("egress:allow", "front", "x" * 300 + ":80"), "HOST:PORT"),
    (("egress:allow", "nobody", "10.0.0.1:80"), "no such app"),
    (("egress:deny", "front", "10.0.0.1:80"), "no such rule"),
    (("egress:deny", "--platform", "10.0.0.1:80"), "no such rule"),
    (("links:add", "front", "--to", "front"), "itself"),
    (("links:add", "front", "--to", "nobody"), "no such app"),
    (("links:add", "front", "--to", ""), "name of the app"),
    (("links:add", "front"), "--to"),
    (("links:remove", "front", "--to", "store"), "no such link"),
    (("links:add", "nobody", "--to", "front"), "no such app"),
])
def test_what_makes_no_sense_is_refused(town, front, args, words):
    done = town.paas(*args, check=False)
    assert done.returncode != 0 and words in done.stderr, done.stderr
    assert town.api("GET", "/apps/front/egress")[1] == [] and town.api("GET", "/apps/front/links")[1] == []


def test_the_same_twice_is_refused(town, front):
    town.paas("egress:allow", "front", "10.9.9.9:80")
    assert "already" in town.paas("egress:allow", "front", "10.9.9.9/32:80", check=False).stderr
    town.paas("links:add", "front", "--to", "store")
    assert "already" in town.paas("links:add", "front", "--to", "store", check=False).stderr
    assert len(town.api("GET", "/apps/front/egress")[1]) == 1
    assert len(town.api("GET", "/apps/front/links")[1]) == 1
