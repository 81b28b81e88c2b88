"""Commands in instances: run in a terminal, piped and detached; exec into a running one."""

import fcntl
import hashlib
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

import pytest

from platform_run import GUARD_SECONDS, PAAS, die_with_runner, wait_until

WEB = """
use IO::Socket::INET;
$| = 1;
my $s = IO::Socket::INET->new(LocalPort => $ENV{PORT}, Listen => 5, ReuseAddr => 1) or die;
print "up\\n";
while (my $c = $s->accept) {
    my $l = <$c>;
    print $c "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok";
    close $c;
}
"""


def dynos(platform, app="runs"):
    return platform.api("GET", f"/apps/{app}/dynos")[1]


def settled(platform, app="runs"):
    """The one web process, once no other is beside it."""
    def one():
        found = dynos(platform, app)
        return found[0] if len(found) == 1 and found[0]["state"] == "up" else None
    return wait_until(one, "one process runs")


def logs(platform, *more, app="runs"):
    return platform.paas("logs", "-n", "1500", "--app", app, *more).stdout


def execute(platform, *command, **more):
    return platform.paas("ps:exec", "--app", "runs", "--", *command, **more)


@pytest.fixture(scope="module")
def app(platform):
    folder = platform.app("runs", files={
        "Procfile": "web: exec perl /app/web.pl\nhello: echo hello from $DYNO; exit 4\n", "web.pl": WEB})
    platform.push(folder)
    platform.paas("config:set", "COLOR=teal", cwd=folder)
    settled(platform)
    return folder


class Terminal:
    """A command of the CLI in a terminal of its own."""

    def __init__(self, platform, *args, rows=40, cols=100):
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            die_with_runner()
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
            os.execve(PAAS, ["paas", *args], platform.env())

    def expect(self, pattern):
        end = time.monotonic() + GUARD_SECONDS
        while not re.search(pattern, self.seen):
            assert time.monotonic() < end, self.seen
            if select.select([self.fd], [], [], 1)[0]:
                try:
                    self.seen += os.read(self.fd, 4096)
                except OSError:
                    assert re.search(pattern, self.seen), self.seen
        found = re.search(pattern, self.seen)
        self.seen = self.seen[found.end():]
        return found

    def type(self, text):
        os.write(self.fd, text)

    def resize(self, rows, cols):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def code(self):
        # Until the last is read a terminal may keep the process from ending.
        end = time.monotonic() + GUARD_SECONDS
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = None
                return os.waitstatus_to_exitcode(status)
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    self.seen += os.read(self.fd, 4096)
                except OSError:
                    pass
        raise AssertionError("it does not end")

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def terminal(platform):
    opened = []

    def open_one(*args, **more):
        opened.append(Terminal(platform, *args, **more))
        return opened[-1]
    yield open_one
    for t in opened:
        t.close()


# --- run ---------------------------------------------------------------

def test_a_terminal_follows_its_window(app, terminal):
    t = terminal("run", "--app", "runs", "bash")
    t.expect(rb"\$ ")
    t.type(b"echo size-$(stty size | tr ' ' x)-end\n")
    t.expect(rb"size-40x100-end")
    t.type(b"trap 'echo now-$(stty size | tr \" \" x)-end' WINCH; echo re''ady\n")
    t.expect(rb"ready")
    t.resize(50, 132)
    t.type(b"\n")
    t.expect(rb"now-50x132-end")
    t.type(b"exit 5\n")
    assert t.code() == 5


def test_control_c_reaches_the_command_alone(app, terminal):
    t = terminal("run", "--app", "runs", "bash")
    t.expect(rb"\$ ")
    # What is said comes from the command itself, so that it has the terminal.
    t.type(b"sh -c 'echo be\"\"gun; exec sleep 1000'\n")
    t.expect(rb"begun")
    t.type(b"\x03")
    t.expect(rb"\$ ")
    t.type(b"echo still-''here\n")
    t.expect(rb"still-here")
    t.type(b"exit\n")
    t.code()


def test_a_terminal_that_closes_ends_its_command(platform, app, terminal):
    t = terminal("run", "--app", "runs", "bash")
    t.expect(rb"\$ ")
    name = next(d["name"] for d in dynos(platform) if d["type"] == "run")
    t.close()
    t.pid, t.fd = None, os.open("/dev/null", os.O_RDONLY)
    wait_until(lambda: name not in [d["name"] for d in dynos(platform)], "it is hung up")


@pytest.mark.parametrize("inside", [False, True], ids=["run", "exec"])
def test_megabytes_go_both_ways(platform, app, inside):
    data = os.urandom(12 << 20)
    command = ["ps:exec", "--app", "runs", "--", "cat"] if inside else ["run", "--app", "runs", "cat"]
    done = subprocess.run([PAAS, *command], input=data, capture_output=True, env=platform.env(),
                          timeout=GUARD_SECONDS, preexec_fn=die_with_runner)
    assert done.returncode == 0, done.stderr
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(data).digest()


def test_a_command_that_does_not_read_gets_its_end(platform, app):
    done = subprocess.run([PAAS, "run", "--app", "runs", "head -c 5; exit 9"], input=b"x" * (4 << 20),
                          capture_output=True, env=platform.env(), timeout=GUARD_SECONDS)
    assert (done.stdout, done.returncode) == (b"xxxxx", 9)


def test_variables_and_type(platform, app):
    done = platform.paas("run", "--app", "runs", "-e", "A=1", "--env", "COLOR=red", "echo $A $COLOR")
    assert done.stdout == "1 red\n"
    done = platform.paas("run", "--app", "runs", "--type", "hello", check=False)
    assert re.fullmatch(r"hello from run\.\d{4}\n", done.stdout) and done.returncode == 4
    done = platform.paas("run", "--app", "runs", "--type", "nothing", check=False)
    assert done.returncode == 1 and "no process type nothing" in done.stderr
    assert platform.paas("run", "--app", "runs", check=False).returncode == 2
    assert platform.paas("run", "--app", "runs", "-e", "A", "true", check=False).returncode == 2


def test_run_after_config_set_has_it(platform):
    folder = platform.app("fresh", files={"Procfile": "web: exec perl /app/web.pl\nrelease: sleep ${NAP:-0}\n",
                                          "web.pl": WEB})
    platform.push(folder)
    # The release command keeps this release pending for as long as the test looks.
    platform.paas("config:set", "NAP=1000", "COLOR=blue", cwd=folder)
    assert platform.paas("run", "echo $COLOR", cwd=folder).stdout == "blue\n"
    platform.paas("destroy", "--app", "fresh", "--confirm", "fresh")


def test_detached_says_its_name_and_logs(platform, app):
    done = platform.paas("run:detached", "--app", "runs", "echo out-of-$DYNO; sleep 1000")
    name = re.search(r"run\.\d{4}", done.stdout)[0]
    wait_until(lambda: f"app[{name}]: out-of-{name}" in logs(platform), "its output is in the log")
    row = next(d for d in dynos(platform) if d["name"] == name)
    assert row["command"] == "echo out-of-$DYNO; sleep 1000"
    assert name in platform.paas("ps", "--app", "runs").stdout
    platform.paas("ps:stop", "--app", "runs", name)
    wait_until(lambda: name not in [d["name"] for d in dynos(platform)], "it is stopped")
    assert f"heroku[{name}]: Process exited with status 143" in logs(platform)


def test_detached_is_followed_to_its_end(platform, app):
    done = platform.paas("run:detached", "--app", "runs", "--tail", "echo one; echo two; exit 6", check=False)
    assert done.returncode == 6
    assert re.search(r"app\[run\.\d{4}\]: one\n(.*\n)*.*app\[run\.\d{4}\]: two\n", done.stdout)


def test_a_time_limit_ends_it(platform, app):
    done = platform.paas("run:detached", "--app", "runs", "--time-limit", "1", "sleep 1000")
    name = re.search(r"run\.\d{4}", done.stdout)[0]
    wait_until(lambda: f"heroku[{name}]: Process exited" in logs(platform), "it has ended")
    assert logs(platform).count(f"heroku[{name}]: Process is stopped after 1 seconds, the most it may take") == 1


def test_long_commands_and_variables_are_refused_at_once(platform, app):
    before = logs(platform).count("Starting process")
    for command, say in ((("run", "--app", "runs", "echo " + "x" * 100_000), "more than 30000 bytes"),
                         (("run", "--app", "runs", "-e", "A=" + "x" * 100_000, "true"), "may have 65536 bytes")):
        done = platform.paas(*command, check=False)
        assert done.returncode != 0 and say in done.stderr, done.stderr
    status, answer = platform.api("POST", "/apps/runs/dynos", {"command": "x" * 100_000})
    assert status == 422 and "100000 bytes, at most" in answer["message"]
    for body in ({"command": "true", "time_to_live": 0}, {"command": "true", "time_to_live": 86401},
                 {"command": "a\0b"}, {"command": ""}, {"command": "true", "env": {"A": "a\0b"}}):
        assert platform.api("POST", "/apps/runs/dynos", body)[0] == 422
    assert logs(platform).count("Starting process") == before


# --- exec --------------------------------------------------------------

def test_exec_is_inside_the_process(platform, app):
    web = settled(platform)
    out = execute(platform, "echo $COLOR $DYNO $PORT $HOME; pwd; id -u; cat /proc/1/comm; "
                            "curl -s localhost:$PORT 2>/dev/null || perl -MIO::Socket::INET -e "
                            "'$s=IO::Socket::INET->new(\"127.0.0.1:$ENV{PORT}\") or die; print $s \"GET /\\n\"; "
                            "print \"connected\\n\"'").stdout.splitlines()
    assert re.fullmatch(r"teal web\.1 \d+ /app", out[0])
    assert out[1:4] == ["/app", "1000", "launcher"]
    assert out[4] in ("ok", "connected")
    assert settled(platform)["id"] == web["id"]
    assert execute(platform, "exit 7", check=False).returncode == 7


def test_exec_has_no_more_rights_than_the_process(platform, app):
    status = execute(platform, "cat /proc/self/status; echo oom $(cat /proc/self/oom_score_adj); "
                               "for n in user pid net mnt ipc uts cgroup; do readlink /proc/self/ns/$n; done; "
                               "ls -l /proc/self/fd").stdout
    for line in ("CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", "oom 500"):
        assert line in status
    pid = first_pid(platform, settled(platform))
    for kind in ("user", "pid", "net", "mnt", "ipc", "uts", "cgroup"):
        assert os.readlink(f"/proc/{pid}/ns/{kind}") in status
    # Nothing of the host is held open: its three, and the folder that ls reads.
    assert re.findall(r" (\d+) -> ", status) == ["0", "1", "2", "3"]


def first_pid(platform, dyno):
    """The host's pid of the first process of what the API calls dyno."""
    part = dyno["id"].split("-")
    folder = platform.run / "i" / (part[0] + part[1] + part[2][1:] + part[3][1])
    return int((folder / "s/pid").read_text().split()[0])


def test_exec_gives_a_terminal(platform, app, terminal):
    t = terminal("ps:exec", "--app", "runs", "--dyno", "web.1")
    t.expect(rb"\$ ")
    shown = [d for d in dynos(platform) if d["type"] == "exec"]
    assert [d["command"] for d in shown] == ["bash"]
    t.type(b"tty; echo size-$(stty size | tr ' ' x)-end\n")
    t.expect(rb"/dev/pts/\d+")
    t.expect(rb"size-40x100-end")
    t.resize(30, 90)
    wait_until(lambda: (t.type(b"echo size-$(stty size | tr ' ' x)-end\n"), t.expect(rb"size-(\d+x\d+)-end"))[1][1]
               == b"30x90", "the new size is there")
    t.type(b"exit 3\n")
    assert t.code() == 3


def test_exec_of_what_is_not_there(platform, app):
    done = platform.paas("ps:exec", "--app", "runs", "--dyno", "web.9", "--", "true", check=False)
    assert done.returncode == 1 and "no such process" in done.stderr


def test_exec_survives_every_daemon(platform, app, terminal):
    t = terminal("ps:exec", "--app", "runs")
    t.expect(rb"\$ ")
    for name in ("web", "plan", "jail", "super", "router", "logd"):
        old = wait_until(lambda: platform.daemon_pid(name), f"{name} runs")
        os.kill(old, signal.SIGKILL)
        t.type(f"echo af''ter-{name}\n".encode())
        t.expect(f"after-{name}".encode())
        wait_until(lambda: platform.daemon_pid(name) not in (None, old), f"{name} is back")
    t.type(b"exit 8\n")
    assert t.code() == 8
    wait_until(lambda: [d for d in dynos(platform) if d["type"] == "exec"] == [], "it is gone from the list")
    assert settled(platform)["state"] == "up"


def test_exec_ends_with_its_process(platform, app, terminal):
    t = terminal("ps:exec", "--app", "runs")
    t.expect(rb"\$ ")
    web = settled_web(platform)
    platform.paas("ps:restart", "--app", "runs", "web.1")
    assert t.code() == 1
    wait_until(lambda: [d["name"] for d in dynos(platform)] == ["web.1"], "it ended with it")
    assert settled(platform)["id"] != web["id"]


def settled_web(platform):
    return next(d for d in dynos(platform) if d["name"] == "web.1" and d["state"] == "up")


def test_exec_writes_its_end_though_its_process_is_killed(platform, app):
    """What was printed before the end of the process arrives."""
    done = execute(platform, "echo be''fore; kill -9 -1; sleep 1000", check=False)
    assert done.stdout == "before\n" and done.returncode != 0
    settled(platform)


def test_exec_with_a_shell_that_is_the_runtime(platform, app):
    """`#!/proc/self/exe` in place of a shell: it fails, and no program of the host is touched."""
    programs = ["/usr/bin/crun", *(PAAS.parents[1] / "libexec/paas").glob("launcher"),
                PAAS.parents[1] / "libexec/paas/paas-shim"]
    before = [hashlib.sha256(open(p, "rb").read()).digest() for p in programs]
    wait_until(lambda: execute(platform, "echo fine", check=False).stdout == "fine\n", "the process runs")
    execute(platform, "mkdir -p /tmp/evil && printf '#!/proc/self/exe\\n' > /tmp/evil/bash && "
                      "chmod 755 /tmp/evil/bash && "
                      "(while :; do for p in /proc/[0-9]*; do "
                      "{ printf pwned > $p/exe; } 2>/dev/null; done; done) >/dev/null 2>&1 &")
    for _ in range(5):
        done = platform.paas("ps:exec", "--app", "runs", "-e", "PATH=/tmp/evil:/usr/bin:/bin", "--", "true", check=False)
        assert done.returncode != 0
    assert [hashlib.sha256(open(p, "rb").read()).digest() for p in programs] == before
    platform.paas("ps:restart", "--app", "runs")
    wait_until(lambda: execute(platform, "echo fine", check=False).stdout == "fine\n", "a fresh process")
