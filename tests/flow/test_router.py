"""The router alone: HTTP as strangers and apps speak it, well and badly."""

import contextlib
import http.client
import socket
import ssl
import subprocess
import threading

import pytest

from platform_run import free_port, wait_until
from router_run import GUARD, LIBEXEC, Origin, Router, Wire, echo, get, ok


@pytest.fixture
def run(tmp_path):
    """run(serve, *args): a router in front of an origin at a.test."""
    with contextlib.ExitStack() as stack:
        def start(serve, *args, lines="", files=None):
            origin = Origin(serve)
            stack.callback(origin.close)
            table = tmp_path / f"map.{origin.port}"
            table.write_text(f"# all of a test\na.test {origin.address}\n{lines}")
            router = Router(table, *args, files=files)
            stack.callback(router.close)
            return router, origin
        yield start


@pytest.fixture(scope="session")
def pair(tmp_path_factory):
    """A certificate for a.test and its key."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=a.test", "-addext", "subjectAltName=DNS:a.test",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


# --- the command ---------------------------------------------------------

@pytest.mark.parametrize("args, word", [
    ([], "--map"),
    (["--listen", "127.0.0.1:1"], "--map"),
    (["--map", "/dev/null"], "--listen"),
    (["--map", "/dev/null", "--listen"], "needs a value"),
    (["--map", "/dev/null", "--listen", "localhost:1"], "ADDR:PORT"),
    (["--map", "/dev/null", "--listen", "127.0.0.1:65536"], "ADDR:PORT"),
    (["--map", "/dev/null", "--listen", "[::1:80"], "ADDR:PORT"),
    (["--map", "/dev/null", "--listen", "127.0.0.1:1", "--workers", "0"], "--workers"),
    (["--map", "/dev/null", "--listen", "127.0.0.1:1", "--workers", "65"], "--workers"),
    (["--map", "/dev/null", "--listen", "127.0.0.1:1", "--timeout", "head"], "head=SECONDS"),
    (["--map", "/dev/null", "--listen", "127.0.0.1:1", "--timeout", "head=0"], "head=SECONDS"),
    (["--map", "/dev/null", "--listen", "127.0.0.1:1", "--timeout", "idle=1"], "head=SECONDS"),
    (["--map", "/dev/null", "--listen", "127.0.0.1:1", "--tls", "127.0.0.1:2"], "together"),
    (["--map", "/dev/null", "--listen", "127.0.0.1:1", "--cert", "x", "--key", "y"], "together"),
    (["--map", "/dev/null", "--listen", "127.0.0.1:1", "--colour", "red"], "unknown option"),
])
def test_a_router_command_that_is_wrong_says_so(args, word):
    done = subprocess.run([LIBEXEC / "paas-router", "--timeout", "head=1", *args], capture_output=True, text=True,
                          timeout=GUARD)
    assert done.returncode == 2 and word in done.stderr


@pytest.mark.parametrize("text, word", [
    ("a.test", "line 1"), ("\na.test nowhere\n", "line 2"), ("a_b.test 127.0.0.1:1", "not a host"),
    ("a.test 127.0.0.1:1 more", "more than"), ("a.test 127.0.0.1:99999", "ADDR:PORT"), (None, "nothing-there"),
])
def test_a_router_map_that_is_wrong_says_where(tmp_path, text, word):
    table = tmp_path / "map"
    if text is not None:
        table.write_text(text)
    else:
        table = tmp_path / "nothing-there"
    done = subprocess.run([LIBEXEC / "paas-router", "--map", table, "--listen", f"127.0.0.1:{free_port()}"],
                          capture_output=True, text=True, timeout=GUARD)
    assert done.returncode == 1 and word in done.stderr


def test_a_router_finds_the_host_whatever_its_form(run):
    router, _ = run(echo, lines="[::1] 127.0.0.1:1\n")
    for host in ["a.test", "A.TEST", "a.test.", "a.test:80", "a.Test.:8080"]:
        assert router.ask(get(host=host))[0] == 200
    for host in ["b.test", "a.test.evil", "xa.test", "test", "127.0.0.1"]:
        status, _, page = router.ask(get(host=host))
        assert status == 404 and b"no app at this address" in page
    assert router.ask(f"GET http://A.test/x?y HTTP/1.1\r\nHost: b.test\r\n\r\n")[2].endswith(b"GET /x?y HTTP/1.1|")


def test_a_router_of_two_workers_listens_with_both(run):
    router, _ = run(echo, "--workers", "2")
    assert router.status("Threads") == 2
    with open("/proc/net/tcp") as table:
        listening = [line for line in table if f":{router.port:04X} 00000000:0000 0A" in line]
    assert len(listening) == 2
    wires = [router.connect().send(get()) for _ in range(40)]
    assert all(wire.answer()[0] == 200 for wire in wires)


# --- heads ---------------------------------------------------------------

def test_a_router_vouches_for_what_it_says_of_the_client(run):
    seen = []

    def serve(wire, _):
        while True:
            seen.append(wire.head()[1])
            wire.send(ok())
    router, _ = run(serve)
    forged = ["X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Forwarded-Port: 1", "x_forwarded_for: 6",
              "X-Forwarded-Host: evil.test", "X-Real-IP: 6.6.6.6", "Forwarded: for=6.6.6.6", "X-Request-Start: 1",
              "X-Request-Id: short", "Proxy: http://evil.test", "Connection: x-gone, X-Forwarded-For",
              "X-Gone: 1", "Keep-Alive: 1", "Proxy-Authorization: x", "TE: trailers", "HTTP2-Settings: AAA",
              "X-Stays: 1"]
    assert router.ask(get(fields="".join(f + "\r\n" for f in forged)))[0] == 200
    fields = seen[0]
    assert fields["x-forwarded-for"] == ["127.0.0.1"]
    assert fields["x-forwarded-proto"] == ["http"]
    assert fields["x-forwarded-port"] == [str(router.port)]
    assert len(fields["x-request-id"]) == 1 and len(fields["x-request-id"][0]) == 36
    assert len(fields["x-request-start"][0]) == 13
    assert set(fields) == {"host", "x-request-id", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-port",
                           "x-request-start", "via", "x-stays"}
    assert router.ask(get(fields="X-Request-Id: 0123456789abcdef0123\r\n"))[0] == 200
    assert seen[1]["x-request-id"] == ["0123456789abcdef0123"]


BAD_REQUESTS = {
    "two-lengths": "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "same-length-twice": "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "length-list": "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3, 3\r\n\r\nabc",
    "length-sign": "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: +3\r\n\r\nabc",
    "length-hex": "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0x3\r\n\r\nabc",
    "length-overflow": "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 18446744073709551619\r\n\r\nabc",
    "length-and-chunked": "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "0\r\n\r\n",
    "chunked-twice": "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"
                     "\r\n0\r\n\r\n",
    "chunked-list": "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked-like": "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked-tab": "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "chunked-1.0": "POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "space-before-colon": "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "folded": "GET / HTTP/1.1\r\nHost: a.test\r\nX: a\r\n b\r\n\r\n",
    "bare-lf": "GET / HTTP/1.1\nHost: a.test\n\n",
    "bare-lf-in-field": "GET / HTTP/1.1\r\nHost: a.test\r\nX: a\nTransfer-Encoding: chunked\r\n\r\n",
    "bare-cr": "GET / HTTP/1.1\r\nHost: a.test\r\nX: a\rb\r\n\r\n",
    "nul": "GET / HTTP/1.1\r\nHost: a.test\r\nX: a\0b\r\n\r\n",
    "two-hosts": "GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n",
    "no-host": "GET / HTTP/1.1\r\n\r\n",
    "host-with-path": "GET / HTTP/1.1\r\nHost: a.test/x\r\n\r\n",
    "host-with-user": "GET / HTTP/1.1\r\nHost: x@a.test\r\n\r\n",
    "two-spaces": "GET  / HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "space-in-target": "GET /a b HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "version-2": "GET / HTTP/2.0\r\nHost: a.test\r\n\r\n",
    "version-9": "GET / HTTP/1.9\r\nHost: a.test\r\n\r\n",
    "no-version": "GET /\r\n\r\n",
    "preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "tls": "\x16\x03\x01\x02\x00\x01",
    "no-colon": "GET / HTTP/1.1\r\nHost: a.test\r\nX\r\n\r\n",
    "empty-name": "GET / HTTP/1.1\r\nHost: a.test\r\n: x\r\n\r\n",
    "odd-expect": "GET / HTTP/1.1\r\nHost: a.test\r\nExpect: 200-maybe\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_a_router_refuses_what_two_readers_could_see_differently(run, name):
    def never(wire, _):
        raise AssertionError("it got through")
    router, origin = run(never)
    wire = router.connect().send(BAD_REQUESTS[name].encode("latin-1"))
    status, fields, _ = wire.answer()
    assert status == 400 and fields["connection"] == ["close"]
    assert wire.rest() == b"" and origin.wires == []


@pytest.mark.parametrize("body", ["5 5\r\nabcde\r\n0\r\n\r\n", "0x5\r\nabcde\r\n0\r\n\r\n", "5\nabcde\r\n0\r\n\r\n",
                                  "5\r\nabcdeX\r\n0\r\n\r\n", "-1\r\n\r\n", "ffffffffffffffff0\r\n", "\r\n",
                                  "5;a=\0\r\nabcde\r\n0\r\n\r\n", "0\r\nX y: 1\r\n\r\n", "g\r\n"])
def test_a_router_refuses_chunks_that_are_not_proper(run, body):
    router, origin = run(lambda wire, _: wire.rest())
    wire = router.connect().send(get(method="POST", fields="Transfer-Encoding: chunked\r\n"), body)
    assert wire.answer()[0] == 400
    assert wire.rest() == b""


@pytest.mark.parametrize("head, status", [
    ("GET /" + "a" * 9000, 414), (get(fields="X: " + "a" * 9000 + "\r\n"), 431),
    (get(fields="X: a\r\n" * 1001), 431), (get(fields=("X: " + "a" * 5000 + "\r\n") * 20), 431),
    ("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n", 405),
])
def test_a_router_has_limits_for_heads(run, head, status):
    router, origin = run(echo)
    wire = router.connect().send(head)
    found, fields, _ = wire.answer()
    assert (found, fields["connection"]) == (status, ["close"]) and origin.wires == []


def test_a_router_takes_the_longest_head_that_it_may(run):
    router, _ = run(echo)
    fields = ("X: " + "a" * 8100 + "\r\n") * 7 + "Y: " + "b" * 8000 + "\r\n"
    assert router.ask(get("/" + "p" * 600, fields=fields))[0] == 200
    assert router.ask(get(fields="X:\r\n" * 999))[0] == 200


# --- connections ---------------------------------------------------------

def test_a_router_keeps_connections_on_both_sides(run):
    router, origin = run(echo)
    wire = router.connect()
    for i in range(100):
        assert wire.send(get(f"/{i}")).answer()[2] == b"1 GET /%d HTTP/1.1|" % i
    assert len(origin.wires) == 1


def test_a_router_answers_pipelined_requests_in_order(run):
    router, origin = run(echo)
    wire = router.connect()
    wire.send(*[get(f"/{i}", method="POST", fields="Content-Length: 3\r\n") + f"{i:03}" for i in range(50)])
    for i in range(50):
        assert wire.answer()[2] == f"1 POST /{i} HTTP/1.1|{i:03}".encode()
    # In one piece with a bad one behind it.
    wire.send(get("/last") + "GET / HTTP/1.1\r\n\r\n")
    assert wire.answer()[0] == 200
    assert wire.answer()[0] == 400
    assert wire.rest() == b""


def test_a_router_says_when_it_closes(run):
    router, _ = run(echo)
    for head, kept, said in [
            ("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n", False, ["close"]),
            ("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n", False, ["close"]),
            ("GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n", True, ["keep-alive"]),
            (get(), True, None)]:
        wire = router.connect().send(head)
        status, fields, _ = wire.answer()
        assert (status, fields.get("connection")) == (200, said)
        if kept:
            assert wire.send(get()).answer()[0] == 200
        else:
            assert wire.rest() == b""


def test_a_router_asks_again_when_a_kept_connection_was_lost(run):
    asked = []

    def serve(wire, n):
        while True:
            line, fields = wire.head()
            wire.body(fields)
            asked.append((n, line.split()[0]))
            if n == 1 and len(asked) > 1:
                return  # closes, as a server does whose time is over
            wire.send(ok())
    router, origin = run(serve)
    assert router.ask(get())[0] == 200
    assert router.ask(get())[0] == 200
    assert asked == [(1, "GET"), (1, "GET"), (2, "GET")]


def test_a_router_asks_again_but_once(run):
    asked = []

    def serve(wire, n):
        while True:
            wire.head()
            asked.append(n)
            if len(asked) > 4:
                return
            wire.send(ok())
    router, origin = run(serve)
    wires = [router.connect() for _ in range(4)]
    for wire in wires:
        wire.send(get())
    assert all(wire.answer()[0] == 200 for wire in wires)
    status, _, page = router.ask(get())
    assert status == 503 and b"H13" in page and len(asked) == 6


def test_a_router_sends_nothing_twice_that_could_do_harm(run):
    asked = []

    def serve(wire, n):
        while True:
            line, fields = wire.head()
            wire.body(fields)
            asked.append(line.split()[0])
            if len(asked) > 1:
                return
            wire.send(ok())
    router, origin = run(serve)
    assert router.ask(get())[0] == 200
    status, _, page = router.ask(get(method="POST", fields="Content-Length: 1\r\n"), "x")
    assert status == 503 and b"H13" in page and asked == ["GET", "POST"]


def test_a_router_never_takes_stray_bytes_for_an_answer(run):
    sent = threading.Event()

    def serve(wire, n):
        while True:
            line, _ = wire.head()
            wire.send(ok(line.split()[1]))
            if n == 1:
                wire.send(ok("stray"))
                sent.set()
    router, origin = run(serve)
    assert router.ask(get("/one"))[2] == b"/one"
    assert sent.wait(GUARD)
    assert router.ask(get("/two"))[2] == b"/two"
    assert len(origin.wires) == 2


def test_a_router_uses_the_instance_that_is_there(run):
    router, _ = run(echo, lines=f"a.test 127.0.0.1:{free_port()}\n")
    for i in range(20):
        assert router.ask(get(method="POST", fields="Content-Length: 2\r\n"), "hi")[0] == 200


def test_a_router_closes_to_the_app_when_the_client_leaves(run):
    left = threading.Event()

    def serve(wire, _):
        wire.head()
        wire.rest()
        left.set()
    router, _ = run(serve)
    wire = router.connect().send(get())
    wire.close()
    assert left.wait(GUARD)


def test_a_router_that_stops_ends_what_is_under_way(run):
    begun, go = threading.Event(), threading.Event()

    def serve(wire, _):
        wire.head()
        begun.set()
        go.wait(GUARD)
        wire.send(ok("late"))
    router, _ = run(serve)
    idle = router.connect()
    wire = router.connect().send(get())
    assert begun.wait(GUARD)
    router.process.terminate()
    assert idle.rest() == b""
    go.set()
    status, fields, body = wire.answer()
    assert (status, body, fields["connection"]) == (200, b"late", ["close"])
    assert router.process.wait(GUARD) == 0


def test_a_router_with_few_descriptors_says_so(run):
    go = threading.Event()

    def serve(wire, _):
        while True:
            wire.head()
            go.wait(GUARD)
            wire.send(ok())
    router, origin = run(serve, files=300)
    wires = [router.connect() for _ in range(200)]
    answers = []
    for wire in wires:
        with contextlib.suppress(OSError):  # refused ones are closed
            wire.send(get())
    wait_until(lambda: len(origin.wires) > 40, "some are served")
    go.set()
    for wire in wires:
        with contextlib.suppress(OSError, EOFError):
            answers.append(wire.answer()[0])
        wire.close()
    assert set(answers) == {200, 503} and 40 < answers.count(200) < 100
    assert router.cpu_seconds() < 5  # nothing spins
    wait_until(lambda: router.ask(get())[0] == 200, "there is room again")


# --- bodies --------------------------------------------------------------

def test_a_router_writes_chunks_anew(run):
    seen = []

    def serve(wire, _):
        while True:
            _, fields = wire.head()
            seen.append((fields, wire.body(fields)))
            wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"
                      "3;a=b\r\nabc\r\n00002\r\nde\r\n0\r\nX: trailer\r\n\r\n")
    router, _ = run(serve)
    wire = router.connect()
    for _ in range(2):
        wire.send(get(method="PUT", fields="Transfer-Encoding: Chunked\r\n"),
                  "5;x=\"y\"\r\nhel", "lo\r\n000", "6\r\n world\r\n0", "\r\nT: x\r\n\r\n")
        status, fields, body = wire.answer()
        assert (status, body) == (200, b"abcde") and "trailer" not in fields
        assert seen[-1][1] == b"hello world" and seen[-1][0]["transfer-encoding"] == ["chunked"]


def test_a_router_gives_old_clients_no_chunks(run):
    def serve(wire, n):
        wire.head()
        wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        if n == 1:
            wire.send("0\r\n\r\n")
        else:
            wire.reset()
    router, _ = run(serve)
    status, fields, body = router.ask("GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n")
    assert (status, body, fields["connection"]) == (200, b"abc", ["close"])
    # A cut must not look like the end.
    wire = router.connect().send("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        while wire.more():
            pass


def test_a_router_chunks_what_has_no_length(run):
    def serve(wire, _):
        wire.head()
        wire.send("HTTP/1.0 200 OK\r\n\r\nto the end")
    router, _ = run(serve)
    wire = router.connect()
    for _ in range(2):
        status, fields, body = wire.send(get()).answer()
        assert (status, body, fields["transfer-encoding"]) == (200, b"to the end", ["chunked"])


def test_a_router_knows_answers_without_bodies(run):
    answers = {"/204": "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
               "/304": "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
               "/head": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
               "/chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"}

    def serve(wire, _):
        while True:
            line, _ = wire.head()
            wire.send(answers[line.split()[1]])
    router, origin = run(serve)
    wire = router.connect()
    for _ in range(3):
        for method, path, length in [("GET", "/204", None), ("GET", "/304", ["5"]), ("HEAD", "/head", ["5"]),
                                     ("HEAD", "/chunked", None)]:
            line, fields = wire.send(get(path, method=method)).head()
            assert fields.get("content-length") == length and "transfer-encoding" not in fields
    assert len(origin.wires) == 1


def test_a_router_passes_interim_answers_on(run):
    def serve(wire, _):
        while True:
            _, fields = wire.head()
            if "expect" in fields:
                wire.send("HTTP/1.1 100 Continue\r\n\r\n")
            else:
                wire.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
            body = wire.body(fields)
            wire.send(ok(body.decode()))
    router, _ = run(serve)
    wire = router.connect().send(get(method="POST", fields="Expect: 100-continue\r\nContent-Length: 2\r\n"))
    assert wire.head()[0] == "HTTP/1.1 100 Continue"
    assert wire.send("hi").answer()[2] == b"hi"
    line, fields = wire.send(get()).head()
    assert line == "HTTP/1.1 103 Early Hints" and fields["link"] == ["</x>"]
    assert wire.answer()[0] == 200
    # HTTP/1.0 knows none.
    assert router.ask("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n")[0] == 200


def test_a_router_lets_an_early_answer_through(run):
    def serve(wire, _):
        wire.head()
        wire.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
        wire.sock.shutdown(socket.SHUT_WR)
        wire.rest()
    router, _ = run(serve)
    wire = router.connect().send(get(method="POST", fields=f"Content-Length: {1 << 30}\r\n"))
    problems = []

    def upload():
        try:
            while True:
                wire.sock.sendall(b"x" * 65536)
        except OSError as problem:
            problems.append(problem)
    thread = threading.Thread(target=upload)
    thread.start()
    status, fields, body = wire.answer()
    assert (status, body, fields["connection"]) == (413, b"big", ["close"])
    wire.sock.shutdown(socket.SHUT_RDWR)
    thread.join(GUARD)
    assert problems


SIZE = 192 << 20
HELD_MAX_KB = 8192  # what the router may grow by, whatever passes through


def test_a_router_holds_no_bodies(run):
    """Large ones both ways, one of them to a reader that stands still."""
    got = []

    def serve(wire, _):
        while True:
            line, fields = wire.head()
            if line.startswith("GET"):
                wire.send(f"HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n")
                for _ in range(SIZE >> 16):
                    wire.send(b"d" * 65536)
                continue
            left, wire.data = SIZE - len(wire.data), b""
            while left > 0:
                left -= len(wire.sock.recv(min(left, 1 << 20)))
            got.append(left)
            wire.send(ok())
    router, _ = run(serve)
    before = router.status("VmRSS")
    stalled = router.connect().send(get())
    stalled.take(1000)
    wire = router.connect().send(get(method="POST", fields=f"Content-Length: {SIZE}\r\n"))
    for _ in range(SIZE >> 16):
        wire.send(b"u" * 65536)
    assert wire.answer()[0] == 200 and got == [0]
    wire.send(get()).head()
    left = SIZE - len(wire.data)
    while left > 0:
        left -= len(wire.sock.recv(min(left, 1 << 20)))
    assert router.status("VmHWM") - before < HELD_MAX_KB
    stalled.close()


# --- time ----------------------------------------------------------------

def test_a_router_waits_so_long_for_a_head(run):
    router, _ = run(echo, "--timeout", "head=1")
    wire = router.connect().send("GET / HTTP/1.1\r\n")
    done = threading.Event()

    def drip():
        with contextlib.suppress(OSError):
            while not done.wait(0.1):
                wire.sock.sendall(b"X: y\r\n")
    thread = threading.Thread(target=drip)
    thread.start()
    status, _, _ = wire.answer()
    done.set()
    thread.join(GUARD)
    assert status == 408
    assert router.connect().rest() == b""


def test_a_router_waits_so_long_for_a_body(run):
    router, _ = run(lambda wire, _: wire.rest(), "--timeout", "body=1")
    status, _, page = router.ask(get(method="POST", fields="Content-Length: 5\r\n"), "12")
    assert status == 408 and b"H28" in page


def test_a_router_waits_so_long_for_an_answer(run):
    router, _ = run(lambda wire, _: wire.rest(), "--timeout", "response=1")
    status, _, page = router.ask(get())
    assert status == 503 and b"H12" in page


def test_a_router_waits_so_long_for_an_answers_rest(run):
    def serve(wire, _):
        wire.head()
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
        wire.rest()
    router, _ = run(serve, "--timeout", "body=1")
    wire = router.connect().send(get())
    wire.head()
    assert wire.rest() == b"12345"


# --- errors --------------------------------------------------------------

@pytest.mark.parametrize("answer, code", [
    ("", b"H13"), ("HTTP/1.1 200 OK\r\nX: cut", b"H13"), ("nonsense\r\n\r\n", b"H17"),
    ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", b"H17"),
    ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"H17"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", b"H17"),
    ("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", b"H17"),
    ("HTTP/1.1 200 OK\nX: y\n\n", b"H17"), ("HTTP/1.1 200 OK\r\nX: " + "a" * 9000 + "\r\n\r\n", b"H17"),
    ("HTTP/1.1 102 Processing\r\n\r\n" * 65, b"H17"),
])
def test_a_router_says_what_is_wrong_with_an_app(run, answer, code):
    def serve(wire, _):
        wire.head()
        wire.send(answer)
    router, _ = run(serve)
    wire = router.connect().send(get())
    status = 102
    while status == 102:
        line, fields = wire.head()
        status = int(line.split()[1])
    page = wire.body(fields)
    assert status == 503 and code in page and fields["content-type"] == ["text/html; charset=utf-8"]
    # The client's connection is as good as before.
    assert wire.send(get(host="none.test")).answer()[0] == 404


def test_a_router_says_that_an_app_does_not_listen(run):
    router, _ = run(echo, lines=f"b.test 127.0.0.1:{free_port()}\n")
    status, fields, page = router.ask(get(host="b.test", fields="Accept: application/json\r\n"))
    assert status == 503 and b'"code":"H21"' in page and fields["retry-after"]
    wire = router.connect().send(get(host="b.test", method="HEAD"))
    line, fields = wire.head()
    assert "503" in line and int(fields["content-length"][0]) > 0
    assert wire.send(get(host="none.test")).answer()[0] == 404


def test_a_router_cuts_an_answer_that_ends_too_early(run):
    def serve(wire, _):
        line, _ = wire.head()
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345" if "/length" in line else
                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n")
    router, _ = run(serve)
    wire = router.connect().send(get("/length"))
    wire.head()
    assert wire.rest() == b"12345"
    wire = router.connect().send(get("/chunked"))
    wire.head()
    assert wire.rest() == b"5\r\n12345\r\n"


# --- tunnels -------------------------------------------------------------

UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\n"
SWITCH = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


def test_a_router_joins_websockets(run):
    def serve(wire, _):
        _, fields = wire.head()
        assert fields["connection"] == ["Upgrade"] and fields["upgrade"] == ["websocket"]
        wire.send(SWITCH, "hello ")
        while wire.data or wire.more():
            wire.send(wire.take(len(wire.data)))
        wire.send("end")
    router, _ = run(serve)
    wire = router.connect().send(get(fields=UPGRADE), "early ")
    line, fields = wire.head()
    assert line.startswith("HTTP/1.1 101") and fields["upgrade"] == ["websocket"]
    assert wire.take(12) == b"hello early "
    for i in range(200):
        assert wire.send(f"{i:04}").take(4) == f"{i:04}".encode()
    big = bytes(range(256)) * 40000
    thread = threading.Thread(target=wire.send, args=(big,))
    thread.start()
    assert wire.take(len(big)) == big
    thread.join()
    wire.sock.shutdown(socket.SHUT_WR)  # half an end goes through as one
    assert wire.rest() == b"end"


def test_a_router_ends_tunnels_from_the_app_too(run):
    left = threading.Event()

    def serve(wire, _):
        wire.head()
        wire.send(SWITCH, "bye")
        wire.sock.shutdown(socket.SHUT_WR)
        assert wire.rest() == b"still heard"
        left.set()
    router, _ = run(serve)
    wire = router.connect().send(get(fields=UPGRADE))
    wire.head()
    assert wire.rest() == b"bye"
    wire.send("still heard").close()
    assert left.wait(GUARD)


def test_a_router_that_was_refused_an_upgrade_goes_on(run):
    router, _ = run(echo)
    wire = router.connect().send(get(fields=UPGRADE))
    assert wire.answer()[0] == 200
    assert wire.send(get()).answer()[0] == 200


@pytest.mark.parametrize("fields", ["Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n",
                                    "Connection: Upgrade\r\nUpgrade: rendezvous\r\n", "Upgrade: websocket\r\n",
                                    "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n",
                                    UPGRADE + "Content-Length: 1\r\n"])
def test_a_router_upgrades_to_websockets_alone(run, fields):
    def serve(wire, _):
        while True:
            _, found = wire.head()
            assert "upgrade" not in found and "connection" not in found
            wire.body(found)
            wire.send(ok())
    router, _ = run(serve)
    assert router.ask(get(fields=fields), "x" if "Length" in fields else "")[0] == 200


# --- TLS -----------------------------------------------------------------

@pytest.fixture
def tls(run, pair):
    """tls(serve): connect() gives wires through TLS."""
    def start(serve, *args):
        port = free_port()
        router, origin = run(serve, "--tls", f"127.0.0.1:{port}", "--cert", pair[0], "--key", pair[1], *args)
        context = ssl.create_default_context(cafile=pair[0])
        context.set_alpn_protocols(["h2", "http/1.1"])
        context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF

        def connect(context=context, session=None):
            plain = socket.create_connection(("127.0.0.1", port))
            return Wire(context.wrap_socket(plain, server_hostname="a.test", session=session,
                                            suppress_ragged_eofs=False))
        return router, connect, port
    return start


def test_a_router_speaks_tls(tls, pair):
    seen = []

    def serve(wire, _):
        while True:
            seen.append(wire.head()[1])
            wire.send(ok())
    _, connect, port = tls(serve, "--workers", "2")
    wire = connect()
    assert wire.sock.version() == "TLSv1.3" and wire.sock.selected_alpn_protocol() == "http/1.1"
    for _ in range(3):
        assert wire.send(get()).answer()[0] == 200
    assert seen[0]["x-forwarded-proto"] == ["https"] and seen[0]["x-forwarded-port"] == [str(port)]
    assert wire.send(get(fields="Connection: close\r\n")).answer()[0] == 200
    assert wire.rest() == b""  # and that by a proper end, or this raises
    again = connect(session=wire.sock.session)
    assert again.sock.session_reused and again.send(get()).answer()[0] == 200
    done = subprocess.run(["curl", "-sS", "--cacert", pair[0], "--resolve", f"a.test:{port}:127.0.0.1",
                           f"https://a.test:{port}/"], capture_output=True, text=True, timeout=GUARD)
    assert done.stdout == "ok" and done.stderr == ""


@pytest.mark.filterwarnings("ignore:.*TLSv1_1")
def test_a_router_speaks_no_old_tls(tls, pair):
    router, connect, port = tls(echo)
    context = ssl.create_default_context(cafile=pair[0])
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connect(context)
    context = ssl.create_default_context(cafile=pair[0])
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert connect(context).send(get()).answer()[0] == 200
    assert b"200" not in router.connect(port).send(get()).rest()


def test_a_router_carries_large_bodies_by_tls(tls):
    def serve(wire, _):
        while True:
            _, fields = wire.head()
            body = wire.body(fields)
            wire.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n", body)
    router, connect, _ = tls(serve)
    body = bytes(i * 7919 % 251 for i in range(1 << 20)) * 8
    for sizes in [(len(body),), (1, 16383, 16384, 16385, 100000)]:
        wire = connect()
        for size in sizes:
            wire.send(get(method="POST", fields=f"Content-Length: {size}\r\n"), body[:size])
            assert wire.answer()[2] == body[:size]
    # To a reader that comes late, so that much waits half-way.
    wire = connect().send(get(method="POST", fields=f"Content-Length: {len(body)}\r\n"), body)
    wait_until(lambda: wire.sock.pending() or wire.more(), "the answer begins")
    assert wire.answer()[2] == body


def test_a_router_cuts_tls_so_that_it_is_seen(tls):
    def serve(wire, _):
        wire.head()
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
    _, connect, _ = tls(serve)
    wire = connect().send(get())
    wire.head()
    assert wire.take(5) == b"12345"
    with pytest.raises(ssl.SSLError):
        wire.more()


def test_a_router_joins_websockets_by_tls(tls):
    def serve(wire, _):
        wire.head()
        wire.send(SWITCH)
        while wire.data or wire.more():
            wire.send(wire.take(len(wire.data)))
    _, connect, _ = tls(serve)
    wire = connect().send(get(fields=UPGRADE))
    wire.head()
    for i in range(100):
        assert wire.send(f"{i:04}").take(4) == f"{i:04}".encode()


def test_a_router_waits_so_long_for_a_handshake(tls):
    router, _, port = tls(echo, "--timeout", "head=1")
    assert router.connect(port).rest() == b""


@pytest.mark.parametrize("what", ["cert", "key", "both"])
def test_a_router_names_the_file_that_is_no_certificate(tmp_path, pair, what):
    bad = tmp_path / "bad.pem"
    bad.write_text("nothing")
    (tmp_path / "map").write_text("")
    cert, key = (bad if what != "key" else pair[0]), (bad if what != "cert" else pair[1])
    done = subprocess.run([LIBEXEC / "paas-router", "--map", tmp_path / "map", "--tls", f"127.0.0.1:{free_port()}",
                           "--cert", cert, "--key", key], capture_output=True, text=True, timeout=GUARD)
    assert done.returncode == 1 and "bad.pem" in done.stderr
