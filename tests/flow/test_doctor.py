"""What this machine can't do: said at start, and to the owner by `paas doctor`."""

import json
import os

from platform_run import wait_until


def test_doctor_says_of_each_finding_what_to_do(platform):
    found = json.loads(platform.paas("doctor", "--json").stdout)
    assert len(found) > 8
    for f in found:
        assert f["level"] in ("ok", "note", "warning", "problem")
        assert f["text"]
        assert bool(f["todo"]) == (f["level"] != "ok")
    said = "\n".join(f["text"] for f in found)
    for word in ("kernel", "cgroup", "swap", "AppArmor", "id-mapped", "crun", "disk", "clock"):
        assert word in said


def test_doctor_prints_lines_and_fails_for_problems_alone(platform):
    found = json.loads(platform.paas("doctor", "--json").stdout)
    done = platform.paas("doctor", check=False)
    assert f"kernel {os.uname().release}" in done.stdout
    assert done.stdout.count("    -> ") == sum(f["level"] != "ok" for f in found)
    assert done.returncode == any(f["level"] == "problem" for f in found)


def test_a_token_that_reads_apps_is_not_told(platform):
    _, token = platform.api("POST", "/oauth/authorizations", {"scope": ["read"]})
    status, answer = platform.api("GET", "/platform/doctor", token=token["access_token"]["token"])
    assert status == 403
    assert "scope" in answer["message"]


def test_what_is_weaker_here_is_in_the_log_at_start(platform):
    found = json.loads(platform.paas("doctor", "--json").stdout)
    for f in found:
        said = f["text"].split(":")[0]  # figures behind it may change
        wait_until(lambda: said in platform.log_tail(lines=100000), said)
