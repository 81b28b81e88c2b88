"""Sizes of processes: set, shown, rolling, and kept by the kernel."""

import glob
import pathlib
import re
import subprocess

import pytest

from load import Load
from platform_run import Platform, wait_until

SIZES = ["small memory=64M cpu=50 cpu_max=150 pids=40 io=50 io_max=8M",
         "large memory=96M cpu=400 pids=64",
         "ondisk memory=64M disk=64M inodes=4096"]


@pytest.fixture(scope="module")
def sized(folder):
    flags = [word for size in SIZES for word in ("--set", f"size={size}")]
    p = Platform(folder + "/sized", flags=flags + ["--set", "host_memory=2G"])
    try:
        yield p.start()
    finally:
        p.stop()
    assert loops(p) == [], "no disk outlives its platform"


@pytest.fixture(scope="module")
def app(sized, script_files):
    sized.push(sized.app("sizes", script_files()))
    return "sizes"


def loops(p):
    """Backing files of loop devices below a platform's state folder."""
    found = []
    for path in glob.glob("/sys/block/loop*/loop/backing_file"):
        try:
            text = pathlib.Path(path).read_text().strip()
        except OSError:
            continue  # it went meanwhile
        if text.startswith(str(p.state)):
            found.append(text)
    return found


def formation(p, app, kind="web"):
    return p.api("GET", f"/apps/{app}/formation/{kind}")[1]


def dynos(p, app):
    return p.api("GET", f"/apps/{app}/dynos")[1]


def wait_for_size(p, app, size, quantity=1):
    """Wait until all that runs is of this size, and nothing else is left."""
    def check():
        now = dynos(p, app)
        return len(now) == quantity and all(
            d["size"] == size and d["state"] == "up" for d in now) and now
    return wait_until(check, f"{quantity} of {size}")


def group(p, name, *files):
    """The text of the first of these files in the group of a dyno, by name."""
    for record in (p.run / "i").glob("*/record"):
        if f"name {name}\n" in record.read_text() and not (record.parent / "end").exists():
            slot = p.run.name
            for file in files:
                for path in glob.glob(f"/sys/fs/cgroup/**/paas{slot}/{record.parent.name}/{file}",
                                      recursive=True):
                    return pathlib.Path(path).read_text().strip()
    raise AssertionError(f"{name} has none of {files}")


# --- the API and the CLI ----------------------------------------------------

def test_sizes_are_listed_shown_and_set(sized, app):
    listed = sized.paas("ps:type", "--app", app, "--sizes").stdout
    for name in ("eco", "basic", "standard-2x", "performance-l", "small", "ondisk"):
        assert re.search(rf"^{name} ", listed, re.M)
    assert re.search(r"^ondisk .*64 MiB +weight 100 +256 +64 MiB$", listed, re.M)
    out = sized.paas("ps:type", "--app", app, "web=Standard-2X").stdout
    assert re.search(r"^web +1 +standard-2x ", out, re.M)
    assert formation(sized, app)["size"] == "standard-2x"
    wait_for_size(sized, app, "standard-2x")
    shown = sized.paas("ps", "--app", app).stdout
    assert re.search(r"^web\.1 +up +standard-2x ", shown, re.M)
    sized.paas("ps:type", "--app", app, "small")  # all types
    wait_for_size(sized, app, "small")
    names = [s["name"] for s in sized.api("GET", "/dyno-sizes")[1]]
    assert "small" in names and "standard-1x" in names


@pytest.mark.parametrize("args,status,says", [
    (("ps:type", "web=huge"), 1, "There is no size huge"),
    (("ps:type", "nobody=small"), 1, "no process type nobody"),
    (("ps:type", "web="), 2, "is not TYPE=SIZE"),
    (("ps:type", "web=small", "small"), 2, "is not TYPE=SIZE"),
    (("ps:scale", "web=2:huge"), 1, "There is no size huge"),
    (("ps:scale", "web=two"), 2, "is not TYPE=N"),
    (("ps:scale", "web=-1"), 2, "is not TYPE=N"),
    (("ps:scale", "web=101"), 1, "At most 100"),
    (("ps:scale", "web=5"), 1, "this server has 2G"),
    (("ps:scale", "web=1:performance-m"), 1, "need 2.5G of memory"),
    (("run", "-s", "huge", "true"), 1, "There is no size huge"),
    (("run", "--size", "performance-m", "true"), 1, "takes 2.5G of memory"),
])
def test_what_can_not_be_is_said_and_changes_nothing(sized, app, args, status, says):
    sized.paas("ps:scale", "--app", app, "web=1:basic")
    wait_for_size(sized, app, "basic")
    before = formation(sized, app), [d["id"] for d in dynos(sized, app)]
    done = sized.paas(args[0], "--app", app, *args[1:], check=False)
    assert done.returncode == status, done.stdout + done.stderr
    assert says in done.stderr
    assert (formation(sized, app), [d["id"] for d in dynos(sized, app)]) == before


def test_a_change_is_rolling(sized, app):
    sized.paas("ps:scale", "--app", app, "web=2:small")
    wait_for_size(sized, app, "small", 2)
    with Load(sized.port, f"{app}.localhost:{sized.port}") as load:
        for size in ("large", "small", "ondisk", "large"):
            sized.paas("ps:type", "--app", app, f"web={size}")
            wait_for_size(sized, app, size, 2)
    assert load.failures == [] and load.answers > 50
    sized.paas("ps:scale", "--app", app, "web=1")


def test_a_size_outlives_restarts_of_the_daemons(sized, app):
    sized.paas("ps:scale", "--app", app, "web=1:large")
    before = wait_for_size(sized, app, "large")[0]["id"]
    for name in ("plan", "jail", "web"):
        old = sized.daemon_pid(name)
        subprocess.run(["kill", "-9", str(old)], check=True)
        wait_until(lambda: sized.daemon_pid(name) not in (None, old), f"a new {name}")
        wait_until(lambda: sized.paas("ps", "--app", app, check=False).returncode == 0, "an answer")
        assert wait_for_size(sized, app, "large")[0]["id"] == before


# --- what the kernel keeps --------------------------------------------------

def test_the_limits_stand_in_the_group(sized, app):
    sized.paas("ps:scale", "--app", app, "web=1:small")
    wait_for_size(sized, app, "small")

    def read(*files):
        return group(sized, "web.1", *files)
    assert read("memory.max", "memory.limit_in_bytes") == str(64 << 20)
    assert read("memory.swap.max", "memory.memsw.limit_in_bytes") in ("0", str(64 << 20))
    assert read("cpu.weight", "cpu.shares") in ("50", "512")
    assert read("cpu.max", "cpu.cfs_quota_us") in ("150000 100000", "150000")
    assert read("pids.max") == "40"
    maximum = read("io.max", "blkio.throttle.read_bps_device")
    device = pathlib.Path(sized.state).stat().st_dev
    if pathlib.Path(f"/sys/dev/block/{device >> 8 & 0xfff}:{device & 0xff}").exists():
        assert str(8 << 20) in maximum
    sized.paas("ps:type", "--app", app, "web=large")
    wait_for_size(sized, app, "large")
    assert read("cpu.weight", "cpu.shares") in ("400", "4096")
    assert read("cpu.max", "cpu.cfs_quota_us") in ("max 100000", "-1")


EATS = "perl -e '%s'"


def run(p, app, size, command):
    return p.paas("run", "--app", app, "--size", size, command, check=False)


def test_memory_ends_where_the_size_says(sized, app):
    eat = EATS % 'my @a; for (1..%d) { push @a, "x" x 1048576 } print "has all\\n"'
    assert "has all" in run(sized, app, "large", eat % 50).stdout.splitlines()
    done = run(sized, app, "small", eat % 200)
    assert "has all" not in done.stdout.splitlines() and done.returncode == 137


def test_processes_end_where_the_size_says(sized, app):
    fork = EATS % ('my $n = 0; while ($n < 200) { my $p = fork(); last unless defined $p; '
                   'if (!$p) { sleep 60; exit } $n++ } print "forked $n\\n"')
    forked = int(re.search(r"forked (\d+)", run(sized, app, "small", fork).stdout)[1])
    assert 20 < forked < 40


def test_the_share_of_one_off_commands_is_bounded(sized, app):
    """1 GiB of 2 for an app: two of standard-1x, no third."""
    for _ in range(2):
        sized.paas("run:detached", "--app", app, "--size", "standard-1x", "sleep 600")
    done = sized.paas("run", "--app", app, "--size", "standard-1x", "true", check=False)
    assert done.returncode == 1 and "run_memory" in done.stderr
    for d in dynos(sized, app):
        if d["type"] == "run":
            assert d["size"] == "standard-1x"
            sized.paas("ps:stop", "--app", app, d["name"])
    wait_until(lambda: all(d["type"] != "run" for d in dynos(sized, app)), "they are gone")
    sized.paas("run", "--app", app, "--size", "standard-1x", "true")


# --- disks ------------------------------------------------------------------

def test_a_disk_of_its_own_ends_at_its_bytes(sized, app):
    out = run(sized, app, "ondisk",
              "head -c 100M /dev/zero > /app/big; ls -s --block-size=M /app/big; "
              "rm /app/big; echo again > /app/small && cat /app/small").stdout
    size = int(re.search(r"^(\d+)M", out, re.M)[1])
    assert 40 <= size <= 64
    assert out.rstrip().endswith("again")


def test_a_disk_of_its_own_ends_at_its_files(sized, app):
    out = run(sized, app, "ondisk",
              "perl -e 'my $n = 0; mkdir \"/app/d\"; while ($n < 9000) { open(my $f, \">\", "
              "\"/app/d/$n\") or last; $n++ } print \"made $n: $!\\n\"'").stdout
    made = int(re.search(r"made (\d+)", out)[1])
    assert 3000 < made < 4200 and "No space left" in out


def test_what_is_on_its_disk_is_not_in_its_memory(sized, app):
    """64 MiB of memory, and 50 MiB of files beside 30 MiB that a process holds."""
    out = run(sized, app, "ondisk",
              "head -c 50M /dev/urandom > /app/big && perl -e 'my $x = \"x\" x 31457280; "
              "print length($x), \"\\n\"' && ls -s --block-size=M /app/big")
    assert out.returncode == 0 and "31457280" in out.stdout, out.stderr


def test_its_mounts_let_no_setuid_and_no_devices_work(sized, app):
    for size in ("small", "ondisk"):
        flags = run(sized, app, size, "grep ' / ' /proc/self/mounts").stdout
        assert "nosuid" in flags and "nodev" in flags
        out = run(sized, app, size,
                  "cp /usr/bin/id /app/id && chmod 4755 /app/id && /app/id -u; "
                  "mknod /app/disk b 7 0 2>&1 || echo no device").stdout
        assert out.splitlines()[0] == "1000" and "no device" in out


def test_a_disk_goes_with_its_instance(sized, app):
    sized.paas("ps:scale", "--app", app, "web=2:ondisk")
    wait_for_size(sized, app, "ondisk", 2)
    assert len(loops(sized)) == 2
    assert [f.name for f in (sized.state / "store/disk").iterdir()] == [f"t-{64 << 20}-4096"]
    sized.paas("ps:scale", "--app", app, "web=1:small")
    wait_for_size(sized, app, "small", 1)
    wait_until(lambda: loops(sized) == [], "no loop device is left")


def test_jail_killed_while_disks_are_made_leaves_none(sized, app):
    sized.paas("ps:scale", "--app", app, "web=1:small")
    wait_for_size(sized, app, "small")
    for i in range(8):
        old = sized.daemon_pid("jail")
        sized.paas("ps:scale", "--app", app, "web=3:ondisk" if i % 2 == 0 else "web=1:small")
        subprocess.run(["kill", "-9", str(old)], check=True)
        wait_until(lambda: sized.daemon_pid("jail") not in (None, old), "a new jail")
    sized.paas("ps:scale", "--app", app, "web=2:ondisk")
    wait_for_size(sized, app, "ondisk", 2)
    wait_until(lambda: len(loops(sized)) == 2, "two disks for two instances")
    sized.paas("ps:scale", "--app", app, "web=1:small")
    wait_for_size(sized, app, "small")
    wait_until(lambda: loops(sized) == [], "no loop device is left")
    left = [line for line in pathlib.Path("/proc/mounts").read_text().splitlines()
            if line.startswith("/dev/loop") and str(sized.run) in line]
    assert left == []
    assert all(f.name.startswith("t-") for f in (sized.state / "store/disk").iterdir())
