"""Volumes: folders that outlive releases, restarts and kills, each bounded."""

import pathlib
import re
import subprocess

import pytest

from load import Load
from platform_run import Platform, wait_until
from test_sizes import loops


@pytest.fixture(scope="module")
def store(folder):
    p = Platform(folder + "/volumes", flags=["--set", "volumes_max=3", "--set", "volume_size=1G"])
    try:
        yield p.start()
    finally:
        p.stop()
    assert loops(p) == [], "no loop device outlives its platform"


@pytest.fixture(scope="module")
def app(store, script_files):
    files = script_files()
    files["Procfile"] += "worker: sleep 3600\nrelease: ls -d /data; cat /data/kept; echo over\n"
    store.push(store.app("kept", files))
    yield "kept"


def create(p, app, name, size="64M", path=None, *more, check=True):
    return p.paas("volumes:create", name, "--app", app, "--size", size,
                  "--path", path or "/" + name, *more, check=check)


def destroy(p, app, name):
    return p.paas("volumes:destroy", name, "--app", app, "--confirm", app)


def run(p, app, command, check=True):
    return p.paas("run", "--app", app, command, check=check).stdout


def ups(p, app):
    now = p.api("GET", f"/apps/{app}/dynos")[1]
    return now if now and all(d["state"] == "up" for d in now) else None


def settled(p, app, n=1):
    return wait_until(lambda: len(ups(p, app) or []) == n and ups(p, app), f"{n} up")


def inside(p, name, path):
    """What an instance of this name sees at path, from outside."""
    for record in (p.run / "i").glob("*/record"):
        if f"name {name}\n" in record.read_text() and not (record.parent / "end").exists():
            pid = (record.parent / "s/pid").read_text().split()[0]
            return pathlib.Path(f"/proc/{pid}/root{path}")
    raise AssertionError(f"no {name}")


@pytest.mark.parametrize("args,says", [
    (("Data", "1G", "/data"), "lower-case letters"),
    (("data", "1G", "data"), "plain absolute"),
    (("data", "1G", "/data/../etc"), "plain absolute"),
    (("data", "1G", "/etc/x"), "plain absolute"),
    (("data", "1G", "/proc/x"), "plain absolute"),
    (("data", "1G", "/app"), "plain absolute"),
    (("data", "1G", "/dev/shm"), "plain absolute"),
    (("data", "31M", "/data"), "from 32M to 1G"),
    (("data", "1025M", "/data"), "from 32M to 1G"),
    (("data", "much", "/data"), "number of bytes"),
    (("data", "-1", "/data"), "number of bytes"),
])
def test_what_can_not_be_a_volume_is_said(store, app, args, says):
    done = create(store, app, *args, check=False)
    assert done.returncode == 1 and says in done.stderr
    assert store.api("GET", f"/apps/{app}/volumes")[1] == []


def test_a_volume_is_there_for_every_process_and_stays(store, app):
    store.paas("ps:scale", "--app", app, "web=2", "worker=1")
    settled(store, app, 3)
    with Load(store.port, f"{app}.localhost:{store.port}") as load:
        assert "Created volume data" in create(store, app, "data").stdout
        settled(store, app, 3)
        wait_until(lambda: all(inside(store, n, "/data").is_dir()
                               for n in ("web.1", "web.2", "worker.1")), "all have it")
    assert load.failures == []
    run(store, app, "id -u > /data/kept; cp /usr/bin/id /data/setuid; chmod 4755 /data/setuid")
    for name in ("web.1", "web.2", "worker.1"):
        assert inside(store, name, "/data/kept").read_text() == "1000\n"
    tried = run(store, app, "/data/setuid -u; mknod /data/d b 7 0 2>/dev/null || echo no device")
    assert tried.splitlines() == ["1000", "no device"]
    mounts = run(store, app, "grep ' /data ' /proc/self/mounts")
    assert " ext4 " in mounts and "nosuid" in mounts and "nodev" in mounts
    assert len(loops(store)) == 1, "one device for all"
    store.paas("config:set", "--app", app, "COLOR=red")  # a new release, with its phase
    wait_until(lambda: re.search(r"release[^ ]*\]: 1000$",
                                 store.paas("logs", "--app", app, "-n", "500").stdout, re.M),
               "the release phase has it, too")
    assert run(store, app, "cat /data/kept") == "1000\n"
    listed = store.paas("volumes", "--app", app).stdout
    assert re.search(r"^data +64.0 MiB +/data +yes ", listed, re.M)
    info = store.paas("volumes:info", "data", "--app", app).stdout
    assert re.search(r"^Used +\d+\.\d MiB$", info, re.M)
    store.paas("ps:scale", "--app", app, "web=1", "worker=0")
    settled(store, app)


def test_names_and_paths_are_taken_once(store, app):
    for args, says in ((("data", "64M", "/other"), "already"),
                       (("more", "64M", "/data"), "there is a volume at /data"),
                       (("more", "64M", "/data/in"), "there is a volume at /data")):
        done = create(store, app, *args, check=False)
        assert done.returncode == 1 and says in done.stderr
    create(store, app, "b", "64M", "/app/b")
    create(store, app, "c")
    done = create(store, app, "d", check=False)
    assert done.returncode == 1 and "volumes_max" in done.stderr
    destroy(store, app, "c")
    destroy(store, app, "b")


def test_a_full_volume_is_full_alone(store, app):
    out = run(store, app, "head -c 100M /dev/zero > /data/big; stat -c %s /data/big; "
                          "df --output=pcent /data | tail -1; echo ok > /app/other; cat /app/other; rm /data/big")
    size = int(re.search(r"^(\d+)$", out, re.M)[1])
    assert 40 << 20 < size < 64 << 20
    assert "100%" in out and out.rstrip().endswith("ok")
    made = run(store, app, "perl -e 'my $n = 0; mkdir \"/data/m\"; while ($n < 9000) { open(my $f, \">\", "
                           "\"/data/m/$n\") or last; $n++ } print \"made $n: $!\\n\"'; rm -r /data/m")
    assert 3000 < int(re.search(r"made (\d+)", made)[1]) < 4200
    assert run(store, app, "cat /data/kept") == "1000\n"
    assert store.get(app)[0] == 200


def test_it_grows_and_never_shrinks(store, app):
    done = store.paas("volumes:resize", "data", "--app", app, "--size", "32M", check=False)
    assert done.returncode == 1 and "can't become smaller" in done.stderr
    done = store.paas("volumes:resize", "data", "--app", app, "--size", "128M", check=False)
    if done.returncode:  # a root without CAP_SYS_RESOURCE
        assert "scale the app's processes to 0" in done.stderr
        assert re.search(r"^data +64.0 MiB ", store.paas("volumes", "--app", app).stdout, re.M)
        store.paas("ps:scale", "--app", app, "web=0")
        wait_until(lambda: loops(store) == [], "nobody uses it")
        store.paas("volumes:resize", "data", "--app", app, "--size", "128M")
        store.paas("ps:scale", "--app", app, "web=1")
        settled(store, app)
    assert run(store, app, "cat /data/kept; df --output=size -BM /data | tail -1").split()[0] == "1000"
    assert int(run(store, app, "df --output=size -BM /data | tail -1").strip().rstrip("M")) > 100


def test_it_outlives_kills_of_every_daemon(store, app):
    for name in ("jail", "plan", "web", "super"):
        old = store.daemon_pid(name)
        subprocess.run(["kill", "-9", str(old)], check=True)
        wait_until(lambda: store.daemon_pid(name) not in (None, old), f"a new {name}")
        wait_until(lambda: "1000" in run(store, app, "cat /data/kept", check=False), "it is there")
    assert len(loops(store)) == 1


def test_jail_killed_at_any_step_leaves_a_whole_volume_or_none(store, app):
    for i in range(6):
        old = store.daemon_pid("jail")
        asking = subprocess.Popen(
            ["paas", "volumes:create", f"x{i}", "--app", app, "--size", "64M", "--path", f"/x{i}"],
            env=store.env(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(["kill", "-9", str(old)], check=True)
        wait_until(lambda: store.daemon_pid("jail") not in (None, old), "a new jail")
        asking.wait(120)
        names = [v["name"] for v in store.api("GET", f"/apps/{app}/volumes")[1]]
        if f"x{i}" in names:
            assert run(store, app, f"echo a > /x{i}/a && cat /x{i}/a") == "a\n"
            destroy(store, app, f"x{i}")
    images = store.state / "volumes"
    wait_until(lambda: len([f for f in images.glob("*/*")]) == 1, "one image is left")
    assert run(store, app, "cat /data/kept") == "1000\n"


def test_a_damaged_volume_is_repaired(store, app):
    store.paas("ps:scale", "--app", app, "web=0")
    wait_until(lambda: loops(store) == [], "nobody uses it")
    (image,) = (store.state / "volumes").glob("*/*")
    subprocess.run(["/usr/sbin/debugfs", "-w", "-R", "set_super_value state 2", image], check=True,
                   capture_output=True)
    store.paas("ps:scale", "--app", app, "web=1")
    settled(store, app)
    assert run(store, app, "cat /data/kept") == "1000\n"


def test_it_is_there_after_a_full_stop(store, app):
    store.stop()
    assert loops(store) == []
    store.start()
    settled(store, app)
    assert run(store, app, "cat /data/kept") == "1000\n"


def test_a_target_that_is_a_link_in_the_image_fails_the_release(store, app, script_files):
    files = script_files()
    files["bin/make"] = "#!/bin/sh\n"
    folder = store.app("links", files)
    (folder / "out").symlink_to("/etc")
    store.commit(folder)
    store.push(folder)
    before = settled(store, "links")
    done = create(store, "links", "data", "64M", "/app/out/x")
    assert done.returncode == 0
    def failed():
        log = store.paas("logs", "--app", "links", "-n", "200").stdout
        return "is a link" in log and "/app/out/x" in log
    wait_until(failed, "the log says why")
    now = store.api("GET", "/apps/links/dynos")[1]
    assert before[0]["id"] in [d["id"] for d in now], "what serves goes on"
    assert store.get("links")[0] == 200
    assert not pathlib.Path("/etc/x").exists()
    destroy(store, "links", "data")
    settled(store, "links")


def test_destroying_is_confirmed_and_whole(store, app):
    done = store.paas("volumes:destroy", "data", "--app", app, check=False)
    assert done.returncode == 2 and "--confirm kept" in done.stderr
    done = store.paas("volumes:destroy", "data", "--app", app, "--confirm", "other", check=False)
    assert done.returncode == 2
    assert run(store, app, "cat /data/kept") == "1000\n"
    destroy(store, app, "data")
    wait_until(lambda: loops(store) == [], "its device is gone")
    assert list((store.state / "volumes").glob("*/*")) == []
    settled(store, app)
    assert store.paas("volumes:info", "data", "--app", app, check=False).returncode == 1
    # The next one of its name is empty.
    create(store, app, "data")
    assert run(store, app, "ls -A /data") == ""


def test_they_go_with_their_app(store, app):
    store.paas("destroy", app, "--confirm", app)
    wait_until(lambda: loops(store) == [], "no device is left")
    wait_until(lambda: list((store.state / "volumes").glob("*/*")) == [], "no image is left")


def test_an_exclusive_volume_never_has_two_releases(store, script_files):
    folder = store.app("alone", script_files())
    store.push(folder)
    create(store, "alone", "one", "64M", "/one", "--exclusive")
    settled(store, "alone")
    assert re.search(r"^one .* no ", store.paas("volumes", "--app", "alone").stdout, re.M)

    def lines(text):
        log = store.paas("logs", "--app", "alone", "-n", "500").stdout.splitlines()
        return [i for i, line in enumerate(log) if f"web.1]: {text}" in line]
    before = len(lines("Starting process"))
    with Load(store.port, f"alone.localhost:{store.port}", keepalive=0, fresh=2) as load:
        store.paas("config:set", "--app", "alone", "COLOR=red")
        wait_until(lambda: len(lines("Starting process")) > before, "the new release starts")
        settled(store, "alone")
    assert load.failures == [], "requests wait for the new one"
    # Beside each other the new one would start first.
    assert lines("Stopping all processes")[-1] < lines("Starting process")[-1]
