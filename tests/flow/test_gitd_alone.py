"""gitd alone against the stock client, strangers' packs, and kills."""

import gzip
import os
import shutil
import signal
import socket
import subprocess
from urllib.parse import urlsplit

import pytest

import gitwire
from gitwire import ZERO, entry, oid, pack, tree
from platform_run import die_with_runner, free_port, wait_until
from test_standalone import LIBEXEC, curl, git, make_repository

ENV = {"PATH": "/usr/bin:/bin", "GIT_TERMINAL_PROMPT": "0", "HOME": "/nonexistent",
       "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@e", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@e"}


class Gitd:
    """A gitd of its own with the repository x.git and a clone in work."""

    def __init__(self, folder, *flags):
        self.folder, self.flags = folder, flags
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/x.git"
        self.bare, self.work = folder / "x.git", folder / "work"
        git("init", "-q", "--bare", "-b", "main", self.bare, cwd=folder)
        make_repository(self.work)
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [LIBEXEC / "paas-gitd", "--open", self.folder, "--listen", f"127.0.0.1:{self.port}", *self.flags],
            stdout=subprocess.PIPE, preexec_fn=die_with_runner)
        assert self.process.stdout.readline() == f"ready http://127.0.0.1:{self.port}/\n".encode()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(30) == 0
        self.process.stdout.close()

    def git(self, *args):
        """Like git(), but the result as it is."""
        return subprocess.run(["git", *args], cwd=self.work, env=ENV, capture_output=True, text=True, timeout=120)

    def refs(self):
        return dict(reversed(line.split("\t")) for line in git("ls-remote", self.url, cwd=self.work).splitlines())

    def commit(self, message):
        git("commit", "-q", "--allow-empty", "-m", message, cwd=self.work)
        return self.tip()

    def tip(self):
        return git("rev-parse", "HEAD", cwd=self.work).strip()

    def rubbish(self):
        """What lies in objects/ beside packs that are whole."""
        packs = os.listdir(self.bare / "objects/pack")
        left = [n for n in os.listdir(self.bare / "objects") if n not in ("pack", "info")]
        return left + [n for n in packs if n.rsplit(".")[0] + ".idx" not in packs]

    def children(self):
        return children(self.process.pid)


def children(pid):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(p) for p in found.split()]


@pytest.fixture
def gitd(tmp_path):
    g = Gitd(tmp_path)
    yield g
    g.stop()


# --- the stock client ---------------------------------------------------------


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_every_protocol_version_clones_fetches_and_pushes(gitd, tmp_path, version):
    v = ("-c", "protocol.version=" + version)
    git(*v, "push", "-q", gitd.url, "main", cwd=gitd.work)
    for i in range(3):
        gitd.commit(str(i))
    git(*v, "push", "-q", gitd.url, "main", cwd=gitd.work)
    git(*v, "clone", "-q", "--depth=1", gitd.url, "copy", cwd=tmp_path)
    assert git("rev-list", "--count", "HEAD", cwd=tmp_path / "copy") == "1\n"
    git(*v, "fetch", "-q", "--unshallow", cwd=tmp_path / "copy")
    assert git("rev-list", "--count", "HEAD", cwd=tmp_path / "copy") == "4\n"
    assert git("rev-parse", "HEAD", cwd=tmp_path / "copy").strip() == gitd.tip()


def test_a_partial_clone_fetches_what_it_lacks(gitd, tmp_path):
    git("push", "-q", gitd.url, "main", cwd=gitd.work)
    git("clone", "-q", "--filter=blob:none", "--no-checkout", gitd.url, "copy", cwd=tmp_path)
    assert "?" in git("rev-list", "--objects", "--all", "--missing=print", cwd=tmp_path / "copy")
    git("checkout", "-q", "main", cwd=tmp_path / "copy")
    assert (tmp_path / "copy/big").read_bytes() == (gitd.work / "big").read_bytes()


def test_refs_are_made_moved_forced_and_deleted(gitd):
    git("push", "-q", gitd.url, "main", "main:side", cwd=gitd.work)
    git("tag", "-a", "-m", "t", "v1", cwd=gitd.work)
    first = gitd.commit("two")
    git("push", "-q", "--follow-tags", "-o", "a=b", gitd.url, "main", "v1", cwd=gitd.work)
    git("commit", "-q", "--amend", "--allow-empty", "-m", "other", cwd=gitd.work)
    assert "non-fast-forward" in gitd.git("push", gitd.url, "main").stderr
    git("push", "-q", "-f", gitd.url, "main", ":side", cwd=gitd.work)
    refs = gitd.refs()
    assert refs["refs/heads/main"] == gitd.tip() != first
    assert "refs/tags/v1^{}" in refs and "refs/heads/side" not in refs
    assert "deletion of the current branch" in gitd.git("push", gitd.url, ":main").stderr
    assert "clashes" in gitd.git("push", gitd.url, "main:main/x").stderr
    assert "must point to a commit" in gitd.git("push", gitd.url, "main^{tree}:refs/heads/tree").stderr
    assert "Everything up-to-date" in gitd.git("push", gitd.url, "main").stderr


def test_an_atomic_push_is_all_or_nothing(gitd):
    git("push", "-q", gitd.url, "main:a", cwd=gitd.work)
    done = gitd.git("push", "--atomic", gitd.url, "main:b", "main:a/b")
    assert done.returncode != 0 and "main -> b (atomic push failure)" in done.stderr
    assert list(gitd.refs()) == ["refs/heads/a"]
    git("push", "-q", "--atomic", gitd.url, "main:b", ":a", cwd=gitd.work)
    assert list(gitd.refs()) == ["refs/heads/b"]


def test_a_large_push_comes_in_chunks_behind_a_probe(gitd, tmp_path):
    (gitd.work / "big").write_bytes(os.urandom(40 << 20))
    git("add", "big", cwd=gitd.work)
    git("-c", "core.compression=0", "commit", "-q", "-m", "big", cwd=gitd.work)
    git("-c", "http.postBuffer=65536", "push", "-q", gitd.url, "main", cwd=gitd.work)
    git("clone", "-q", gitd.url, "copy", cwd=tmp_path)
    assert (tmp_path / "copy/big").read_bytes() == (gitd.work / "big").read_bytes()


def test_a_shallow_clone_pushes_only_where_its_history_is(gitd, tmp_path):
    git("push", "-q", gitd.url, "main", cwd=gitd.work)
    gitd.commit("two")
    git("push", "-q", gitd.url, "main", cwd=gitd.work)
    git("clone", "-q", "--depth=1", gitd.url, "copy", cwd=tmp_path)
    git("commit", "-q", "--allow-empty", "-m", "three", cwd=tmp_path / "copy")
    git("push", "-q", gitd.url, "main", cwd=tmp_path / "copy")
    git("init", "-q", "--bare", tmp_path / "y.git", cwd=tmp_path)
    done = subprocess.run(["git", "push", gitd.url.replace("x.git", "y.git"), "main"], cwd=tmp_path / "copy",
                          env=ENV, capture_output=True, text=True)
    assert "shallow update not allowed" in done.stderr
    assert os.listdir(tmp_path / "y.git/objects/pack") == []


def test_a_fetch_of_an_unknown_commit_is_told_in_words(gitd):
    git("push", "-q", gitd.url, "main", cwd=gitd.work)
    done = gitd.git("fetch", gitd.url, "1" * 40)
    assert "not our ref" in done.stderr and "RPC failed" not in done.stderr
    done = gitd.git("ls-remote", gitd.url.replace("x.git", "none.git"))
    assert "no repository of this name" in done.stderr


def test_one_of_many_pushes_to_a_ref_wins(gitd, tmp_path):
    git("push", "-q", gitd.url, "main", cwd=gitd.work)
    racers = []
    for i in range(4):
        git("clone", "-q", gitd.url, f"c{i}", cwd=tmp_path)
        git("commit", "-q", "--allow-empty", "-m", str(i), cwd=tmp_path / f"c{i}")
        stdio = f"--receive-pack={LIBEXEC}/paas-gitd receive-pack"
        how = [gitd.url] if i % 2 else [stdio, str(gitd.bare)]
        racers.append(["git", "push", *how, "main"])
    running = [subprocess.Popen(r, cwd=tmp_path / f"c{i}", env=ENV, stderr=subprocess.PIPE, text=True)
               for i, r in enumerate(racers)]
    said = [p.communicate(timeout=60)[1] for p in running]
    assert sorted(p.returncode for p in running) == [0, 1, 1, 1], said
    winner = next(i for i, p in enumerate(running) if p.returncode == 0)
    assert gitd.refs()["refs/heads/main"] == git("rev-parse", "HEAD", cwd=tmp_path / f"c{winner}").strip()
    assert gitd.rubbish() == []


def test_it_runs_as_an_ordinary_user(tmp_path):
    shutil.copytree(LIBEXEC, tmp_path / "bin")
    git("init", "-q", "--bare", "-b", "main", tmp_path / "x.git", cwd=tmp_path)
    make_repository(tmp_path / "work")
    for path in [tmp_path, *tmp_path.parents[:2]]:
        os.chmod(path, 0o755)
    subprocess.run(["chown", "-R", "nobody", tmp_path / "x.git"], check=True)
    port = free_port()
    process = subprocess.Popen(
        ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", tmp_path / "bin/paas-gitd",
         "--open", tmp_path, "--listen", f"127.0.0.1:{port}"], stdout=subprocess.PIPE, preexec_fn=die_with_runner)
    assert process.stdout.readline().startswith(b"ready ")
    url = f"http://127.0.0.1:{port}/x.git"
    git("push", "-q", url, "main", cwd=tmp_path / "work")
    git("clone", "-q", url, "copy", cwd=tmp_path)
    process.terminate()
    assert process.wait(30) == 0


# --- limits -------------------------------------------------------------------


def test_ten_thousand_refs_are_one_push_and_one_more_is_not(gitd):
    git("push", "-q", gitd.url, "main", cwd=gitd.work)
    tip = gitd.tip()
    many = [(ZERO, tip, f"refs/tags/{i}") for i in range(10001)]
    report, said = gitwire.push(gitd.port, many, gitwire.EMPTY_PACK)
    assert b"more than 10000 refs" in said and report.count(b"\n") == 10001
    assert len(gitd.refs()) == 2
    report, _ = gitwire.push(gitd.port, many[:10000], gitwire.EMPTY_PACK, "report-status side-band-64k atomic")
    assert report.count(b"ok refs/") == 10000
    assert len(gitd.refs()) == 10002
    gone = [(tip, ZERO, name) for _, _, name in many[:10000]]
    report, _ = gitwire.push(gitd.port, gone)
    assert report.count(b"ok refs/") == 10000
    assert set(gitd.refs()) == {"HEAD", "refs/heads/main"}


def test_a_pack_past_its_limit_is_refused_in_words(tmp_path):
    gitd = Gitd(tmp_path, "--set", "push_pack=1M")
    (gitd.work / "big").write_bytes(os.urandom(2 << 20))
    git("add", "big", cwd=gitd.work)
    git("commit", "-q", "-m", "big", cwd=gitd.work)
    done = gitd.git("push", gitd.url, "main")
    assert "Refused: the pack is larger than 1 MiB (setting push_pack)" in done.stderr
    assert gitd.rubbish() == []
    gitd.stop()


def test_bodies_may_be_gzip_and_nothing_else(gitd):
    git("push", "-q", gitd.url, "main", cwd=gitd.work)
    body = gitwire.commands([(ZERO, gitd.tip(), "refs/tags/z")]) + gitwire.EMPTY_PACK
    status, answer = gitwire.post(gitd.port, gzip.compress(body), headers={"Content-Encoding": "gzip"})
    assert status == 200 and b"ok refs/tags/z" in answer
    assert gitwire.post(gitd.port, b"\x1f\x8bjunk" * 9, headers={"Content-Encoding": "gzip"})[0] == 400
    assert gitwire.post(gitd.port, body, headers={"Content-Encoding": "br"})[0] == 415
    assert gitwire.post(gitd.port, body, headers={"Content-Type": "text/plain"})[0] == 415
    assert gitwire.post(gitd.port, b"0000") == (200, b"")
    assert gitwire.post(gitd.port, b"GET / HTTP/1.1")[0] == 400
    bomb = gzip.compress(b"0032want " + b"0" * (50 << 20))
    gitwire.post(gitd.port, bomb, "git-upload-pack", {"Content-Encoding": "gzip"})
    assert curl("-o", "/dev/null", "-w", "%{http_code}", gitd.url + "/HEAD").stdout == "404"


# --- strangers' packs ---------------------------------------------------------

HELLO = oid("blob", b"hello")
PLAIN = tree(("100644", "a", HELLO))
ZEROS = b"\0" * (1 << 24)


def hostile_packs():
    """name -> (the id that is pushed, its pack)"""
    tip, entries = gitwire.one_commit(PLAIN)
    good = pack(entries)
    # 2,000 copies of 16 MiB: 33 GB that inflate from 10 kB.
    bomb = gitwire.varint(1 << 24) + gitwire.varint(2000 * 0xffffff) + b"\xf0\xff\xff\xff" * 2000
    packs = {
        "truncated": (tip, good[:-30]),
        "wrong checksum": (tip, good[:-1] + bytes([good[-1] ^ 1])),
        "bytes behind it": (tip, good + b"more"),
        "no pack": (tip, b"KCAP" + good[4:]),
        "version 9": (tip, b"PACK\0\0\0\x09" + good[8:]),
        "4 billion objects": (tip, b"PACK\0\0\0\2\xff\xff\xff\xff"),
        "a lie about a size": (tip, pack(entries[:2] + [entry("blob", b"hello", 1 << 40)])),
        "a delta of 33 GB": (tip, pack([entry("blob", ZEROS), gitwire.ref_delta(oid("blob", ZEROS), bomb)])),
        "not its commit": ("1" * 40, good),
    }
    trees = {
        ".git": tree(("40000", ".git", oid("tree", PLAIN))),
        "..": tree(("100644", "..", HELLO)),
        "a slash": tree(("100644", "a/b", HELLO)),
        "twice": tree(("100644", "a", HELLO), ("100644", "a", HELLO)),
        "order": tree(("100644", "b", HELLO), ("100644", "a", HELLO)),
        "no such object": tree(("100644", "a", "2" * 40)),
    }
    for name, data in trees.items():
        tip, entries = gitwire.one_commit(data)
        packs["a tree with " + name] = (tip, pack(entries + [entry("tree", PLAIN)]))
    return packs


@pytest.fixture(scope="module")
def open_gitd(tmp_path_factory):
    g = Gitd(tmp_path_factory.mktemp("gitd"))
    yield g
    g.stop()


@pytest.mark.parametrize("name", hostile_packs())
def test_a_hostile_pack_changes_nothing(open_gitd, name):
    tip, body = hostile_packs()[name]
    before = os.listdir(open_gitd.bare / "objects/pack")
    report, _ = gitwire.push(open_gitd.port, [(ZERO, tip, "refs/heads/x")], body)
    assert b"ng refs/heads/x" in report and (b"unpack ok" not in report or name == "not its commit")
    assert open_gitd.refs() == {} and open_gitd.rubbish() == []
    assert os.listdir(open_gitd.bare / "objects/pack") == before


def test_submodules_links_and_old_modes_are_no_attack(open_gitd):
    data = tree(("100664", "a", HELLO), ("160000", "b", "3" * 40), ("120000", "c", HELLO))
    tip, entries = gitwire.one_commit(data)
    report, _ = gitwire.push(open_gitd.port, [(ZERO, tip, "refs/heads/ok")], pack(entries))
    assert b"ok refs/heads/ok" in report
    gitwire.push(open_gitd.port, [(tip, ZERO, "refs/heads/ok")])


@pytest.mark.parametrize("name", ["refs/heads/../../x", "refs/heads/.x", "refs/heads/x.lock", "HEAD", "config",
                                  "refs/x", "refs/gitd/pending/1", "refs/heads/" + "x" * 245])
def test_a_hostile_name_changes_nothing(open_gitd, name):
    tip, entries = gitwire.one_commit(PLAIN)
    before = sorted(os.listdir(open_gitd.bare))
    report, _ = gitwire.push(open_gitd.port, [(ZERO, tip, name)], pack(entries))
    assert b"ng " + name.encode() in report
    assert sorted(os.listdir(open_gitd.bare)) == before and open_gitd.rubbish() == []


# --- kills --------------------------------------------------------------------


class Upload:
    """A push of 8 MiB whose first half is sent."""

    def __init__(self, gitd):
        blob = os.urandom(8 << 20)
        tip, entries = gitwire.one_commit(tree(("100644", "a", oid("blob", blob))), [blob])
        body = gitwire.commands([(ZERO, tip, "refs/heads/half")]) + pack(entries)
        self.rest = body[len(body) // 2:]
        self.gitd = gitd
        address = urlsplit(gitd.url)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=60)
        self.socket.sendall(b"POST /x.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\n"
                            b"Content-Length: %d\r\n\r\n" % (gitwire.PUSH_TYPE.encode(), len(body)))
        self.socket.sendall(body[:len(body) // 2])
        wait_until(self.is_indexed, "git takes the pack")

    def is_indexed(self):
        return [p for w in self.gitd.children() for p in children(w)]

    def finish(self):
        self.socket.sendall(self.rest)
        answer = b""
        while not answer.endswith(b"\r\n0\r\n\r\n"):
            part = self.socket.recv(65536)
            assert part, answer
            answer += part
        return answer


def test_a_client_that_goes_leaves_nothing(gitd):
    Upload(gitd).socket.close()
    wait_until(lambda: not gitd.children() and not gitd.rubbish(), "the push is forgotten")
    assert gitd.refs() == {}


@pytest.mark.parametrize("who", ["worker", "git"])
def test_a_killed_worker_fails_its_push_alone(gitd, who):
    upload = Upload(gitd)
    os.kill(gitd.children()[0] if who == "worker" else upload.is_indexed()[0], signal.SIGKILL)
    assert b"ng refs/heads/half unpacker error" in upload.finish()
    wait_until(lambda: not gitd.children() and not gitd.rubbish(), "the push is forgotten")
    git("push", "-q", gitd.url, "main", cwd=gitd.work)
    assert set(gitd.refs()) == {"HEAD", "refs/heads/main"}


def test_after_a_killed_gitd_the_next_push_cleans_up(gitd):
    upload = Upload(gitd)
    workers = gitd.children()
    gitd.process.kill()
    gitd.process.wait(30)
    upload.socket.close()
    wait_until(lambda: not any(os.path.exists(f"/proc/{p}") for p in workers), "its workers end")
    assert gitd.rubbish() != []
    gitd.process.stdout.close()
    gitd.start()
    git("push", "-q", gitd.url, "main", cwd=gitd.work)
    assert gitd.rubbish() == []
    assert git("fsck", "--full", cwd=gitd.bare) == ""


def test_a_stalled_client_holds_no_worker(gitd):
    address = urlsplit(gitd.url)
    stalled = []
    for _ in range(20):
        s = socket.create_connection((address.hostname, address.port))
        s.sendall(b"POST /x.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\n"
                  b"Content-Length: 100000\r\n\r\n0094" % gitwire.PUSH_TYPE.encode())
        stalled.append(s)
    git("push", "-q", gitd.url, "main", cwd=gitd.work)
    wait_until(lambda: not gitd.children(), "workers end")
    for s in stalled:
        s.close()
