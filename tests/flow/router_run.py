"""A router alone, raw clients and raw origins, for the tests of its HTTP."""

import contextlib
import ctypes
import os
import pathlib
import resource
import socket
import subprocess
import threading

from platform_run import ROOT, die_with_runner, free_port, wait_until

# PAAS_TEST_LIBEXEC=build/asan/libexec/paas tries the programs with sanitizers.
LIBEXEC = ROOT / os.environ.get("PAAS_TEST_LIBEXEC", "build/libexec/paas")
GUARD = 60  # seconds that no read of a test ever needs


class Wire:
    """One end of a connection: bytes out, lines, heads and bodies in."""

    def __init__(self, sock):
        self.sock, self.data = sock, b""
        sock.settimeout(GUARD)

    def send(self, *parts):
        for part in parts:
            self.sock.sendall(part if isinstance(part, bytes) else part.encode())
        return self

    def more(self):
        chunk = self.sock.recv(65536)
        self.data += chunk
        return bool(chunk)

    def take(self, n):
        while len(self.data) < n:
            if not self.more():
                raise EOFError(f"{n} bytes wanted, {self.data!r} came")
        part, self.data = self.data[:n], self.data[n:]
        return part

    def until(self, mark):
        while mark not in self.data:
            if not self.more():
                raise EOFError(f"{mark!r} wanted, {self.data!r} came")
        return self.take(self.data.index(mark) + len(mark))

    def rest(self):
        """All up to the end; a reset counts as one."""
        with contextlib.suppress(ConnectionError):
            while self.more():
                pass
        part, self.data = self.data, b""
        return part

    def head(self):
        """(first line, {lower-case name: [values]})."""
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        fields = {}
        for line in lines[1:-2]:
            name, value = line.split(": ", 1)
            fields.setdefault(name.lower(), []).append(value)
        return lines[0], fields

    def chunks(self):
        """The body's chunks; nothing but the canonical form is taken."""
        found = []
        while True:
            size = self.until(b"\r\n")[:-2]
            assert size == b"%x" % int(size, 16)
            if size == b"0":
                assert self.take(2) == b"\r\n"
                return found
            found.append(self.take(int(size, 16)))
            assert self.take(2) == b"\r\n"

    def body(self, fields):
        if "transfer-encoding" in fields:
            return b"".join(self.chunks())
        return self.take(int(fields.get("content-length", ["0"])[0]))

    def answer(self):
        """(status, fields, body) of an answer with a length or in chunks."""
        line, fields = self.head()
        if "content-length" not in fields and "transfer-encoding" not in fields:
            return int(line.split()[1]), fields, self.rest()
        return int(line.split()[1]), fields, self.body(fields)

    def reset(self):
        """Close so that the other side sees a break and not an end."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close()

    def close(self):
        self.sock.close()


class Origin:
    """What stands for an app: serve(wire, n) for its n-th connection."""

    def __init__(self, serve):
        self.serve, self.wires, self.problems = serve, [], []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                wire = Wire(self.listener.accept()[0])
                self.wires.append(wire)
                threading.Thread(target=self.run, args=(wire, len(self.wires)), daemon=True).start()

    def run(self, wire, n):
        try:
            self.serve(wire, n)
        except (EOFError, OSError):  # the test has closed it
            pass
        except Exception as problem:  # for the test to see
            self.problems.append(problem)
        wire.close()

    def close(self):
        # Wakes accept, which a close alone does not.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for wire in self.wires:
            wire.close()
        assert not self.problems


PR_CAPBSET_DROP, CAP_SYS_RESOURCE = 24, 24


class Router:
    def __init__(self, table, *args, files=None):
        """files: that many descriptors, and no right to have more."""
        def prepare():
            die_with_runner()
            if files:
                resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
                ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0)
        self.port = free_port()
        self.process = subprocess.Popen(
            [LIBEXEC / "paas-router", "--map", table, "--listen", f"127.0.0.1:{self.port}", *args],
            preexec_fn=prepare)
        wait_until(self.listens, "the router listens")

    def listens(self):
        assert self.process.poll() is None
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def connect(self, port=None):
        return Wire(socket.create_connection(("127.0.0.1", port or self.port)))

    def ask(self, *parts):
        wire = self.connect().send(*parts)
        found = wire.answer()
        wire.close()
        return found

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def status(self, key):
        """A number of /proc/PID/status."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in text.splitlines() if line.startswith(key + ":")).split()[1])

    def close(self):
        self.process.terminate()
        assert self.process.wait(GUARD) == 0


def get(path="/", host="a.test", fields="", method="GET"):
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n"


def ok(body="ok", fields=""):
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{fields}\r\n{body}"


def echo(wire, n):
    """An origin that answers each request with what it saw of it."""
    while True:
        line, fields = wire.head()
        body = wire.body(fields)
        wire.send(ok(f"{n} {line}|{body.decode('latin-1')}"))
