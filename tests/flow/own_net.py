"""A network of a platform's own, with an uplink to a small internet.

    platform's namespace              internet's namespace
    192.0.2.2 -------- uplink ------- 192.0.2.1, and what it listens on

Both are unnamed: they end with the process that holds them. What is started
in `inside()` lives in the platform's.
"""

import contextlib
import ctypes
import os
import socket
import subprocess
import threading

CLONE_NEWNET = 0x40000000
HOST, GATEWAY = "192.0.2.2", "192.0.2.1"
ALLOWED = "198.51.100.10"  # an address of the internet
METADATA = "169.254.169.254"
PRIVATE = "10.1.2.3"

libc = ctypes.CDLL(None, use_errno=True)


def enter(fd):
    if libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def new_namespace():
    """A descriptor of a fresh network namespace."""
    made = []

    def make():
        if libc.unshare(CLONE_NEWNET) == 0:
            made.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if not made:
        raise OSError("no network namespace: needs root")
    return made[0]


class OwnNet:
    def __init__(self):
        self.host, self.internet = new_namespace(), new_namespace()
        self.sockets, self.threads = [], []
        to_internet = f"/proc/{os.getpid()}/fd/{self.internet}"
        self.ip(self.host, "link add uplink type veth peer name downlink")
        self.ip(self.host, f"link set downlink netns {to_internet}")
        for fd, name, address in ((self.host, "uplink", HOST), (self.internet, "downlink", GATEWAY)):
            self.ip(fd, "link set lo up")
            self.ip(fd, f"addr add {address}/24 dev {name}")
            self.ip(fd, f"link set {name} up")
        self.ip(self.host, f"route add default via {GATEWAY}")
        for address in (ALLOWED, METADATA, PRIVATE):
            self.ip(self.internet, f"addr add {address}/32 dev lo")

    @staticmethod
    def ip(fd, command):
        subprocess.run(["ip", *command.split()], check=True, pass_fds=[],
                       preexec_fn=lambda: enter(fd))

    @contextlib.contextmanager
    def inside(self, fd=None):
        """This thread, and what it starts, in a namespace: the platform's."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        enter(self.host if fd is None else fd)
        try:
            yield self
        finally:
            enter(before)
            os.close(before)

    def listen(self, fd, address, port=0, family=socket.AF_INET):
        """A service that greets whoever connects; its port."""
        with self.inside(fd):
            s = socket.socket(family)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, port) if family != socket.AF_UNIX else address)
        s.listen(64)
        self.serve(s, lambda: s.accept()[0].close())
        return s.getsockname()[1]

    def echo(self, fd, address):
        """A service that answers datagrams; its port."""
        with self.inside(fd):
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((address, 0))

        def answer():
            data, to = s.recvfrom(64)
            if to:  # nobody, when it is shut down
                s.sendto(data, to)
        self.serve(s, answer)
        return s.getsockname()[1]

    def serve(self, s, once):
        def loop():
            while True:
                try:
                    once()
                except OSError:
                    if s.fileno() == -1 or self.closing:
                        return
        self.closing = False
        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        self.sockets.append(s)
        self.threads.append(thread)

    def close(self):
        self.closing = True
        for s in self.sockets:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()
        for thread in self.threads:
            thread.join(10)
        for fd in (self.host, self.internet):
            os.close(fd)
