"""Real servers that log drains lead to: HTTP, HTTPS, syslog and syslog over TLS."""

import http.server
import pathlib
import re
import socket
import ssl
import subprocess
import threading


def make_ca(folder):
    """A CA of our own with a leaf for 127.0.0.1 and localhost: (ca, cert, key)."""
    folder = pathlib.Path(folder)

    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)

    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test CA",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", *new, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=drain")
    (folder / "ext").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", "leaf.pem", "-days", "2", "-extfile", "ext")
    return folder / "ca.pem", folder / "leaf.pem", folder / "leaf.key"


def context(certs):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certs[1], certs[2])
    return made


def split_frames(data):
    """Messages of "LEN SP MSG" repeated, and what is left of an unfinished one."""
    out = []
    while True:
        m = re.match(rb"(\d+) ", data)
        if not m or len(data) < m.end() + int(m[1]):
            return out, data
        out.append(data[m.end():m.end() + int(m[1])])
        data = data[m.end() + int(m[1]):]


class Receiver:
    """What has come, in order; repeats are left in."""

    def __init__(self):
        self.messages = []
        self.lock = threading.Lock()

    def add(self, messages):
        with self.lock:
            self.messages.extend(m.decode() for m in messages)

    def texts(self, needle=""):
        """The texts that contain needle, each at its first place."""
        with self.lock:
            all_texts = [m.rstrip("\n") for m in self.messages]
        found = [re.sub(r"^<\d+>1 \S+ \S+ \S+ \S+ (- ){1,2}", "", m) for m in all_texts if needle in m]
        return list(dict.fromkeys(found))


class HttpReceiver(Receiver):
    """A drain's HTTP server; answer(n) says the status of the n-th request."""

    def __init__(self, certs=None, answer=lambda n: 200, port=0, address="127.0.0.1"):
        super().__init__()
        self.heads, self.answer, self.frames = [], answer, []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.heads.append((self.path, dict(self.headers)))
                status = receiver.answer(len(receiver.heads))
                if status // 100 == 2:
                    messages, rest = split_frames(body)
                    assert rest == b"" and len(messages) == int(self.headers["Logplex-Msg-Count"])
                    receiver.add(messages)
                self.send_response(status)
                if status // 100 == 3:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer((address, port), Handler)
        self.server.daemon_threads = True
        if certs:
            self.server.socket = context(certs).wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class SyslogReceiver(Receiver):
    """A syslog server. die_after: bytes of a connection after which it is broken off, unread."""

    def __init__(self, certs=None, port=0, die_after=None):
        super().__init__()
        self.certs, self.die_after, self.tokens, self.streams = certs, die_after, set(), 0
        self.socket = socket.create_server(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        self.open = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                c, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        try:
            if self.certs:
                c = context(self.certs).wrap_socket(c, server_side=True)
            self.open.append(c)
            self.streams += 1
            data, seen = b"", 0
            while True:
                chunk = c.recv(4096)
                if not chunk:
                    break
                seen += len(chunk)
                if self.die_after and seen > self.die_after:
                    self.die_after = None
                    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    break
                messages, data = split_frames(data + chunk)
                self.add(messages)
        except OSError:
            pass
        finally:
            c.close()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)  # or accept holds the port
        self.socket.close()
        for c in self.open:
            try:
                c.close()
            except OSError:
                pass
