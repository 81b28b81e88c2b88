"""Outside tests for the lifecycle: public data, fetched when a test asks.

The data comes through go's own client with its default settings into go's
module cache, outside the tree; where there is no go, or the module can't be
had, these tests are skipped and say so. A Box is a folder that stands for a
container: its programs run in a mount and pid namespace, chrooted, with the
host's /usr.
"""

import functools
import json
import os
import pathlib
import shutil
import subprocess
import tomllib

import pytest

from platform_run import ROOT

LIBEXEC = ROOT / "build/libexec/paas"
PHASES = ("analyzer", "detector", "restorer", "builder", "exporter", "creator", "rebaser")
LIFECYCLE = "github.com/buildpacks/lifecycle@v0.21.0"
TOML_TEST = "github.com/toml-lang/toml-test@v1.6.0"

START = """
set -e
root=$1 user=$2 cwd=$3; shift 3
mount --bind "$root" "$root"; cd "$root"
mount --rbind /usr usr; mount --rbind /dev dev; mount -t proc proc proc
exec chroot --userspec="$user" "$root" /usr/bin/env -i -C "$cwd" "$@"
"""


def go():
    found = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if not found:
        pytest.skip("there is no go to fetch the public data with")
    return found


@functools.lru_cache
def module(name):
    """The folder of a Go module, as go's own client downloads it."""
    out = subprocess.run([go(), "mod", "download", "-json", name], cwd="/", capture_output=True, text=True)
    if out.returncode != 0:
        pytest.skip(f"{name} can't be fetched: {out.stdout.strip()[-300:]}")
    return pathlib.Path(json.loads(out.stdout)["Dir"])


def acceptance(*parts):
    return module(LIFECYCLE).joinpath("acceptance", "testdata", *parts)


@functools.lru_cache
def reference():
    """The reference lifecycle, built in go's caches' neighbourhood: (lifecycle, launcher)."""
    home = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "paas-tests"
    folder = home / LIFECYCLE.rsplit("/", 1)[1]
    programs = folder / "lifecycle", folder / "launcher"
    if not all(p.exists() for p in programs):
        source = folder / "source"
        shutil.rmtree(source, ignore_errors=True)
        shutil.copytree(module(LIFECYCLE), source, copy_function=shutil.copyfile)
        for path in [source, *source.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        for program in programs:
            out = subprocess.run([go(), "build", "-trimpath", "-o", program, f"./cmd/{program.name}"],
                                 cwd=source, env={**os.environ, "CGO_ENABLED": "0"}, capture_output=True, text=True)
            if out.returncode != 0:
                pytest.skip(f"the reference lifecycle can't be built: {out.stderr.strip()[-300:]}")
        shutil.rmtree(source)
    return programs


class Box:
    """A root of its own, with a lifecycle in it: ours, or (lifecycle, launcher)."""

    def __init__(self, root, programs=None, user="1234:1000"):
        self.root = pathlib.Path(root)
        self.user = user
        for name in ("usr", "dev", "proc", "tmp", "etc", "layers", "platform", "workspace", "cnb/lifecycle",
                     "home/cnb"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        (self.root / "tmp").chmod(0o1777)
        for name in ("bin", "sbin", "lib", "lib64"):
            (self.root / name).symlink_to(f"usr/{name}")
        (self.root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\ncnb:x:1234:1000::/home/cnb:/bin/bash\n")
        (self.root / "etc/os-release").write_text('ID="ubuntu"\nVERSION_ID="18.04"\n')
        lifecycle, launcher = programs or (LIBEXEC / "inner", LIBEXEC / "launcher")
        shutil.copy(launcher, self.root / "cnb/lifecycle/launcher")
        shutil.copy(lifecycle, self.root / "cnb/lifecycle/inner")
        for name in PHASES:
            (self.root / "cnb/lifecycle" / name).symlink_to("inner")

    def fill(self, source):
        """Copy a folder of test data over the root."""
        shutil.copytree(source, self.root, dirs_exist_ok=True)
        for path in self.root.rglob("*"):
            if path.is_symlink() or path.is_relative_to(self.root / "usr"):
                continue
            mode = path.stat().st_mode & 0o777
            path.chmod(mode | 0o200 if path.is_file() else mode | 0o700)
            if path.is_file() and path.parent.name in ("bin", "exec.d") and "cnb" not in path.parts[-3:-1]:
                path.chmod(0o755)
        return self

    def give(self, *names):
        """These folders and all in them become the user's."""
        uid, gid = map(int, self.user.split(":"))
        for name in names:
            top = self.root / name.lstrip("/")
            top.mkdir(parents=True, exist_ok=True)
            for path in [top, *top.rglob("*")]:
                os.chown(path, uid, gid, follow_symlinks=False)
        return self

    def run(self, *args, api="0.12", user=None, cwd="/layers", **env):
        env = {"PATH": "/cnb/process:/cnb/lifecycle:/usr/local/bin:/usr/bin:/bin", "HOME": "/home/cnb",
               **({"CNB_PLATFORM_API": api} if api else {}), **env}
        return subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "sh", "-c", START,
             "sh", self.root, user or self.user, cwd, *(f"{k}={v}" for k, v in env.items()), *map(str, args)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", stdin=subprocess.DEVNULL)

    def phase(self, name, *args, **options):
        return self.run(f"/cnb/lifecycle/{name}", *args, **options)

    def toml(self, path):
        return tomllib.loads((self.root / path.lstrip("/")).read_text())
