"""Memory: a warning near the quota (R14), a kill past it (R15), and what comes of that."""

import pytest

from platform_run import Platform, wait_until

GROW = "perl -e 'for (1..MB) { push @a, \"x\" x (1e6 + $_); select undef, undef, undef, 0.01 } sleep 1000'"


@pytest.fixture(scope="module")
def small(folder):
    p = Platform(folder + "/memory", flags=["--set", "size=basic memory=64M"])
    p.start()
    try:
        yield p
    finally:
        p.stop()


def logs(p, app):
    return p.paas("logs", "--app", app, "-n", "300").stdout


def test_a_process_near_its_quota_is_warned_of(small, script_files):
    app = small.app("hungry", files={**script_files(),
        "Procfile": f"web: perl server.pl\nworker: {GROW.replace('MB', '61')}\n"})
    small.push(app)
    small.paas("ps:scale", "worker=1", "--app", "hungry")
    text = wait_until(lambda: "Error R14" in logs(small, "hungry") and logs(small, "hungry"), "R14")
    line = next(x for x in text.splitlines() if "Process running mem=" in x)
    assert "worker.1" in line and "%)" in line
    assert "Error R14 (Memory quota exceeded)" in text and "R15" not in text


def test_a_process_past_its_quota_is_killed_and_named(small, script_files):
    app = small.app("greedy", files={**script_files(),
        "Procfile": f"web: perl server.pl\nworker: {GROW.replace('MB', '200')}\n"})
    small.push(app)
    small.paas("ps:scale", "worker=1", "--app", "greedy")
    wait_until(lambda: "State changed from up to crashed" in logs(small, "greedy"), "it crashed")
    text = logs(small, "greedy")
    assert "Error R15 (Memory quota vastly exceeded): size basic has 64M" in text
    assert "out of memory: limit 64 MiB" in text
    # It comes back later each time, and ps says when.
    wait_until(lambda: "next try in" in small.paas("ps", "--app", "greedy").stdout, "the next try is told")
    dyno = wait_until(lambda: [d for d in small.api("GET", "/apps/greedy/dynos")[1]
                               if d["state"] == "crashed" and d.get("next_try_at")], "in the API, too")
    assert dyno[0]["next_try_at"] > dyno[0]["updated_at"]
    assert small.get("greedy")[0] == 200

