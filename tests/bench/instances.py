"""The runtime: first instruction, 200 instances, what an idle one costs, the
way to one, and what a neighbour's nuisances do to an app's answers."""

import http.client
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "flow"))
from load import Load  # noqa: E402
from measure import pss_kb, used_kb  # noqa: E402
from platform_run import ROOT, free_port, wait_until  # noqa: E402

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "9"))
INSTANCES = int(os.environ.get("BENCH_INSTANCES", "200"))
ABUSE = ROOT / "build/abuse"

SERVER = """
use strict; use warnings; use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $ENV{PORT},
    Listen => 128, ReuseAddr => 1) or die "listen: $!\\n";
$SIG{PIPE} = 'IGNORE'; $SIG{CHLD} = 'IGNORE';
while (my $c = $s->accept()) {
    if (fork()) { close $c; next }
    while (my $line = <$c>) {
        while (defined(my $h = <$c>)) { last if $h =~ /^\\r?\\n$/ }
        print $c "HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\nok\\n";
    }
    exit 0;
}
"""


def make_app(platform, name, procfile):
    folder = platform.folder / "apps" / name
    folder.mkdir(parents=True)
    shutil.copy2(ABUSE, folder / "abuse")
    platform.write(folder, {"Procfile": procfile, "server.pl": SERVER})
    platform.git("init", "-q", "-b", "main", cwd=folder)
    platform.paas("create", name, cwd=folder)
    platform.commit(folder)
    platform.push(folder)
    return folder


def bundle_of(platform, app, folder):
    """The app's own layers as one overlay root for other runtimes."""
    releases = platform.api("GET", f"/apps/{app}/releases")[1]
    image = [r["image"] for r in releases if r.get("image")][-1][7:]
    config = json.loads((platform.state / "store/blobs/sha256" / image).read_text())
    layers = [platform.state / "store/layers" / d[7:] for d in config["rootfs"]["diff_ids"]]
    bundle = pathlib.Path(folder) / "bundle"
    for name in ("rootfs", "upper", "work"):
        (bundle / name).mkdir(parents=True)
    for i, layer in enumerate(layers):
        (bundle / str(i)).symlink_to(layer)
    lower = ":".join(str(i) for i in reversed(range(len(layers))))
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                    f"lowerdir={lower},upperdir=upper,workdir=work", "rootfs"], cwd=bundle, check=True)
    subprocess.run(["crun", "spec"], cwd=bundle, check=True)
    spec = json.loads((bundle / "config.json").read_text())
    spec["process"].update(terminal=False, cwd="/app", args=["/app/abuse", "--clock"])
    (bundle / "config.json").write_text(json.dumps(spec))
    return bundle


def clock_in(text):
    return int(re.search(r"clock (\d+)", text).group(1)) / 1e6


def crun_start(bundle, n):
    started = time.monotonic() * 1000
    # crun 1.8 does not work in a hybrid cgroup tree: hide the v2 part.
    done = subprocess.run(["unshare", "-m", "sh", "-c",
                           "umount -l /sys/fs/cgroup/unified 2>/dev/null; "
                           f"exec crun --cgroup-manager=disabled run bench-{n}"],
                          cwd=bundle, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return clock_in(done.stdout) - started


def our_start(platform):
    started = time.monotonic() * 1000
    status, dyno = platform.api("POST", "/apps/clock/dynos",
                                {"command": "./abuse --clock", "attach": False})
    assert status == 201, dyno

    def line():
        out = platform.paas("logs", "-n", "100", "--app", "clock").stdout
        return [text for text in out.splitlines() if f"app[{dyno['name']}]: clock" in text]
    return clock_in(wait_until(line, "it has told the clock")[0]) - started


def docker_start(bundle):
    """Where docker is installed and its daemon runs."""
    if not shutil.which("docker") or subprocess.run(
            ["docker", "info"], capture_output=True, check=False).returncode != 0:
        return None
    if subprocess.run(["docker", "image", "inspect", "paas-bench"],
                      capture_output=True, check=False).returncode != 0:
        with subprocess.Popen(["tar", "-C", f"{bundle}/rootfs", "-c", "."], stdout=subprocess.PIPE) as tar:
            subprocess.run(["docker", "import", "-", "paas-bench"], stdin=tar.stdout, check=True)
    started = time.monotonic() * 1000
    done = subprocess.run(["docker", "run", "--rm", "paas-bench", "/app/abuse", "--clock"],
                          check=True, capture_output=True, text=True)
    return clock_in(done.stdout) - started


def bench_first_instruction(platform, folder):
    make_app(platform, "clock", "web: perl server.pl\n")
    bundle = bundle_of(platform, "clock", folder)
    rows = {"bare crun run": [], "an instance of ours": [], "docker run": []}
    print(f"\nTo the app's first instruction, {ROUNDS} rounds on one root, interleaved, medians in ms")
    try:
        for n in range(ROUNDS):
            rows["bare crun run"].append(crun_start(bundle, n))
            rows["an instance of ours"].append(our_start(platform))
            docker = docker_start(bundle)
            if docker is not None:
                rows["docker run"].append(docker)
    finally:
        subprocess.run(["umount", "-l", bundle / "rootfs"], check=False)
    for name, values in rows.items():
        print(f"  {name:<24}{statistics.median(values):>8.1f}" if values else f"  {name:<24}   not installed")
    difference = statistics.median(b - a for a, b in zip(rows["bare crun run"], rows["an instance of ours"]))
    print(f"  {'ours - crun, paired':<24}{difference:>8.1f}   (budget: 10)")


def kernel_things(platform):
    """What instances take from the kernel, by count."""
    slot = platform.run.name
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    mounts = pathlib.Path("/proc/self/mounts").read_text()
    groups = sum(1 for top in pathlib.Path("/sys/fs/cgroup").rglob(f"paas{slot}") for g in top.iterdir() if g.is_dir())
    return {"veths": links.count(f" paas{slot}-"), "mounts": mounts.count(f"{platform.run}/i/"),
            "groups": groups, "folders": len(list((platform.run / "i").iterdir()))}


def up(platform, app):
    return sum(d["state"] == "up" for d in platform.api("GET", f"/apps/{app}/dynos")[1])


def bench_many(platform):
    half = INSTANCES // 2
    make_app(platform, "many", "a: sleep 1000000\nb: sleep 1000000\n")
    wait_until(lambda: platform.api("GET", "/apps/clock/dynos")[1][0]["state"] == "up", "quiet")
    before, things = used_kb(), kernel_things(platform)
    started = time.monotonic()
    platform.paas("ps:scale", f"a={half}", f"b={half}", "--app", "many")
    wait_until(lambda: up(platform, "many") == 2 * half, "all are up")
    begun = time.monotonic() - started
    after = used_kb()
    shims = [pid for name, pid in platform.processes() if name == "paas-shim"]
    shims = [pss_kb(pid) for name, pid in platform.processes() if name == "paas-shim"]
    own = [pss_kb(int((i / "s/pid").read_text().split()[0])) for i in (platform.run / "i").iterdir()
           if (i / "s/pid").exists()]
    listed = time.monotonic()
    platform.paas("ps", "--app", "many")
    listed = time.monotonic() - listed
    started = time.monotonic()
    platform.paas("ps:scale", "a=0", "b=0", "--app", "many")
    wait_until(lambda: not platform.api("GET", "/apps/many/dynos")[1], "all are gone")
    ended = time.monotonic() - started
    print(f"\n{2 * half} instances of one app")
    print(f"  started in {begun:.1f} s ({1000 * begun / (2 * half):.0f} ms each), `paas ps` {1000 * listed:.0f} ms, "
          f"stopped in {ended:.1f} s")
    each = (after - before) / (2 * half)
    print(f"  memory each {each:.0f} kB, of it the app's first process {statistics.median(own)} kB and its shim "
          f"{statistics.median(shims)} kB PSS: {each - statistics.median(own):.0f} kB added "
          "(budget: 1000 kB)")
    left = wait_until(lambda: kernel_things(platform) == things and things, "nothing is left of them")
    print(f"  left behind: nothing ({', '.join(f'{v} {k}' for k, v in left.items())} as before)")


def rate(port, host, seconds=2.0):
    """Answers a second over one connection that is kept."""
    n, end = 0, time.monotonic() + seconds
    connection = http.client.HTTPConnection("127.0.0.1", port)
    while time.monotonic() < end:
        connection.request("GET", "/", headers={"Host": host})
        assert connection.getresponse().read() == b"ok\n"
        n += 1
    connection.close()
    return n / seconds


def bench_way(platform, folder):
    """Through a router to a namespace socket, and to the same server on loopback."""
    port, front = free_port(), free_port()
    (pathlib.Path(folder) / "map").write_text(f"plain.example 127.0.0.1:{port}\n")
    server = subprocess.Popen(["perl", "-e", SERVER], env={**os.environ, "PORT": str(port)})
    router = subprocess.Popen([ROOT / "build/libexec/paas/paas-router", "--map", f"{folder}/map",
                               "--listen", f"127.0.0.1:{front}"], stderr=subprocess.DEVNULL)
    rates = {"loopback": [], "namespace sockets": []}
    try:
        wait_until(lambda: answers(front, "plain.example"), "the router alone answers")
        for _ in range(ROUNDS):
            rates["loopback"].append(rate(front, "plain.example"))
            rates["namespace sockets"].append(rate(platform.port, f"clock.localhost:{platform.port}"))
    finally:
        for process in (router, server):
            process.kill()
            process.wait()
    a, b = (statistics.median(v) for v in rates.values())
    print(f"\nRequests a second over one connection through the router, {ROUNDS} rounds, medians")
    print(f"  to loopback {a:.0f}, to namespace sockets {b:.0f}, ratio {b / a:.2f}")


def answers(port, host):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/", headers={"Host": host})
        return connection.getresponse().status == 200
    except OSError:
        return False


def bench_neighbour(platform):
    """p99 of an app's answers, quiet and beside each nuisance of the abuse suite."""
    checks = [line.split()[1] for line in
              subprocess.run([ABUSE, "--list"], capture_output=True, text=True, check=True).stdout.splitlines()
              if line.startswith("load ")]
    make_app(platform, "nuisance", "web: perl server.pl\n")
    host = f"clock.localhost:{platform.port}"
    print("\nA neighbour's p99 in ms beside each nuisance, and quiet before and after it")
    ratios = []
    for name in checks:
        quiet = p99(platform.port, host, 400)
        with Load(platform.port, host, keepalive=1, fresh=1, pause=0.002) as load:
            subprocess.run([ROOT / "build/bin/paas", "run", "--app", "nuisance", "--", "./abuse", name],
                           env=platform.env(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           stdin=subprocess.DEVNULL, check=False)
            wait_until(lambda: load.answers > 400, "enough answers")
        calm = (quiet + p99(platform.port, host, 400)) / 2
        ratios.append(load.p99() / calm)
        print(f"  {name:<22} quiet {calm:>7.2f}  beside it {load.p99():>7.2f}  ratio {ratios[-1]:.2f}  "
              f"failed {len(load.failures)}")
    over = [f"{name} {ratio:.2f}" for name, ratio in zip(checks, ratios) if ratio > 1.5]
    print(f"  median ratio {statistics.median(ratios):.2f}, largest {max(ratios):.2f}; "
          f"past the budget of 1.5: {', '.join(over) or 'none'}")


def p99(port, host, answers):
    with Load(port, host, keepalive=1, fresh=1, pause=0.002) as load:
        wait_until(lambda: load.answers > answers, "enough answers")
    return load.p99()
