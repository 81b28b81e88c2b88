#!/usr/bin/python3
"""make bench: the platform's promises, measured on this machine.

Starts a platform of its own (needs root), prints the stages of a push that
changes one line, memory and wake-ups while idle, then what instances.py and
rest.py measure. Figures are medians of interleaved rounds. `make bench
BENCH="idle start"` measures these parts alone; the parts are listed below.
"""

import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "flow"))
import instances  # noqa: E402
import rest  # noqa: E402
from measure import pss_kb, switches  # noqa: E402
from platform_run import Platform  # noqa: E402

IDLE_SECONDS = int(os.environ.get("BENCH_IDLE_SECONDS", "60"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "9"))


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


parts = {
    "push": lambda platform, app, folder: bench_push(platform, app),
    "idle": lambda platform, app, folder: bench_idle(platform),
    "start": lambda platform, app, folder: instances.bench_first_instruction(platform, folder),
    "way": lambda platform, app, folder: instances.bench_way(platform, folder),
    "neighbour": lambda platform, app, folder: instances.bench_neighbour(platform),
    "many": lambda platform, app, folder: instances.bench_many(platform),
    "rest": lambda platform, app, folder: rest.bench_rest(platform),
}


def main():
    wanted = sys.argv[1:] or list(parts)
    unknown = [name for name in wanted if name not in parts]
    if unknown:
        sys.exit(f"bench: no part {unknown[0]}; there are: {' '.join(parts)}")
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
        for name in wanted:
            parts[name](platform, app, folder)
    finally:
        platform.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
