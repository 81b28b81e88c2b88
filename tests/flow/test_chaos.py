"""Random kills, and changes without end, under load.

`make test` takes a few of each; `make chaos KILLS=1000 CHANGES=200` takes as
many as the design asks for. SEED repeats the choices of a run.
"""

import collections
import contextlib
import http.client
import os
import random
import re
import statistics
import threading
import time

import pytest

from platform_run import wait_until
from traffic import Failure, Kill, Traffic

KILLS = int(os.environ.get("KILLS") or 40)
SEED = int(os.environ.get("SEED") or random.randrange(1 << 31))
VICTIMS = ["super", "plan", "jail", "router", "web", "shim"]

COUNTER = """worker: T=$(cat /proc/sys/kernel/random/uuid); n=0; \
while true; do n=$((n+1)); echo count $T $n; sleep 0.1; done
"""


class Town:
    """Two apps, what should run of them, and a hand that changes it."""

    def __init__(self, platform, dice, script_files):
        self.platform, self.dice, self.script_files = platform, dice, script_files
        self.version = 0
        self.wild = platform.app("wild", files=script_files("v0"))
        self.tally = platform.app("tally", files={"Procfile": COUNTER})
        platform.paas("create", "still")
        platform.push(self.wild)
        platform.push(self.tally)
        platform.paas("ps:scale", "worker=2", "--app", "tally")
        platform.paas("ps:scale", "web=2", "--app", "wild")
        self.lines = collections.defaultdict(set)  # of each counter
        self.exits, self.expected = {}, {}  # of one-offs, by name
        self.read_at = 0

    # --- changes --------------------------------------------------------

    def ask(self, traffic, kind, what, act):
        """Do it; where it fails it stands with the failures of the load."""
        begun = time.monotonic()
        try:
            status, answer = act()
        except (OSError, ValueError, http.client.HTTPException) as error:
            status, answer = 0, repr(error)
        if not 200 <= status < 300:
            traffic.note(kind, Failure(kind, what, begun, begun, status, str(answer)[-600:]))
            return None
        return answer

    def call(self, traffic, method, path, body=None):
        return self.ask(traffic, "api", f"{method} {path}", lambda: self.platform.api(method, path, body))

    def change(self, traffic):
        """One change at random: its kind, and the thread that makes it."""
        kind = self.dice.choices(["config", "scale", "restart", "rollback", "run", "push"],
                                 [30, 20, 10, 10, 20, 10])[0]
        app, process = self.dice.choice([("wild", "web"), ("tally", "worker")])
        n, code = self.dice.randrange(1, 4), self.dice.randrange(2, 100)
        self.version += 1
        version = self.version

        def run():
            made = self.call(traffic, "POST", "/apps/tally/dynos", {"command": f"exit {code}"})
            if made:
                self.expected[made["name"]] = code

        def rollback():
            releases = self.call(traffic, "GET", "/apps/wild/releases") or []
            good = [r for r in releases if r["status"] == "succeeded" and r["image"]]
            if good:
                self.call(traffic, "POST", "/apps/wild/releases", {"release": good[-min(n, len(good))]["id"]})

        def push():
            self.platform.commit(self.wild, f"v{version}", self.script_files(f"v{version}"))

            def go():
                done = self.platform.git("push", "-f", "paas", "main", cwd=self.wild, check=False)
                return (200 if done.returncode == 0 else 1), done.stderr
            self.ask(traffic, "git", "git push", go)
        acts = {
            "config": lambda: self.call(traffic, "PATCH", f"/apps/{app}/config-vars", {"COLOR": str(version)}),
            "scale": lambda: self.call(traffic, "PATCH", f"/apps/{app}/formation/{process}", {"quantity": n}),
            "restart": lambda: self.call(traffic, "DELETE", f"/apps/{app}/dynos"),
            "rollback": rollback, "run": run, "push": push}
        thread = threading.Thread(target=acts[kind])
        thread.start()
        return kind, thread

    # --- observed = desired ---------------------------------------------

    def rests(self, app):
        """Nothing is under way in the app, and exactly what is wanted runs."""
        get = self.platform.api
        (s1, builds), (s2, releases) = get("GET", f"/apps/{app}/builds"), get("GET", f"/apps/{app}/releases")
        (s3, formation), (s4, dynos) = get("GET", f"/apps/{app}/formation"), get("GET", f"/apps/{app}/dynos")
        if (s1, s2, s3, s4) != (200,) * 4 or any(x["status"] == "pending" for x in builds + releases):
            return None
        live = [r["version"] for r in releases if r["status"] == "succeeded"][-1]
        want = {(f"{f['type']}.{n}", "up", live) for f in formation for n in range(1, f["quantity"] + 1)}
        have = [(d["name"], d["state"], d["release"]["version"]) for d in dynos]
        return {d["id"] for d in dynos} if len(have) == len(want) and set(have) == want else None

    def instances(self):
        """Of both apps, as shims hold them: by the id that the API tells."""
        found = {}
        for folder in (self.platform.run / "i").iterdir():
            try:
                pid = int((folder / "shim").read_text().split()[0])
                os.kill(pid, 0)
                record = dict(line.split("=", 1) for line in (folder / "record").read_text().splitlines() if "=" in line)
            except (OSError, ValueError, IndexError):
                continue  # it ended meanwhile
            h = folder.name
            found[f"{h[:8]}-{h[8:12]}-4{h[12:15]}-8{h[15]}00-000000000000"] = (pid, record)
        return found

    def at_rest(self):
        try:
            ids = [self.rests(app) for app in ("wild", "tally")]
            return None not in ids and self.platform.get("wild")[0] == 200
        except (OSError, ValueError, http.client.HTTPException):
            return False

    # --- what was logged ------------------------------------------------

    def read_log(self):
        """Gather the counters' lines and how processes ended, before they are out of reach."""
        done = self.platform.paas("logs", "-n", "1500", "--app", "tally", check=False)
        for tag, n in re.findall(r": count (\S+) (\d+)$", done.stdout, re.M):
            self.lines[tag].add(int(n))
        for name, code in re.findall(r"heroku\[(run\.\d+)\]: Process exited with status (\d+)$", done.stdout, re.M):
            self.exits[name] = int(code)
        for name in re.findall(r"heroku\[(run\.\d+)\]: Process was lost", done.stdout):
            self.exits.setdefault(name, None)
        self.read_at = time.monotonic()
        return done.returncode == 0


def victim_of(town, dice, name):
    if name != "shim":
        return wait_until(lambda: town.platform.daemon_pid(name), f"{name} runs")
    return dice.choice(sorted(pid for pid, _ in wait_until(town.instances, "an instance runs").values()))


@contextlib.contextmanager
def reported(capsys, times):
    try:
        yield
    finally:
        show(capsys, times)


def show(capsys, times):
    with capsys.disabled():
        print(f"\nat rest after a kill, in seconds (SEED={SEED}):")
        for name in VICTIMS:
            t = sorted(times[name])
            if t:
                print(f"  {name:7} n={len(t):<4} p50={statistics.median(t):.2f} "
                      f"p90={t[int(len(t) * .9)]:.2f} max={t[-1]:.2f}")


@pytest.fixture(scope="module")
def town(platform, script_files):
    return Town(platform, random.Random(SEED), script_files)


def test_random_kills(town, capsys):
    dice, times = town.dice, collections.defaultdict(list)
    wait_until(town.at_rest, "both apps are at rest")
    town.read_log()
    with reported(capsys, times), Traffic(town.platform, app="wild", calm="still", pause=0.03) as traffic:
        traffic.flows(1)
        for n in range(KILLS):
            kind, change = town.change(traffic)
            name = dice.choice(VICTIMS)
            # A moment at random, in what the change takes.
            change.join(dice.random() * (3 if kind == "push" else 0.4))
            killed = Kill(name, victim_of(town, dice, name))
            change.join()
            wait_until(town.at_rest, f"at rest after kill {n} of {name} at a {kind}, SEED={SEED}")
            killed.over = time.monotonic()
            times[name].append(killed.over - killed.sent)
            assert traffic.unexcused(killed) == [], f"kill {n} of {name} at a {kind}, SEED={SEED}"
            traffic.failures.clear()
            if time.monotonic() - town.read_at > 15:
                town.read_log()
        traffic.flows(1)
    wait_until(town.read_log, "the log is read")
    for tag, lines in town.lines.items():
        assert lines == set(range(min(lines), max(lines) + 1)), f"lines of {tag} are lost, SEED={SEED}"
    wait_until(lambda: town.read_log() and set(town.expected) <= set(town.exits), "each exit code is told")
    wrong = {k: town.exits[k] for k, v in town.expected.items() if town.exits[k] not in (v, None)}
    assert wrong == {}, town.expected
