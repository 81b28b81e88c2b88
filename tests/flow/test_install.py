"""`make install` and `make uninstall`: the tree elsewhere, whole, and gone again."""

import os
import pathlib
import subprocess

import pytest

import platform_run
from platform_run import ROOT, Platform, free_port

PREFIX = "/opt/paas"


def make(target, dest):
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    subprocess.run(["make", "-s", "-C", ROOT, target, f"DESTDIR={dest}", f"PREFIX={PREFIX}"],
                   check=True, capture_output=True, env=env)


@pytest.fixture(scope="module")
def dest(folder):
    dest = pathlib.Path(folder, "dest")
    make("install", dest)
    return dest


def test_what_is_installed_has_its_place_below_prefix(dest):
    top = dest / PREFIX[1:]
    unit = (top / "lib/systemd/system/paas.service").read_text()
    assert f"ExecStart={PREFIX}/bin/paas server" in unit
    assert "@PREFIX@" not in unit
    users = (top / "lib/sysusers.d/paas.conf").read_text()
    for name in ("router", "web", "gitd", "receive", "builder", "plan", "logd", "shim"):
        assert f"u paas-{name} " in users
    assert "# state = /var/lib/paas" in (top / "share/paas/paas.conf.sample").read_text()
    assert (top / "share/paas/buildpacks/order.toml").is_file()
    assert (dest / "etc/apparmor.d/paas-app").is_file()
    built = {p.name for p in (ROOT / "build/libexec/paas").iterdir() if p.is_file()}
    assert {p.name for p in (top / "libexec/paas").iterdir()} == built


def test_an_installed_platform_runs_without_the_tree(dest, folder):
    paas = dest / PREFIX[1:] / "bin/paas"
    state = pathlib.Path(folder, "installed")
    state.mkdir()
    done = subprocess.run(
        [paas, "server", "--detach", "--state", state, "--listen", f"127.0.0.1:{free_port()}"],
        capture_output=True, text=True, timeout=120, cwd="/")
    try:
        assert "ready http://" in done.stdout, done.stderr
    finally:
        subprocess.run([paas, "server", "--stop", "--state", state], check=True, capture_output=True)


def test_instances_start_between_an_upgrade_and_its_restart(dest, folder, script_files, monkeypatch):
    monkeypatch.setattr(platform_run, "PAAS", dest / PREFIX[1:] / "bin/paas")
    p = Platform(folder + "/upgrade")
    try:
        p.start()
        app = p.app("upgraded", script_files())
        p.push(app)
        make("install", dest)
        assert p.paas("run", "echo up", cwd=app).stdout == "up\n"
        p.commit(app)
        p.push(app)
    finally:
        p.stop()


def test_installing_twice_is_fine(dest):
    make("install", dest)
    assert (dest / PREFIX[1:] / "share/paas/buildpacks/order.toml").is_file()
    assert not (dest / PREFIX[1:] / "share/paas/buildpacks/buildpacks").exists()


def test_uninstall_leaves_no_file(dest):
    make("uninstall", dest)
    assert [p for p in dest.rglob("*") if not p.is_dir()] == []
