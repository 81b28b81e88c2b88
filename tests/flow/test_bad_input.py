"""Hostile names, paths, sizes and bodies at each door: refused, clear, inert."""

import json
import pathlib
import socket
import subprocess

import pytest

from platform_run import PAAS, free_port, wait_until


@pytest.fixture(scope="module")
def app(platform, script_files):
    folder = platform.app("victim", files=script_files("safe"))
    platform.push(folder)
    return folder


@pytest.fixture(autouse=True)
def nothing_changes(platform, app):
    def facts():
        return (sorted(a["name"] for a in platform.api("GET", "/apps")[1]),
                platform.api("GET", "/apps/victim/config-vars")[1],
                platform.api("GET", "/apps/victim/formation")[1],
                [r["version"] for r in platform.api("GET", "/apps/victim/releases")[1]])
    before = facts()
    yield
    assert facts() == before
    assert platform.get("victim")[1].startswith("safe ")


@pytest.mark.parametrize("name", [
    "", "a", "ab", "Upper", "1digit", "-dash", "dash-", "under_score", "dot.dot", "../etc", "a/b",
    "a" * 31, "api", "git", "registry", "www", "localhost", "internal", "näme", "a b", "a\u0000b",
    "$(id)", "`id`", "victim"])
def test_app_names(platform, name):
    status, body = platform.api("POST", "/apps", {"name": name})
    assert status == 422
    assert body["id"] == "invalid_params" and len(body["message"]) > 10


@pytest.mark.parametrize("body", [
    "", "{", "[]", '"x"', "nul", '{"name": 5}', '{"name": {"a": 1}}', "[" * 100000, "\x00"])
def test_bodies_that_are_not_what_they_should_be(platform, body):
    headers = {"Authorization": platform.basic(), "Content-Type": "application/json"}
    for method, path in (("PATCH", "/apps/victim/config-vars"), ("PATCH", "/apps/victim/formation")):
        status, text, _ = platform.request(f"localhost:{platform.port}", path, method, body.encode(), headers)
        assert status in (400, 422), (method, path, status, text)
        assert json.loads(text)["message"]


@pytest.mark.parametrize("config", [
    {"": "x"}, {"A B": "x"}, {"A=B": "x"}, {"1A": "x"}, {"A" * 129: "x"}, {"A": 5}, {"A": ["x"]},
    {"A": "x\u0000y"}, {"A": "x" * (32 * 1024 + 1)}, {f"K{i}": "x" * 32000 for i in range(3)},
    {"PORT": "1"}, {"DYNO": "x"}])
def test_config_vars(platform, config):
    status, body = platform.api("PATCH", "/apps/victim/config-vars", config)
    assert status == 422
    assert len(body["message"]) > 10


def test_a_config_value_on_the_limit_is_taken(platform, script_files):
    folder = platform.app("limits", files=script_files("x"))
    platform.push(folder)
    value = "x" * (32 * 1024)
    assert platform.api("PATCH", "/apps/limits/config-vars", {"BIG": value})[0] == 200
    assert platform.api("GET", "/apps/limits/config-vars")[1]["BIG"] == value
    wait_until(lambda: platform.api("GET", "/apps/limits/releases")[1][-1]["status"] != "pending", "live")
    platform.paas("destroy", "limits", "--confirm", "limits")


@pytest.mark.parametrize("update", [
    {"type": "web", "quantity": -1}, {"type": "web", "quantity": "x"}, {"type": "web", "quantity": 101},
    {"type": "nosuch", "quantity": 1}, {"type": "we b", "quantity": 1}, {"type": "web", "quantity": 1.5},
    {"type": "web", "quantity": "+999999999999999999999"}, {"quantity": 1},
    {"type": "web", "quantity": 1, "size": "../huge"}])
def test_formation(platform, update):
    status, body = platform.api("PATCH", "/apps/victim/formation", {"updates": [update]})
    assert status in (404, 422)
    assert len(body["message"]) > 5


def raw(platform, data):
    with socket.create_connection(("127.0.0.1", platform.port), timeout=30) as s:
        s.sendall(data)
        answer = b""
        while chunk := s.recv(65536):
            answer += chunk
            if len(answer) > 1 << 20:
                break
        return answer


HOST = b"Host: victim.localhost\r\n"


@pytest.mark.parametrize("head", [
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n",
    b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5 5\r\nhello\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +3\r\n\r\nabc",
    b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999999999999\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"A : b\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"A: b\x00c\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b" folded: x\r\n\r\n",
    b"GET /\x01 HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET / HTTP/2.0\r\n" + HOST + b"\r\n",
    b"G<T / HTTP/1.1\r\n" + HOST + b"\r\n",
    b"CONNECT victim.localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 9000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 1100 + b"\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"SSH-2.0-x\r\n\r\n"])
def test_http_heads(platform, head):
    answer = raw(platform, head)
    assert answer == b"" or answer.split()[1][:1] in (b"4", b"5"), answer[:200]


@pytest.mark.parametrize("path", [
    "/nosuch.git/info/refs?service=git-receive-pack", "/../victim.git/info/refs?service=git-receive-pack",
    "/victim.git/../../etc/passwd", "/victim.git/HEAD", "/victim.git/objects/info/packs",
    "/victim.git/info/refs", "/victim.git/info/refs?service=git-shell",
    "/%2e%2e/victim.git/info/refs?service=git-upload-pack", "/vic%00tim.git/info/refs?service=git-receive-pack",
    "/VICTIM.git/info/refs?service=git-receive-pack", "/victim.git//info/refs?service=git-receive-pack"])
def test_git_paths(platform, path):
    status, _, _ = platform.request(f"localhost:{platform.port}", path,
                                    headers={"Authorization": platform.basic()})
    assert status in (400, 403, 404)


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 5000])
def test_wrong_tokens(platform, token):
    status, _, headers = platform.request(
        f"localhost:{platform.port}", "/victim.git/info/refs?service=git-receive-pack",
        headers={"Authorization": platform.basic(token)} if token else {})
    assert status in (400, 401, 431)
    assert platform.request(f"localhost:{platform.port}", "/apps/victim",
                            headers={"Authorization": "Bearer " + token} if token else {})[0] in (400, 401, 431)


@pytest.mark.parametrize("body", [
    b"zzzz", b"0003", b"ffff", b"0009hello0000", b"0000",
    b"00a0" + b"0" * 40 + b" " + b"1" * 40 + b" refs/../../x\0 report-status" + b" " * 39 + b"0000",
    b"0067" + b"0" * 40 + b" " + b"1" * 40 + b" refs/heads/main\0000",
    (b"%04x" % (4 + 81 + 15 + 1 + 14)) + b"0" * 40 + b" " + b"1" * 40
    + b" refs/heads/main\0report-status \n" + b"0000" + b"PACK" + b"\xff" * 2000])
def test_git_bodies(platform, app, body):
    status, text, _ = platform.request(
        f"localhost:{platform.port}", "/victim.git/git-receive-pack", "POST", body,
        {"Authorization": platform.basic(), "Content-Type": "application/x-git-receive-pack-request"})
    assert status in (200, 400)
    assert "unpack ok" not in text


BROKEN = [
    ("Procfile", "web\n", "Procfile line 1"),
    ("Procfile", "we b: x\n", "Procfile line 1"),
    ("Procfile", "", "names no process type"),
    ("Procfile", "x" * 70000, "limit is 65536"),
    ("package.json", "{", "package.json"),
    ("package.json", "[]", "package.json"),
    ("package.json", '{"engines": {"node": "99.x"}}', "99.x"),
    ("package.json", '{"engines": {"node": "$(touch /tmp/x)"}}', "characters that no version has"),
    ("package.json", '{"scripts": []}', "must be objects"),
]


@pytest.mark.parametrize("path,text,reason", BROKEN, ids=[f"{p}-{i}" for i, (p, _, _) in enumerate(BROKEN)])
def test_files_of_the_app(platform, app, path, text, reason):
    platform.commit(app, "broken", {path: text})
    push = platform.push(app, check=False)
    platform.git("reset", "-q", "--hard", "HEAD~1", cwd=app)
    assert push.returncode != 0
    assert reason in push.stderr, push.stderr


def test_an_app_that_nothing_detects(platform):
    folder = platform.app("strange", files={"notes.txt": "hello"})
    push = platform.push(folder, check=False)
    assert push.returncode != 0
    assert "package.json" in push.stderr and "Procfile" in push.stderr
    platform.paas("destroy", "strange", "--confirm", "strange")


def test_a_node_app_that_nothing_starts(platform):
    folder = platform.app("inert", files={"package.json": "{}"})
    push = platform.push(folder, check=False)
    assert push.returncode != 0
    assert "Nothing tells how to start this app" in push.stderr
    platform.paas("destroy", "inert", "--confirm", "inert")


def test_a_full_disk_refuses_the_start_before_the_state_folder_is_there(folder):
    disk = pathlib.Path(folder, "small")
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16M", "none", disk], check=True)
    try:
        done = subprocess.run([PAAS, "server", "--state", disk / "deep/state", "--listen", f"127.0.0.1:{free_port()}"],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "is full (less than 256 MB free)" in done.stderr
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)
