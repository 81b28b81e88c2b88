"""Every command of the CLI against the running platform."""

import json
import os
import pty
import re
import select
import subprocess
import time

import pytest

from platform_run import GUARD_SECONDS, PAAS, wait_until


@pytest.fixture(scope="module")
def app(platform, script_files):
    files = script_files("v1")
    files["Procfile"] += "worker: while true; do echo tick; sleep 1; done\n"
    folder = platform.app("tool", files=files)
    platform.push(folder)
    return folder


def test_create_adds_a_remote_without_a_token(platform, app):
    remote = platform.git("remote", "get-url", "paas", cwd=app).stdout.strip()
    assert remote.endswith("/tool.git")
    assert platform.env()["PAAS_TOKEN"] not in (app / ".git/config").read_text()


def test_create_without_a_name_makes_one(platform):
    out = platform.paas("create").stdout
    name = re.search(r"\b([a-z]+(?:-[a-z0-9]+)+)\b", out).group(1)
    assert name in platform.paas("apps").stdout
    platform.paas("destroy", name, "--confirm", name)
    assert name not in platform.paas("apps").stdout


def test_the_app_is_taken_from_the_git_remote(platform, app):
    assert "tool" in platform.paas("info", cwd=app).stdout
    outside = platform.paas("info", cwd="/", check=False)
    assert outside.returncode == 2 and "--app" in outside.stderr


def test_config_set_get_unset(platform, app):
    out = platform.paas("config:set", "COLOR=teal", "EMPTY=", "ODD=a b'c\"d$e", cwd=app)
    assert re.search(r"v\d+", out.stdout + out.stderr)
    assert platform.api("GET", "/apps/tool/config-vars")[1] == {
        "COLOR": "teal", "EMPTY": "", "ODD": "a b'c\"d$e"}
    assert "teal" in platform.paas("config", cwd=app).stdout
    assert platform.paas("config:get", "ODD", cwd=app).stdout == "a b'c\"d$e\n"
    wait_until(lambda: "teal" in platform.get("tool")[1], "the config serves")
    before = platform.api("GET", "/apps/tool/releases")[1][-1]["version"]
    platform.paas("config:set", "COLOR=teal", cwd=app)
    assert platform.api("GET", "/apps/tool/releases")[1][-1]["version"] == before
    platform.paas("config:unset", "ODD", "EMPTY", cwd=app)
    assert platform.api("GET", "/apps/tool/config-vars")[1] == {"COLOR": "teal"}


def test_ps_shows_scales_and_restarts(platform, app):
    assert "web.1" in platform.paas("ps", cwd=app).stdout
    platform.paas("ps:scale", "worker=2", cwd=app)
    wait_until(lambda: "worker.2" in platform.paas("ps", cwd=app).stdout, "two workers")
    platform.paas("ps:scale", "worker=0", cwd=app)
    wait_until(lambda: "worker.1" not in platform.paas("ps", cwd=app).stdout, "no worker")
    old = {d["name"]: d["id"] for d in platform.api("GET", "/apps/tool/dynos")[1]}
    platform.paas("ps:restart", cwd=app)

    def replaced():
        dynos = {d["name"]: d["id"] for d in platform.api("GET", "/apps/tool/dynos")[1]
                 if d["state"] == "up"}
        return dynos.get("web.1") not in (None, old["web.1"])
    wait_until(replaced, "web.1 is a new instance")


def test_logs_have_app_router_and_platform_lines(platform, app):
    platform.get("tool")
    wait_until(lambda: "heroku[router]: at=info" in platform.paas("logs", cwd=app).stdout,
               "the router's line")
    text = platform.paas("logs", "-n", "1500", cwd=app).stdout
    assert re.search(r"^\S+\+00:00 app\[web\.1\]: up v1$", text, re.M)
    assert re.search(r"heroku\[web\.1\]: State changed from starting to up", text)
    assert re.search(r"app\[api\]: ", text)


def test_logs_tail_follows(platform, app):
    tail = subprocess.Popen([PAAS, "logs", "--tail", "-n", "1", "--app", "tool"], env=platform.env(),
                            stdout=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: select.select([tail.stdout], [], [], 0.1)[0], "a first line")
        platform.get("tool", "/marker-of-the-tail")
        end = time.monotonic() + GUARD_SECONDS
        while "marker-of-the-tail" not in tail.stdout.readline():
            assert time.monotonic() < end
    finally:
        tail.terminate()
        tail.wait()
        tail.stdout.close()


def test_run_pipes_input_output_and_exit_code(platform, app):
    done = platform.paas("run", "--app", "tool", "tr a-z A-Z; exit 3", stdin="shout\n", check=False)
    assert done.stdout == "SHOUT\n"
    assert done.returncode == 3
    assert platform.paas("run", "--app", "tool", "echo $COLOR $DYNO").stdout.startswith("teal run.")


def test_run_gives_a_terminal(platform, app):
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(PAAS, ["paas", "run", "--app", "tool", "bash"], platform.env())
    seen = b""

    def read_until(pattern):
        nonlocal seen
        end = time.monotonic() + GUARD_SECONDS
        while not re.search(pattern, seen):
            assert time.monotonic() < end, seen
            if select.select([fd], [], [], 1)[0]:
                try:
                    seen += os.read(fd, 4096)
                except OSError:
                    break
        return re.search(pattern, seen)
    try:
        assert read_until(rb"\$ ")
        os.write(fd, b"tty; echo size-$(stty size | tr ' ' x)-end\n")
        assert read_until(rb"/dev/pts/\d+")
        assert read_until(rb"size-\d+x\d+-end")
        os.write(fd, b"exit 5\n")
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 5
    finally:
        os.close(fd)


def test_releases_and_rollback(platform, app):
    text = platform.paas("releases", cwd=app).stdout
    assert re.search(r"^v\d+\s+.*Set COLOR", text, re.M)
    assert re.search(r"Deploy [0-9a-f]{7,8}", text)


def test_login_stores_and_logout_forgets(platform):
    env = {"PAAS_URL": "", "PAAS_TOKEN": ""}
    url, token = platform.env()["PAAS_URL"], platform.env()["PAAS_TOKEN"]
    assert platform.paas("apps", check=False, env=env).returncode != 0
    wrong = platform.paas("login", "--token-stdin", url, stdin="x" * 43 + "\n", check=False, env=env)
    assert wrong.returncode == 1 and "token" in wrong.stderr
    platform.paas("login", "--token-stdin", url, stdin=token + "\n", env=env)
    saved = platform.home / ".config/paas/login.json"
    assert saved.stat().st_mode & 0o777 == 0o600
    assert "tool" in platform.paas("apps", env=env).stdout
    platform.paas("logout", env=env)
    assert token not in (saved.read_text() if saved.exists() else "")


def test_help_version_and_a_misspelt_command(platform):
    text = platform.paas("help").stdout
    for command in ("create", "apps", "info", "destroy", "config", "config:set", "config:unset", "ps",
                    "ps:scale", "ps:restart", "logs", "releases", "rollback", "run", "open", "login",
                    "version", "server"):
        assert re.search(rf"^\s+{re.escape(command)}\b", text, re.M), command
        assert platform.paas(command, "--help").stdout
    assert re.search(r"\d+\.\d+", platform.paas("version").stdout)
    assert "usage: paas setup" in platform.paas("setup", "--help").stdout
    wrong = platform.paas("setup", "--stat", "/nonexistent", check=False)
    assert wrong.returncode != 0 and "--stat" in wrong.stderr and "Next" not in wrong.stdout
    wrong = platform.paas("confg:set", "A=1", check=False)
    assert wrong.returncode == 2 and "config:set" in wrong.stderr


def test_a_second_push_while_building_is_refused(platform, script_files):
    files = {**script_files("slow"), "package.json": json.dumps({
        "name": "slow", "version": "1.0.0",
        "scripts": {"build": "while [ ! -f /tmp/never ]; do sleep 0.1; done"}})}
    folder = platform.app("slowpoke", files=files)
    first = subprocess.Popen(["git", "push", "paas", "main"], cwd=folder, env=platform.env(),
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: any(b["status"] == "pending" for b in
                               platform.api("GET", "/apps/slowpoke/builds")[1]), "the build runs")
        short = platform.git("rev-parse", "HEAD", cwd=folder).stdout[:7]
        platform.commit(folder, "more", {"x": "y"})
        second = platform.push(folder, check=False)
        assert second.returncode != 0
        assert f"build of {short}" in second.stderr
    finally:
        build = platform.api("GET", "/apps/slowpoke/builds")[1][-1]["id"]
        assert platform.api("DELETE", f"/apps/slowpoke/builds/{build}")[0] in (200, 202, 204)
        _, text = first.communicate(timeout=GUARD_SECONDS)
    assert first.returncode != 0 and "rejected" in text
