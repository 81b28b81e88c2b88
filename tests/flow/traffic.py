"""Load on every door at once, and the rule that says which failures a kill excuses.

App, API and git requests run side by side, on connections that are kept and
on new ones, and real git clients fetch. Every failure is kept with its times.
"""

import http.client
import itertools
import json
import os
import select
import shutil
import signal
import threading
import time

from platform_run import wait_until

KINDS = ("app", "api", "git")

# Whose requests may fail when it is killed, and only those in flight there.
BEARERS = {"router": KINDS, "web": ("api",), "gitd": ("git",)}


class Kill:
    """SIGKILL for one process: sent, then dead, as times of our clock."""

    def __init__(self, name, pid):
        self.name, self.pid = name, pid
        fd = os.pidfd_open(pid)
        self.sent = time.monotonic()
        signal.pidfd_send_signal(fd, signal.SIGKILL)
        select.select([fd], [], [])
        self.dead = time.monotonic()
        os.close(fd)
        self.over = self.dead  # of a shim: when another one serves

    def excuses(self, failure):
        if self.name == "shim":
            # What its instance had in hand: requests, or being the command,
            # the build or the first process of the release that was asked for.
            mine = failure.kind == "app" or failure.what in ("git push", "POST /apps/tally/dynos")
            return mine and failure.begun <= self.over and failure.ended >= self.sent
        if failure.kind not in BEARERS.get(self.name, ()):
            return False
        # Of the router's clients those whose connection it had; else those
        # who waited for an answer.
        since = failure.connected if self.name == "router" else failure.begun
        return since <= self.dead and failure.ended >= self.sent


class Failure:
    def __init__(self, kind, what, connected, begun, status, text):
        self.kind, self.what, self.connected, self.begun = kind, what, connected, begun
        self.ended = time.monotonic()
        self.status, self.text = status, text

    def __repr__(self):
        return (f"{self.what}: {self.status} {self.text!r} from {self.begun:.3f} to {self.ended:.3f}"
                f" on a connection of {self.connected:.3f}")


class Traffic:
    """Clients of one app until stopped; use as a context.

    The app's repository is fetched; `calm` is an app without a release whose
    config vars are written. Its last acknowledged value is in `written`.
    """

    def __init__(self, platform, app="tough", calm="calm", pause=0.01):
        self.platform, self.app, self.calm, self.pause = platform, app, calm, pause
        self.home = f"localhost:{platform.port}"
        self.failures, self.answers = [], dict.fromkeys(KINDS, 0)
        self.written, self.numbers = None, itertools.count()
        self.stop, self.lock = threading.Event(), threading.Lock()
        self.bearer = {"Accept": "application/vnd.heroku+json; version=3",
                       "Content-Type": "application/json",
                       "Authorization": "Bearer " + platform.env()["PAAS_TOKEN"]}
        self.basic = {"Authorization": platform.basic()}
        self.threads = [threading.Thread(target=run, args=args) for run, *args in (
            (self.http, self.app_requests, True), (self.http, self.app_requests, True),
            (self.http, self.app_requests, False), (self.http, self.app_requests, False),
            (self.http, self.api_reads, True), (self.http, self.api_reads, False),
            (self.http, self.api_writes, True), (self.http, self.git_requests, True),
            (self.http, self.git_requests, False), (self.fetches,))]

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for t in self.threads:
            t.join()

    def flows(self, answers=5, kinds=KINDS):
        """Wait until each kind has got so many more answers."""
        seen = dict(self.answers)
        wait_until(lambda: all(self.answers[k] >= seen[k] + answers for k in kinds), "the load goes on")

    def unexcused(self, *kills):
        return [f for f in self.failures if not any(k.excuses(f) for k in kills)]

    # --- what is asked ---------------------------------------------------

    def app_requests(self):
        while True:
            yield "app", "GET", "/", f"{self.app}.{self.home}", {}, None

    def api_reads(self):
        for path in itertools.cycle(("", "/dynos", "/releases", "/formation", "/config-vars", "/builds")):
            yield "api", "GET", f"/apps/{self.app}{path}", self.home, self.bearer, None

    def api_writes(self):
        for n in self.numbers:
            yield ("api", "PATCH", f"/apps/{self.calm}/config-vars", self.home, self.bearer, {"N": str(n)})
            yield "api", "POST", f"/apps/{self.app}/log-sessions", self.home, self.bearer, {"lines": 1}

    def git_requests(self):
        while True:
            yield ("git", "GET", f"/{self.app}.git/info/refs?service=git-upload-pack", self.home, self.basic, None)

    # --- who asks --------------------------------------------------------

    def note(self, kind, failure=None):
        with self.lock:
            self.answers[kind] += 1
            if failure:
                self.failures.append(failure)

    def http(self, requests, keep):
        connection, connected = None, 0
        for kind, method, path, host, headers, body in requests():
            if self.stop.is_set():
                break
            begun, status, text = time.monotonic(), 0, ""
            try:
                if connection is None:
                    connected = begun
                    connection = http.client.HTTPConnection("127.0.0.1", self.platform.port, timeout=60)
                connection.request(method, path, body and json.dumps(body), {"Host": host, **headers})
                response = connection.getresponse()
                status, text = response.status, response.read().decode(errors="replace")
                if not keep or response.will_close:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                text = repr(error)
                connection.close()
                connection = None
            good = 200 <= status < 300
            if good and method == "PATCH":
                self.written = json.loads(text)["N"]
            self.note(kind, None if good else Failure(
                kind, f"{method} {path}", connected, begun, status, text[:200]))
            self.stop.wait(self.pause)
        if connection:
            connection.close()

    def fetches(self):
        """The stock client: what is there, and a whole clone."""
        env = {**self.platform.env(), "GIT_CURL_VERBOSE": "0"}
        url = f"{env['PAAS_URL']}/{self.app}.git".replace("http://", f"http://paas:{env['PAAS_TOKEN']}@", 1)
        copy = self.platform.folder / f"copy-{self.app}"
        for words in itertools.cycle((("ls-remote", "-q", url), ("clone", "-q", "--bare", url, str(copy)))):
            if self.stop.is_set():
                break
            begun = time.monotonic()
            done = self.platform.git(*words, cwd=self.platform.folder, check=False)
            self.note("git", None if done.returncode == 0 else Failure(
                "git", f"git {words[0]}", begun, begun, done.returncode, done.stderr[-300:]))
            shutil.rmtree(copy, ignore_errors=True)
            self.stop.wait(self.pause)
