"""The shim alone, as jail starts it, with a real OCI runtime and a root of the host's own /usr."""

import array
import contextlib
import fcntl
import json
import os
import pathlib
import pwd
import re
import secrets
import signal
import socket
import struct
import subprocess

import pytest

from platform_run import ROOT, wait_until

SHIM = ROOT / "build/libexec/paas/paas-shim"
CRUN = "/usr/bin/crun"
ID_BASE = 2147352576 - 65536  # the last range that platforms lend
GUARD = 60


def numbers(header, pattern):
    """What a table in a header says of names and numbers; without numbers from 1 on."""
    found = re.findall(pattern, (ROOT / "lib/ipc" / header).read_text())
    return {name: int(n or i) for i, (name, n) in enumerate(found, 1)}


MSG = numbers("msg.h", r"\bMSG\((MSG_\w+), (\d+)")
FIELD = numbers("msg.h", r"\bFIELD\((F_\w+), (\d+)")
ROLE = numbers("role.h", r"\t(ROLE_(?!NONE)\w+),()")


def frame(message, **fields):
    body = b"".join(struct.pack("<HHQ", FIELD[name], 8, value) for name, value in fields.items())
    return struct.pack("<HHI", MSG[message], 0, 0) + body


def config(args, terminal):
    mounts = [{"type": "proc", "source": "proc", "destination": "/proc"},
              {"type": "tmpfs", "source": "tmpfs", "destination": "/dev", "options": ["mode=755"]},
              {"type": "devpts", "source": "devpts", "destination": "/dev/pts",
               "options": ["newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
              {"type": "bind", "source": "/usr", "destination": "/usr", "options": ["bind", "ro"]}]
    ids = [{"containerID": 0, "hostID": ID_BASE, "size": 65536}]
    return {"ociVersion": "1.0.0", "root": {"path": "root"}, "hostname": "test", "mounts": mounts,
            "process": {"terminal": terminal, "user": {"uid": 1000, "gid": 1000}, "args": args, "cwd": "/",
                        "env": ["PATH=/usr/bin"], "noNewPrivileges": True},
            "linux": {"uidMappings": ids, "gidMappings": ids, "namespaces": [
                {"type": kind} for kind in ("pid", "ipc", "uts", "mount", "user")]}}


class Instance:
    def __init__(self, base, mode, *args):
        self.id = secrets.token_hex(8)
        self.run, self.folder, self.logs = base, base / "i" / self.id, base / "logs"
        for name in ("proc", "dev", "usr"):
            (self.folder / "root" / name).mkdir(parents=True)
        for name in ("bin", "lib", "lib64"):
            (self.folder / "root" / name).symlink_to("usr/" + name)
        (self.folder / "config.json").write_text(json.dumps(config(args, mode == "attach-pty")))
        user = pwd.getpwnam("paas-shim")
        self.logs.mkdir(exist_ok=True)
        os.chown(self.logs, user.pw_uid, 0)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(self.folder / "ctl"))
        self.listener.listen()
        self.ready, said = os.pipe()
        fds = {3: os.open(self.folder, os.O_RDONLY), 4: os.open(self.logs, os.O_RDONLY),
               5: os.dup(self.listener.fileno()), 6: os.memfd_create("env"), 7: said}
        os.write(fds[6], b"SECRET=1\0")
        os.lseek(fds[6], 0, os.SEEK_SET)
        if mode == "job":  # which has no log
            os.close(fds.pop(4))
            fds[8], self.stdin = os.pipe()
            self.output, fds[9] = os.pipe()
            self.report, fds[10] = os.pipe()
        high = {to: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for to, fd in fds.items()}
        argv = ["paas-shim", str(self.folder), "web.1", str(ID_BASE + 1000), mode, CRUN,
                f"{user.pw_uid}:{user.pw_gid}"]
        self.pid = os.posix_spawn(SHIM, argv, {"PATH": os.environ["PATH"], "PAAS_SHIM": "65536,4"}, setsid=True,
                                  file_actions=[(os.POSIX_SPAWN_DUP2, fd, to) for to, fd in high.items()])
        for fd in [*fds.values(), *high.values()]:
            os.close(fd)
        # Ends both when the test runner is gone, however it went.
        self.guardian = subprocess.Popen(
            ["/bin/sh", "-c", f"read x || kill -9 {self.pid} $(cut -d' ' -f1 {self.folder}/s/pid)"],
            stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
        self.said = os.read(self.ready, 1024).decode()

    def app(self):
        return int((self.folder / "s/pid").read_text().split()[0])

    def jail(self, *requests, fd=None):
        """Greet the shim and send it requests; the last one brings fd along."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(GUARD)
            s.connect(str(self.folder / "ctl"))
            s.send(frame("MSG_HELLO", F_VERSION=1, F_ROLE=ROLE["ROLE_JAIL"]))
            assert s.recv(100) == frame("MSG_HELLO", F_VERSION=1, F_ROLE=ROLE["ROLE_SHIM"])
            for request in requests:
                rights = [] if fd is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
                s.sendmsg([request], rights)

    def attach(self):
        ours, theirs = socket.socketpair()
        ours.settimeout(GUARD)
        self.jail(frame("MSG_SHIM_ATTACH"), fd=theirs.fileno())
        theirs.close()
        return ours

    def records(self):
        """(sequence, stream, partial, text) of every record."""
        found = []
        for path in sorted(self.logs.glob(f"web.1-{self.id}-*.log")):
            data, at = path.read_bytes(), 0
            while at < len(data):
                size, _, _, seq, stream, flags = struct.unpack_from("<IIQQBB", data, at)
                found.append((seq, stream, flags, data[at + 26:at + size].decode()))
                at += size
        return found

    def lines(self):
        return [text for _, _, _, text in self.records()]

    def over(self):
        """How it ended, once the shim has gone."""
        wait_until(lambda: os.waitpid(self.pid, os.WNOHANG)[0], "the shim ends")
        self.pid = 0
        return dict(line.split(" ", 1) for line in (self.folder / "s/exit").read_text().splitlines())

    def close(self):
        if self.pid:
            with contextlib.suppress(OSError):
                os.kill(self.app(), signal.SIGKILL)
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.guardian.communicate(b"done\n")
        self.listener.close()
        subprocess.run([CRUN, f"--root={self.run}/crun", "delete", "--force", self.id], capture_output=True)


@pytest.fixture
def start(tmp_path_factory):
    base = tmp_path_factory.mktemp("shim")
    for folder in (base, *base.parents[:2]):
        folder.chmod(0o755)  # the container's root looks up its own
    with contextlib.ExitStack() as stack:
        def start(mode, *args):
            instance = Instance(base, mode, *args)
            stack.callback(instance.close)
            assert instance.said == "ready\n" or "/no/" in args[0], instance.said
            return instance
        yield start


def read_all(s):
    return b"".join(iter(lambda: s.recv(65536), b""))


def test_output_signals_and_exit_status_are_kept(start):
    i = start("log", "/bin/bash", "-c", """
        trap 'echo asked; exit 7' TERM
        ls -m /proc/self/fd; cat <&3 | tr '\\0' ' '; echo; echo err >&2; echo opened >/dev/stdout
        printf 'unfinished'; while :; do sleep 0.02; done""")
    wait_until(lambda: "unfinished" in i.lines(), "an unfinished line")
    os.kill(i.pid, signal.SIGTERM)  # that is not for the app, and not for the shim
    i.jail(frame("MSG_SHIM_SIGNAL", F_SIGNO=signal.SIGTERM))
    assert i.over() | {"time": ""} == {"code": "7", "signal": "0", "time": ""}
    assert i.lines()[-2:] == ["unfinished", "asked"]
    assert {"0, 1, 2, 3, 4", "SECRET=1 ", "opened"} <= set(i.lines())
    assert [stream for _, stream, _, text in i.records() if text == "err"] == [2]
    assert [r[0] for r in i.records()] == list(range(1, len(i.records()) + 1))


def test_it_keeps_cap_kill_alone_and_is_small(start):
    i = start("log", "/bin/sleep", "60")
    text = pathlib.Path(f"/proc/{i.pid}/status").read_text()
    status = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    assert {status[f"Cap{kind}"] for kind in ("Eff", "Prm")} == {f"{1 << 5:016x}"}
    assert {status[f"Cap{kind}"] for kind in ("Inh", "Bnd", "Amb")} == {f"{0:016x}"}
    assert (status["NoNewPrivs"], status["Seccomp"], status["Name"]) == ("1", "2", "paas-shim")
    assert set(status["Uid"].split()) == {str(pwd.getpwnam("paas-shim").pw_uid)}
    rollup = pathlib.Path(f"/proc/{i.pid}/smaps_rollup").read_text()
    assert int(re.search(r"Rss: +(\d+)", rollup)[1]) < 100
    i.jail(frame("MSG_SHIM_SIGNAL", F_SIGNO=signal.SIGKILL))
    assert i.over() | {"time": ""} == {"code": "137", "signal": "9", "time": ""}


def test_what_can_not_start_says_why(start):
    null = os.stat("/dev/null")
    i = start("log", "/no/such/program")
    assert i.said.startswith("error ") and "/no/such/program" in i.said
    assert i.over()["code"] == "125"
    assert "/no/such/program" in (i.folder / "s/exit").read_text()
    assert os.stat("/dev/null").st_uid == null.st_uid


def test_an_app_outlives_its_shim(start):
    i = start("log", "/bin/bash", "-c", "for n in $(seq 600); do echo $n; sleep 0.1; done")
    os.kill(i.pid, signal.SIGKILL)
    os.waitpid(i.pid, 0)
    i.pid, app = 0, i.app()
    state = pathlib.Path(f"/proc/{app}/stat").read_text().split()[2]
    os.kill(app, signal.SIGKILL)
    assert state in "RS"


def test_a_job_gets_the_descriptors_it_was_given(start):
    i = start("job", "/bin/bash", "-c", "cat; ls -m /proc/self/fd; cat <&3 >&4; exit 5")
    os.write(i.stdin, b"given\n")
    os.close(i.stdin)
    with open(i.output) as output, open(i.report, "rb") as report:
        assert output.read() == "given\n0, 1, 2, 3, 4, 5\n"
        assert report.read() == b"SECRET=1\0"
    assert i.over()["code"] == "5"


def test_a_client_at_pipes(start):
    i = start("attach-pipe", "/bin/bash", "-c", "echo early; cat; echo late >&2; exit 4")
    client = i.attach()
    client.sendall(b"x" * 300000)
    client.shutdown(socket.SHUT_WR)
    assert read_all(client) == b"early\n" + b"x" * 300000 + b"late\n"
    client.close()
    assert i.over()["code"] == "4"


def test_a_client_at_a_terminal(start):
    i = start("attach-pty", "/bin/bash", "-c", "tty; read x; echo got $x; exit 3")
    client = i.attach()
    client.sendall(b"words\n")
    out = read_all(client)
    assert b"/dev/pts/0\r\n" in out and out.endswith(b"got words\r\n")
    client.close()
    assert i.over()["code"] == "3"


def test_a_client_that_leaves_hangs_up(start):
    i = start("attach-pty", "/bin/bash", "-c", "trap 'exit 9' HUP; echo up; while :; do sleep 0.02; done")
    client = i.attach()
    assert client.recv(100) == b"up\r\n"
    client.close()
    assert i.over()["code"] == "9"
