"""Many apps of which most rest: what they cost, and how fast they wake."""

import concurrent.futures
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "flow"))
from instances import SERVER  # noqa: E402
from measure import pss_kb, quantiles, used_kb  # noqa: E402
from platform_run import wait_until  # noqa: E402

APPS = int(os.environ.get("BENCH_APPS", "500"))
WAKES = int(os.environ.get("BENCH_WAKES", "100"))
TOGETHER = 4  # pushes at a time


def make(platform, n):
    name = f"rest-{n:03}"
    folder = platform.folder / "apps" / name
    folder.mkdir(parents=True)
    platform.write(folder, {"Procfile": "web: perl server.pl\n", "server.pl": SERVER})
    platform.git("init", "-q", "-b", "main", cwd=folder)
    platform.paas("create", name, cwd=folder)
    platform.commit(folder)
    platform.push(folder)
    platform.api("PATCH", f"/apps/{name}/idle", {"freeze_after": 2})
    return name


def states(platform, names):
    found = {}
    for name in names:
        state = platform.api("GET", f"/apps/{name}/idle")[1]["state"]
        found[state] = found.get(state, 0) + 1
    return found


def all_rest(platform, names, state):
    wait_until(lambda: states(platform, names) == {state: len(names)}, f"all are {state}", 1800)


def wake(platform, names):
    """Milliseconds to the answer of apps that rest, one after the other."""
    times = []
    for name in random.sample(names, min(WAKES, len(names))):
        started = time.monotonic()
        status = platform.get(name)[0]
        times.append((time.monotonic() - started) * 1000)
        assert status == 200, name
    return times


def awake_times(platform, name, n):
    return [(lambda t: (platform.get(name), (time.monotonic() - t) * 1000)[1])(time.monotonic())
            for _ in range(n)]


def platform_kb(platform):
    return sum(pss_kb(pid) for name, pid in platform.processes() if name != "paas-shim")


def listing(platform, name):
    started = time.monotonic()
    platform.paas("ps", "--app", name)
    return (time.monotonic() - started) * 1000


def bench_rest(platform):
    print(f"\n{APPS} registered apps that rest")
    before, started = used_kb(), time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:
        names = list(pool.map(lambda n: make(platform, n), range(APPS)))
    print(f"  pushed in {time.monotonic() - started:.0f} s")
    all_rest(platform, names, "frozen")
    print(f"  all frozen: {(used_kb() - before) / APPS:.0f} kB each, platform {platform_kb(platform)} kB PSS, "
          f"`paas ps` {listing(platform, names[0]):.0f} ms")
    print(f"  woken from frozen, ms:   {quantiles(wake(platform, names))}")
    print(f"  awake already, ms:       {quantiles(awake_times(platform, names[0], WAKES))}")
    for name in names:
        platform.api("PATCH", f"/apps/{name}/idle", {"stop_after": 1})
    all_rest(platform, names, "stopped")
    print(f"  all stopped: {(used_kb() - before) / APPS:.0f} kB each, platform {platform_kb(platform)} kB PSS, "
          f"`paas ps` {listing(platform, names[0]):.0f} ms")
    print(f"  started by a request, ms: {quantiles(wake(platform, names))}")
