"""The router and gitd alone, as DESIGN names them."""

import http.server
import subprocess
import threading

import pytest

from platform_run import ROOT, die_with_runner, free_port, wait_until

LIBEXEC = ROOT / "build/libexec/paas"


class Backend(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = f"{self.path} {self.headers['X-Forwarded-For']}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def router(tmp_path):
    backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=backend.serve_forever, daemon=True).start()
    port = free_port()
    table = tmp_path / "map"
    table.write_text(f"# hosts\none.test 127.0.0.1:{backend.server_port}\n")
    process = subprocess.Popen([LIBEXEC / "paas-router", "--map", table, "--listen", f"127.0.0.1:{port}",
                                "--workers", "1", "--timeout", "head=5"], preexec_fn=die_with_runner)
    yield port
    process.terminate()
    assert process.wait(30) == 0
    backend.shutdown()
    backend.server_close()


def curl(*args):
    return subprocess.run(["curl", "-sS", "--max-time", "30", *args], capture_output=True, text=True)


def test_router_alone_routes_by_its_map(router):
    url = f"http://127.0.0.1:{router}/hi"
    wait_until(lambda: curl("-o", "/dev/null", url).returncode == 0, "the router listens")
    assert curl("-H", "Host: one.test", url).stdout == "/hi 127.0.0.1\n"
    assert curl("-H", "Host: two.test", "-o", "/dev/null", "-w", "%{http_code}", url).stdout == "404"


@pytest.fixture
def gitd(tmp_path):
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", tmp_path / "x.git"], check=True)
    port = free_port()
    process = subprocess.Popen([LIBEXEC / "paas-gitd", "--open", tmp_path, "--listen", f"127.0.0.1:{port}"],
                               preexec_fn=die_with_runner)
    url = f"http://127.0.0.1:{port}/x.git"
    wait_until(lambda: curl("-f", "-o", "/dev/null", url + "/info/refs?service=git-upload-pack").returncode == 0,
               "gitd listens")
    yield url, tmp_path
    process.terminate()
    assert process.wait(30) == 0


def git(*args, cwd):
    env = {"HOME": str(cwd), "PATH": "/usr/bin:/bin", "GIT_TERMINAL_PROMPT": "0",
           "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@e", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@e"}
    return subprocess.run(["git", *args], cwd=cwd, env=env, capture_output=True, text=True, check=True).stdout


def make_repository(folder):
    folder.mkdir()
    git("init", "-q", "-b", "main", cwd=folder)
    (folder / "big").write_bytes(bytes(i * 7919 % 251 for i in range(3 << 20)))
    git("add", "-A", cwd=folder)
    git("commit", "-q", "-m", "one", cwd=folder)


def test_gitd_alone_takes_pushes_and_serves_clones(gitd, tmp_path):
    url, _ = gitd
    make_repository(tmp_path / "work")
    git("push", "-q", url, "main", cwd=tmp_path / "work")
    git("clone", "-q", url, "copy", cwd=tmp_path)
    assert git("rev-parse", "HEAD", cwd=tmp_path / "copy") == git("rev-parse", "HEAD", cwd=tmp_path / "work")
    git("push", "-q", url, "main:side", "main:refs/tags/t1", cwd=tmp_path / "work")
    git("push", "-q", url, ":side", cwd=tmp_path / "work")
    assert "side" not in git("ls-remote", url, cwd=tmp_path)


def test_gitd_receive_pack_speaks_on_its_standard_streams(tmp_path):
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", tmp_path / "x.git"], check=True)
    make_repository(tmp_path / "work")
    git("push", "-q", f"--receive-pack={LIBEXEC}/paas-gitd receive-pack", str(tmp_path / "x.git"), "main",
        cwd=tmp_path / "work")
    assert git("rev-parse", "main", cwd=tmp_path / "x.git") == git("rev-parse", "main", cwd=tmp_path / "work")


def test_gitd_alone_stays_on_loopback(tmp_path):
    done = subprocess.run([LIBEXEC / "paas-gitd", "--open", tmp_path, "--listen", "0.0.0.0:0"],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode != 0 and "loopback" in done.stderr
