"""Who holds which user, capability and library on a running platform."""

import pathlib
import pwd
import subprocess

import pytest

from platform_run import ROOT

ROOT_PROGRAMS = {"paas-holder", "paas-super", "paas-jail"}
LIBRARIES = {  # what DESIGN allows, beyond libc
    "paas-super": set(),
    "paas-plan": set(),
    "paas-logd": set(),
    "paas-names": set(),
    "paas-router": {"libssl", "libcrypto"},
    "paas-jail": {"libmnl"},
    "paas-builder": {"libjansson"},
    "paas-web": {"libmicrohttpd", "libsqlite3", "libjansson", "libcrypto"},
    "paas-gitd": {"libmicrohttpd", "libgit2"},
    "paas-receive": {"libgit2"},
    "paas-outbound": {"libcurl", "libssl", "libcrypto"},
}
USERS = {"paas-router": "paas-router", "paas-web": "paas-web", "paas-gitd": "paas-gitd",
         "paas-builder": "paas-builder", "paas-plan": "paas-plan", "paas-logd": "paas-logd",
         "paas-names": "paas-names",
         "paas-shim": "paas-shim", "paas-outbound": "paas-outbound"}


def status(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_root_is_held_by_super_holder_and_jail_alone(platform, node_app):
    roots = set()
    for name, pid in platform.processes():
        uids = status(pid)["Uid"].split()
        if "0" in uids:
            roots.add(name)
        elif name in USERS:
            assert {pwd.getpwnam(USERS[name]).pw_uid} == {int(u) for u in uids}, name
    assert roots == ROOT_PROGRAMS


def test_every_shim_holds_cap_kill_alone(platform, node_app):
    shims = [pid for name, pid in platform.processes() if name == "paas-shim"]
    assert shims
    for pid in shims:
        s = status(pid)
        assert int(s["CapEff"], 16) == 1 << 5
        assert int(s["CapPrm"], 16) == 1 << 5
        assert s["NoNewPrivs"] == "1"


def test_daemons_without_root_hold_no_capability(platform, node_app):
    for name, pid in platform.processes():
        if name in ROOT_PROGRAMS or name == "paas-shim":
            continue
        s = status(pid)
        assert int(s["CapEff"], 16) == 0, name
        assert s["NoNewPrivs"] == "1", name


@pytest.mark.parametrize("program", sorted(LIBRARIES))
def test_a_program_links_what_the_design_allows(program):
    path = ROOT / "build/libexec/paas" / program
    out = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
    needed = {line.split("[")[1].split(".so")[0] for line in out.splitlines() if "(NEEDED)" in line}
    assert needed - {"libc", "libm", "ld-linux-x86-64", "libz"} <= LIBRARIES[program]


@pytest.mark.parametrize("program", ["paas-shim", "launcher", "inner"])
def test_what_runs_beside_apps_is_static(program):
    path = ROOT / "build/libexec/paas" / program
    out = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
    assert "(NEEDED)" not in out


def test_the_database_is_open_in_web_alone(platform, node_app):
    holders = set()
    for name, pid in platform.processes():
        try:
            for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
                if "paas.db" in str(fd.readlink()):
                    holders.add(name)
        except OSError:
            continue
    assert holders == {"paas-web"}


def test_no_secret_in_any_argv(platform, node_app):
    platform.paas("config:set", "--app", "hello", "SECRET_THING=correct-horse-battery")
    token = platform.env()["PAAS_TOKEN"].encode()
    for d in pathlib.Path("/proc").iterdir():
        if d.name.isdigit():
            try:
                line = (d / "cmdline").read_bytes()
            except OSError:
                continue
            assert token not in line and b"correct-horse-battery" not in line
    assert "correct-horse-battery" not in (platform.folder / "server.log").read_text()
    for path in (platform.state / "db").iterdir():
        assert b"correct-horse-battery" not in path.read_bytes(), path
