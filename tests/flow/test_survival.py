"""kill -9 of everything: idle, under load and during a push.

The rule that every test here asserts: an app's request fails only if its own
connection went through the killed router; API and git requests only if they
were in flight in the daemon killed. What comes while one is dead waits.
"""

import concurrent.futures
import http.client
import os
import pathlib
import re
import select
import signal
import threading
import time

import pytest

import gitwire
from platform_run import Platform, wait_until
from traffic import BEARERS, Kill, Traffic

DAEMONS = ["super", "router", "web", "gitd", "builder", "plan", "jail", "logd", "names"]


@pytest.fixture(scope="module")
def app(platform, script_files):
    folder = platform.app("tough", files=script_files("v0"))
    platform.push(folder)
    platform.paas("create", "calm")
    return folder


def kill(platform, name):
    """SIGKILL a daemon and wait for its successor."""
    killed = Kill(name, wait_until(lambda: platform.daemon_pid(name), f"{name} runs"))
    wait_until(lambda: platform.daemon_pid(name) not in (None, killed.pid), f"{name} is restarted")
    return killed


def dynos(platform, app="tough"):
    return platform.api("GET", f"/apps/{app}/dynos")[1]


def whole(platform):
    """App, API, repository and logs answer, and a new instance runs.

    That the builder builds is shown by a push.
    """
    def does(*command):
        return platform.paas(*command, check=False).returncode == 0
    try:
        return (platform.get("tough")[0] == 200
                and platform.api("GET", "/apps/tough/dynos")[0] == 200
                and platform.request(f"localhost:{platform.port}",
                                     "/tough.git/info/refs?service=git-upload-pack",
                                     headers={"Authorization": platform.basic()})[0] == 200
                and does("logs", "-n", "1", "--app", "tough")
                and does("run", "--app", "tough", "true"))
    except OSError:
        return False


def check_written(platform, traffic):
    """The last config var whose change was acknowledged is there, or a later one."""
    now = platform.api("GET", "/apps/calm/config-vars")[1]
    assert int(now["N"]) >= int(traffic.written)


def report(capsys, killed, traffic, text):
    failed = {k: sum(f.kind == k for f in traffic.failures) for k in traffic.answers}
    with capsys.disabled():
        print(f"\n{killed}: {text}; failed " + ", ".join(
            f"{failed[k]} of {n} {k}" for k, n in traffic.answers.items()))


# --- under load -----------------------------------------------------------

@pytest.mark.parametrize("name", DAEMONS)
def test_killed_under_load(platform, app, name, capsys):
    before = dynos(platform)
    with Traffic(platform) as traffic:
        traffic.flows()
        killed = kill(platform, name)
        wait_until(lambda: whole(platform), "the platform is whole again")
        seconds = time.monotonic() - killed.sent
        traffic.flows()
    report(capsys, name, traffic, f"whole again after {seconds:.2f} s")
    assert traffic.unexcused(killed) == []
    check_written(platform, traffic)
    assert [d["id"] for d in dynos(platform)] == [d["id"] for d in before], "the same instances run on"


class Dead:
    """A daemon is killed and, since super is stopped, nobody restarts it yet."""

    def __init__(self, platform, name):
        self.platform, self.name = platform, name

    def __enter__(self):
        self.super = self.platform.daemon_pid("super")
        os.kill(self.super, signal.SIGSTOP)
        try:
            self.kill = Kill(self.name, self.platform.daemon_pid(self.name))
        except BaseException:
            os.kill(self.super, signal.SIGCONT)
            raise
        return self

    def revive(self):
        os.kill(self.super, signal.SIGCONT)

    def __exit__(self, *_):
        self.revive()


ASKED = {
    "an app": lambda p: p.get("tough")[0] == 200,
    "the API": lambda p: p.api("GET", "/apps/tough/dynos")[0] == 200,
    "a change": lambda p: p.api("PATCH", "/apps/calm/config-vars", {"WAITED": "1"})[0] == 200,
    "a repository": lambda p: p.request(
        f"localhost:{p.port}", "/tough.git/info/refs?service=git-upload-pack",
        headers={"Authorization": p.basic()})[0] == 200,
    "git": lambda p: p.git("ls-remote", p.env()["PAAS_URL"] + "/tough.git", cwd=p.folder / "apps/tough"),
    "the log": lambda p: p.paas("logs", "-n", "1", "--app", "tough").stdout.strip() != "",
    "a command": lambda p: p.api("POST", "/apps/tough/dynos", {"command": "true"})[0] == 201,
    "a terminal": lambda p: p.paas("run", "--app", "tough", "echo", "here").stdout.strip().endswith("here"),
}


@pytest.mark.parametrize("name", [n for n in DAEMONS if n != "super"])
def test_what_comes_while_it_is_dead_waits(platform, app, name):
    with concurrent.futures.ThreadPoolExecutor(len(ASKED)) as pool:
        with Dead(platform, name) as dead:
            answers = {what: pool.submit(ask, platform) for what, ask in ASKED.items()}
            # What needs it not is answered meanwhile.
            if name != "router":
                wait_until(answers["an app"].done, "apps serve on")
            if name not in ("router", "web"):
                wait_until(answers["the API"].done, "the API answers on")
            dead.revive()
        assert all(a.result() for a in answers.values()), {w: a.result() for w, a in answers.items()}


# --- during a push --------------------------------------------------------

def settle(platform):
    """Nothing of the app is undecided any more."""
    wait_until(lambda: whole(platform), "the platform is whole again")
    wait_until(lambda: all(b["status"] != "pending" for b in platform.api("GET", "/apps/tough/builds")[1]),
               "no build is left undecided")
    wait_until(lambda: platform.api("GET", "/apps/tough/releases")[1][-1]["status"] != "pending",
               "no release is left undecided")


def check_push(platform, app, version, before, pushed):
    """Wholly there or wholly absent, and the next push works. Is it there?"""
    head = platform.git("rev-parse", "HEAD", cwd=app).stdout.strip()

    def remote_head():
        out = platform.git("ls-remote", "paas", "refs/heads/main", cwd=app, check=False).stdout
        return out.split()[0] if out else None
    settle(platform)
    newest = platform.api("GET", "/apps/tough/releases")[1][-1]
    live = newest["version"] > before and newest["status"] == "succeeded"
    if pushed.returncode == 0:
        assert live, pushed.stderr
    if live:
        wait_until(lambda: remote_head() == head, "release and ref agree: both new")
        wait_until(lambda: platform.get("tough")[1].startswith(version + " "), "the new code serves")
    else:
        assert remote_head() != head, "release and ref agree: both old"
    return live


def start_push(platform, app, files, version):
    """(the version before, a future of git's end) of a push under way."""
    platform.commit(app, version, files)
    before = platform.api("GET", "/apps/tough/releases")[1][-1]["version"]
    future = concurrent.futures.Future()
    threading.Thread(target=lambda: future.set_result(platform.push(app, check=False))).start()
    return before, future


@pytest.mark.parametrize("name", DAEMONS)
def test_killed_during_a_push(platform, app, script_files, name, capsys):
    version = f"push-{name}"

    def building():
        status, builds = platform.api("GET", "/apps/tough/builds")
        return status == 200 and any(b["status"] == "pending" for b in builds)
    with Traffic(platform, pause=0.03) as traffic:
        traffic.flows(1)
        before, push = start_push(platform, app, script_files(version), version)
        wait_until(lambda: building() or push.done(), "the build has begun")
        killed = kill(platform, name)
        pushed = push.result(300)
        live = check_push(platform, app, version, before, pushed)
        platform.commit(app, "next", script_files(version + "-next"))
        platform.push(app)
        assert platform.get("tough")[1].startswith(version + "-next ")
    report(capsys, name, traffic, f"push {'succeeded' if pushed.returncode == 0 else 'failed'}, "
                                  f"release {'live' if live else 'absent'}")
    assert traffic.unexcused(killed) == []
    if name not in BEARERS:
        assert pushed.returncode == 0, pushed.stderr


def workers(platform, mode):
    """Pids of super's workers of one kind."""
    found = []
    for d in pathlib.Path("/proc").iterdir():
        try:
            if d.name.isdigit() and (d / "cmdline").read_bytes() == f"paas-receive\0{mode}\0".encode() \
                    and f"PPid:\t{platform.daemon_pid('super')}\n" in (d / "status").read_text():
                found.append(int(d.name))
        except OSError:
            continue  # it ended meanwhile
    return found


def quarantines(platform):
    return list((platform.state / "repos").glob("*.git/objects/incoming-*"))


def half_push(platform, app):
    """A push whose pack stops half-way: its connection, the rest, and the worker that waits for it."""
    head = platform.git("rev-parse", "HEAD", cwd=app).stdout.strip()
    body = gitwire.commands([(head, "1" * 40, "refs/heads/main")])
    body += gitwire.pack([gitwire.entry("blob", os.urandom(1 << 20))])
    c = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=60)
    c.putrequest("POST", "/tough.git/git-receive-pack", skip_host=True)
    for key, value in (("Host", f"localhost:{platform.port}"), ("Content-Type", gitwire.PUSH_TYPE),
                       ("Authorization", platform.basic()), ("Content-Length", str(len(body)))):
        c.putheader(key, value)
    half = len(body) // 2
    c.endheaders(body[:half])
    return c, body[half:], wait_until(lambda: workers(platform, "receive"), "a worker takes the pack")[0]


def test_a_killed_receive_worker_fails_its_own_push_alone(platform, app, script_files, capsys):
    settle(platform)
    connection, rest, pid = half_push(platform, app)
    wait_until(lambda: quarantines(platform), "the pack has a place")
    with Traffic(platform) as traffic:
        traffic.flows()
        killed = Kill("receive", pid)
        connection.send(rest)
        answer = connection.getresponse()
        text = answer.read()
        wait_until(lambda: not quarantines(platform), "its half pack is removed")
        platform.commit(app, "after", script_files("after-receive"))
        platform.push(app)
        assert platform.get("tough")[1].startswith("after-receive ")
        seconds = time.monotonic() - killed.sent
    connection.close()
    assert answer.status == 200 and b"push again" in text, text
    report(capsys, "receive", traffic, f"the next push is live after {seconds:.2f} s")
    assert traffic.unexcused() == []


def test_a_killed_export_worker_fails_its_own_push_alone(platform, app, script_files, capsys):
    # More than a pipe holds: the worker is there until the build reads.
    files = {**script_files("export"), "much": "0123456789abcde\n" * 262144}
    with Traffic(platform, pause=0.03) as traffic:
        traffic.flows(1)
        before, push = start_push(platform, app, files, "export")
        killed = Kill("export", wait_until(lambda: workers(platform, "export"), "the commit is read")[0])
        pushed = push.result(300)
        assert not check_push(platform, app, "export", before, pushed)
        assert pushed.returncode != 0 and "push again" in pushed.stderr, pushed.stderr
        platform.commit(app, "again")
        platform.push(app)
        assert platform.get("tough")[1].startswith("export ")
        seconds = time.monotonic() - killed.sent
    report(capsys, "export", traffic, f"the next push is live after {seconds:.2f} s")
    assert traffic.unexcused() == []


# --- shims ----------------------------------------------------------------

def shim_of(platform, instance):
    """The pid of an instance's shim, by the id that the API tells."""
    parts = instance.split("-")
    record = platform.run / "i" / (parts[0] + parts[1] + parts[2][1:] + parts[3][1]) / "shim"
    return int(record.read_text().split()[0])


def test_a_killed_shim_costs_its_own_instance_alone(platform, app, capsys):
    platform.paas("ps:scale", "web=2", "--app", "tough")

    def two_up():
        up = [d for d in dynos(platform) if d["type"] == "web" and d["state"] == "up"]
        return up if len(up) == 2 else None
    first, second = sorted(wait_until(two_up, "two instances serve"), key=lambda d: d["name"])
    with Traffic(platform) as traffic:
        traffic.flows()
        killed = Kill("shim", shim_of(platform, first["id"]))

        def replaced():
            up = two_up()
            return up and first["id"] not in [d["id"] for d in up]
        wait_until(replaced, "another one takes its place")
        seconds = time.monotonic() - killed.sent
        gone = time.monotonic()
        traffic.flows()
        kept = [d["id"] for d in dynos(platform)]
        assert second["id"] in kept, "its neighbour runs on"
    report(capsys, "shim", traffic, f"replaced after {seconds:.2f} s")
    for f in traffic.failures:
        assert f.kind == "app" and f.begun <= gone and f.ended >= killed.sent, f
    assert "was lost" in platform.paas("logs", "-n", "200", "--ps", first["name"], "--app", "tough").stdout
    platform.paas("ps:scale", "web=1", "--app", "tough")


# --- the holder -----------------------------------------------------------

def test_a_killed_holder_leaves_all_running_for_the_next_start(folder, script_files, capsys):
    """super goes with it, apps and API serve on; the next start takes over.

    Packs move again then: who would make workers for them is away.
    """
    p = Platform(folder + "/orphaned")
    try:
        p.start()
        tough = p.app("tough", files=script_files("v1"))
        p.push(tough)
        p.paas("create", "calm")
        before, gone = dynos(p), os.pidfd_open(p.daemon_pid("super"))
        with Traffic(p) as traffic:
            traffic.flows()
            Kill("holder", p.process.pid)
            select.select([gone], [], [])
            traffic.flows(kinds=("app", "api"))
        assert [f for f in traffic.unexcused() if f.kind != "git"] == []
        os.close(gone)
        p.process.wait()
        p.process.stdout.close()
        with Traffic(p) as traffic:
            begun = time.monotonic()
            p.start()
            wait_until(lambda: whole(p), "the platform is whole again")
            seconds = time.monotonic() - begun
            after = [d["id"] for d in dynos(p) if d["type"] == "web"]
            assert after == [d["id"] for d in before], "the same instances run on"
        check_written(p, traffic)
    finally:
        if p.process is None or p.process.poll() is not None:
            p.start()
        p.stop()
    report(capsys, "holder", traffic, f"whole again {seconds:.2f} s after the next start")


# --- logs -----------------------------------------------------------------

def test_no_log_line_is_lost_when_daemons_die(folder, platform, app):
    counter = platform.app("counter", files={
        "Procfile": "worker: n=0; while true; do n=$((n+1)); echo line $n; sleep 0.02; done\n"})
    platform.push(counter)
    platform.paas("ps:scale", "worker=1", "--app", "counter")
    wait_until(lambda: "line 20" in platform.paas("logs", "-n", "1500", "--app", "counter").stdout,
               "the worker writes")
    with Traffic(platform) as traffic:
        traffic.flows()
        kills = [kill(platform, name) for name in ("logd", "jail", "plan", "web", "super")]
        wait_until(lambda: whole(platform), "the platform is whole again")
    assert traffic.unexcused(*kills) == []

    def numbers():
        done = platform.paas("logs", "-n", "1500", "--app", "counter", check=False)
        return [int(n) for n in re.findall(r": line (\d+)$", done.stdout, re.M)]
    wait_until(lambda: len(numbers()) > 60, "lines from before and after")
    got = numbers()
    assert got == list(range(got[0], got[0] + len(got)))
    platform.paas("ps:scale", "worker=0", "--app", "counter")
