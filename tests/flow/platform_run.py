"""A platform of a test's own: a temporary state folder and a free port.

Everything is real: `paas server` from build/, the stock git client, real
containers. The holder gets SIGTERM when the test runner dies, however it
dies, and takes its whole platform down with it.
"""

import base64
import ctypes
import http.client
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAAS = ROOT / "build/bin/paas"
SAMPLES = ROOT / "tests/samples"
GUARD_SECONDS = 180  # no wait for an event lasts longer

PR_SET_PDEATHSIG = 1


def die_with_runner():
    """In the child: SIGTERM when the test runner is gone."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(check, what, seconds=GUARD_SECONDS):
    """Return what check() gives as soon as it is true."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


class Platform:
    def __init__(self, folder, port=None, flags=()):
        self.folder = pathlib.Path(folder)
        self.state = self.folder / "state"
        self.home = self.folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        self.state.mkdir(mode=0o711, exist_ok=True)
        self.port = port or free_port()
        self.flags = list(flags)
        self.process = None
        self.output = []

    # --- life ----------------------------------------------------------

    def start(self):
        subprocess.run([ROOT / "runtime/super/setup.sh", "stacks", self.state], check=True)
        log = open(self.folder / "server.log", "ab")
        self.process = subprocess.Popen(
            [PAAS, "server", "--state", self.state,
             "--listen", f"127.0.0.1:{self.port}", *self.flags],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
            start_new_session=True, preexec_fn=die_with_runner)
        log.close()
        self.wait_ready()
        return self

    def wait_ready(self):
        end = time.monotonic() + 300
        data = b""
        fd = self.process.stdout.fileno()
        while not re.search(rb"^ready \S+$", data, re.M):
            left = end - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise AssertionError("the platform did not get ready: " + self.log_tail())
            chunk = os.read(fd, 65536)
            if not chunk:
                raise AssertionError("the platform ended: " + data.decode() + self.log_tail())
            data += chunk
        self.output = data.decode().splitlines()

    def log_tail(self, lines=40):
        text = (self.folder / "server.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def stop(self, keep=False):
        """End the platform; keep leaves its instances running."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGUSR2 if keep else signal.SIGTERM)
            self.process.wait(120)
        if self.process:
            self.process.stdout.close()
        self.process = None

    @property
    def run(self):
        """The run folder, /run/paas/N."""
        return pathlib.Path("/run/paas") / (self.state / "slot").read_text().strip()

    def daemon_pid(self, name):
        """The pid on record for a daemon, None while there is none."""
        try:
            pid = int((self.run / "pid" / name).read_text().split()[0])
            os.kill(pid, 0)
            return pid
        except (OSError, ValueError, IndexError):
            return None

    def processes(self):
        """(name, pid) of the holder, the daemons, their workers and the shims."""
        parents, names = {}, {}
        mine = {int(f.read_text().split()[0]) for f in (self.run / "pid").iterdir()}
        for d in pathlib.Path("/proc").iterdir():
            if not d.name.isdigit():
                continue
            try:
                stat, line = (d / "stat").read_text(), (d / "cmdline").read_bytes()
            except OSError:
                continue  # it ended meanwhile
            pid = int(d.name)
            names[pid] = stat[stat.index("(") + 1:stat.rindex(")")]
            parents[pid] = int(stat.rsplit(")", 1)[1].split()[1])
            if line.startswith(f"paas-shim\0{self.run}/i/".encode()):
                mine.add(pid)
        for pid in sorted(parents):  # workers are children of super
            if parents[pid] in mine and names[pid].startswith("paas-"):
                mine.add(pid)
        return [(names[pid], pid) for pid in sorted(mine) if pid in names]

    # --- the ordinary clients ------------------------------------------

    def env(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "PAAS_"))}
        env.update(HOME=str(self.home), PATH=f"{PAAS.parent}:{env['PATH']}",
                   GIT_TERMINAL_PROMPT="0", GIT_CONFIG_NOSYSTEM="1",
                   GIT_AUTHOR_NAME="t", GIT_AUTHOR_EMAIL="t@example.com",
                   GIT_COMMITTER_NAME="t", GIT_COMMITTER_EMAIL="t@example.com",
                   LC_ALL="C.UTF-8")
        for line in (self.state / "client.env").read_text().splitlines():
            key, value = line.split("=", 1)
            env[key] = value
        return env

    def paas(self, *args, cwd=None, check=True, stdin="", env=None):
        done = subprocess.run([PAAS, *args], cwd=cwd or self.folder, env={**self.env(), **(env or {})},
                              input=stdin, capture_output=True, text=True,
                              timeout=GUARD_SECONDS, preexec_fn=die_with_runner)
        if check and done.returncode != 0:
            raise AssertionError(f"paas {args}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def git(self, *args, cwd, check=True):
        done = subprocess.run(["git", *args], cwd=cwd, env=self.env(), capture_output=True,
                              text=True, timeout=600, preexec_fn=die_with_runner)
        if check and done.returncode != 0:
            raise AssertionError(f"git {args}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def push(self, folder, check=True, refspec="main"):
        return self.git("push", "paas", refspec, cwd=folder, check=check)

    def app(self, name, files=None, sample=None):
        """A new app with a repository of its own; returns its folder."""
        folder = self.folder / "apps" / name
        folder.mkdir(parents=True)
        if sample:
            shutil.copytree(SAMPLES / sample, folder, dirs_exist_ok=True)
        self.write(folder, files or {})
        self.git("init", "-q", "-b", "main", cwd=folder)
        self.paas("create", name, cwd=folder)
        self.commit(folder)
        return folder

    @staticmethod
    def write(folder, files):
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)

    def commit(self, folder, message="change", files=None):
        self.write(folder, files or {})
        self.git("add", "-A", cwd=folder)
        self.git("commit", "-q", "--allow-empty", "-m", message, cwd=folder)

    # --- HTTP ----------------------------------------------------------

    def request(self, host, path="/", method="GET", body=None, headers=None):
        """One request on a connection of its own: (status, text, headers)."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            c.request(method, path, body=body, headers={"Host": host, **(headers or {})})
            r = c.getresponse()
            return r.status, r.read().decode(errors="replace"), dict(r.headers)
        finally:
            c.close()

    def get(self, app, path="/"):
        return self.request(f"{app}.localhost:{self.port}", path)

    def api(self, method, path, body=None, token=None):
        token = token or self.env()["PAAS_TOKEN"]
        status, text, _ = self.request(
            f"localhost:{self.port}", path, method,
            None if body is None else json.dumps(body),
            {"Accept": "application/vnd.heroku+json; version=3",
             "Content-Type": "application/json",
             "Authorization": "Bearer " + token})
        return status, json.loads(text) if text.strip() else None

    def basic(self, token=None):
        raw = f"paas:{token or self.env()['PAAS_TOKEN']}".encode()
        return "Basic " + base64.b64encode(raw).decode()
