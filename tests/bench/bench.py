#!/usr/bin/python3
"""make bench: the platform's promises, measured on this machine.

Starts a platform of its own (needs root), prints memory and wake-ups while
idle, the stages of a push that changes one line, and the start of a container
beside bare `crun` on the same root. Figures are medians of interleaved rounds.
"""

import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "flow"))
from platform_run import Platform, wait_until  # noqa: E402

IDLE_SECONDS = int(os.environ.get("BENCH_IDLE_SECONDS", "60"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "9"))


def pss_kb(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", text, re.M).group(1))


def switches(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return sum(int(n) for n in re.findall(r"ctxt_switches:\s+(\d+)", text))


def bench_idle(platform):
    print(f"\nIdle for {IDLE_SECONDS} s, one app with one instance")
    time.sleep(IDLE_SECONDS)  # the thing measured is what happens in it
    pids = {pid: name for name, pid in platform.processes()}
    before = {pid: switches(pid) for pid in pids}
    time.sleep(30)
    print(f"  {'process':<14}{'PSS kB':>8}{'wake-ups/s':>12}")
    memory = wakes = 0
    for pid, name in sorted(pids.items(), key=lambda item: item[1]):
        kb, rate = pss_kb(pid), (switches(pid) - before[pid]) / 30
        memory += kb
        wakes += rate
        print(f"  {name:<14}{kb:>8}{rate:>12.2f}")
    print(f"  {'all':<14}{memory:>8}{wakes:>12.2f}   (budget: 30000 kB; goal: 20000 kB, 1 wake-up/s)")


def bench_push(platform, app):
    print(f"\nPush of a one-line change of the Node sample, {ROUNDS} rounds, medians in ms")
    rows = {}
    for n in range(ROUNDS):
        text = (app / "server.js").read_text()
        platform.commit(app, f"round {n}", {"server.js": text + f"// {n}\n"})
        started = time.monotonic()
        platform.push(app)
        rows.setdefault("git push, start to end", []).append((time.monotonic() - started) * 1000)
        build = platform.api("GET", "/apps/bench/builds")[1][-1]
        for stage in build["stages"]:
            rows.setdefault("  " + stage["name"], []).append(stage["seconds"] * 1000)
    for name, values in rows.items():
        print(f"  {name:<28}{statistics.median(values):>8.0f}")


def bare_bundle(platform, folder):
    """The app's own layers as one overlay root for bare crun."""
    releases = platform.api("GET", "/apps/bench/releases")[1]
    image = [r["image"] for r in releases if r.get("image")][-1][7:]
    config = json.loads((platform.state / "store/blobs/sha256" / image).read_text())
    layers = [str(platform.state / "store/layers" / d[7:]) for d in config["rootfs"]["diff_ids"]]
    bundle = pathlib.Path(folder) / "bundle"
    for name in ("rootfs", "upper", "work"):
        (bundle / name).mkdir(parents=True)
    links = []
    for i, layer in enumerate(layers):
        (bundle / str(i)).symlink_to(layer)
        links.append(str(i))
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                    f"lowerdir={':'.join(reversed(links))},upperdir=upper,workdir=work", "rootfs"],
                   cwd=bundle, check=True)
    subprocess.run(["crun", "spec"], cwd=bundle, check=True)
    spec = json.loads((bundle / "config.json").read_text())
    spec["process"]["terminal"] = False
    spec["process"]["args"] = ["true"]
    (bundle / "config.json").write_text(json.dumps(spec))
    return bundle


def bench_start(platform, folder):
    print(f"\nStart of a container that runs `true`, {ROUNDS} rounds, interleaved, medians in ms")
    bundle = bare_bundle(platform, folder)
    bare, ours = [], []
    try:
        for n in range(ROUNDS):
            started = time.monotonic()
            # crun 1.8 does not work in a hybrid cgroup tree: hide the v2 part.
            subprocess.run(["unshare", "-m", "sh", "-c",
                            "umount -l /sys/fs/cgroup/unified 2>/dev/null; "
                            f"exec crun --cgroup-manager=disabled run bench-{n}"],
                           cwd=bundle, check=True, stdin=subprocess.DEVNULL)
            bare.append((time.monotonic() - started) * 1000)
            started = time.monotonic()
            status, dyno = platform.api("POST", "/apps/bench/dynos", {"command": "true", "attach": False})
            assert status == 201, dyno
            ours.append((time.monotonic() - started) * 1000)

            def gone():
                return all(d["name"] != dyno["name"] for d in platform.api("GET", "/apps/bench/dynos")[1])
            wait_until(gone, "the one-off ended")
    finally:
        subprocess.run(["umount", "-l", bundle / "rootfs"], check=False)
    a, b = statistics.median(bare), statistics.median(ours)
    print(f"  bare crun run, to its end          {a:>8.1f}")
    print(f"  POST /dynos, to its 201 (started)  {b:>8.1f}   ratio {b / a:.2f}")


def main():
    folder = tempfile.mkdtemp(prefix="paas-bench-")
    os.chmod(folder, 0o755)
    platform = Platform(folder)
    try:
        started = time.monotonic()
        platform.start()
        print(f"platform ready after {time.monotonic() - started:.1f} s")
        app = platform.app("bench", sample="node")
        started = time.monotonic()
        platform.push(app)
        print(f"first push of the Node sample: {time.monotonic() - started:.1f} s")
        bench_push(platform, app)
        bench_start(platform, folder)
        bench_idle(platform)
    finally:
        platform.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
