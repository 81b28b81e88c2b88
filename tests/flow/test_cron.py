"""Cron jobs of app.json, and what processes know about themselves."""

import json
import re

import pytest

from platform_run import wait_until

WEB = """
use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalPort => $ENV{PORT}, Listen => 5, ReuseAddr => 1) or die;
while (my $c = $s->accept) {
    my $l = <$c>;
    print $c "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok";
    close $c;
}
"""


def app_json(*jobs):
    return json.dumps({"cron": [{"command": c, "schedule": s} for c, s in jobs]})


@pytest.fixture(scope="module")
def app(platform):
    folder = platform.app("clock", files={
        "Procfile": "web: exec perl /app/web.pl\n", "web.pl": WEB,
        "app.json": app_json(("echo tick-$DYNO; exit 3", "* * * * *"), ("sleep 1000", "0 0 1 1 *"))})
    platform.push(folder)
    return folder


def jobs(platform):
    return platform.api("GET", "/apps/clock/crons")[1]


def log(platform):
    return platform.paas("logs", "-n", "1500", "--app", "clock").stdout


def test_a_job_runs_when_it_is_due_and_once(platform, app):
    wait_until(lambda: re.search(r"app\[scheduler\.\d{4}\]: tick-scheduler", log(platform)), "the job has run")
    wait_until(lambda: jobs(platform)[0]["last_status"] == 3, "its status is known")
    text = log(platform)
    name = re.search(r"tick-(scheduler\.\d{4})", text)[1]
    assert f"heroku[{name}]: Process exited with status 3" in text
    shown = platform.paas("cron", "--app", "clock").stdout
    assert re.search(r"^1 +\* \* \* \* \* .* 3 .*tick", shown, re.M)
    assert re.search(r"^2 +0 0 1 1 \* +never +- +\d{4}-01-01", shown, re.M)
    minutes = re.findall(r"^(\S+:\d\d):\S+ app\[scheduler\.\d{4}\]: tick", text, re.M)
    assert len(minutes) == len(set(minutes)), "one a minute"


def test_one_now_and_not_beside_itself(platform, app):
    done = platform.paas("cron:run", "--app", "clock", "2")
    name = re.search(r"scheduler\.\d{4}", done.stdout)[0]
    assert any(d["name"] == name and d["command"] == "sleep 1000"
               for d in platform.api("GET", "/apps/clock/dynos")[1])
    again = platform.paas("cron:run", "--app", "clock", "2", check=False)
    assert again.returncode == 1 and "still runs" in again.stderr
    platform.paas("ps:stop", "--app", "clock", name)
    wait_until(lambda: jobs(platform)[1]["last_status"] == 143, "it is stopped")
    assert platform.paas("cron:run", "--app", "clock", "9", check=False).returncode == 1


def test_a_pause(platform, app):
    assert "suspended" in platform.paas("cron:suspend", "--app", "clock", "1").stdout
    assert jobs(platform)[0]["next_run_at"] is None
    assert "suspended" not in platform.paas("cron:resume", "--app", "clock", "1").stdout


@pytest.mark.parametrize("text, say", [
    ('{"cron": {}}', "is a list"),
    (app_json(("true", "60 * * * *")), "no minute"),
    (app_json(("true", "* * * *")), "weekday is missing"),
    (app_json(("", "* * * * *")), "needs a"),
    (app_json(("x" * 1001, "* * * * *")), "1001 bytes"),
    (app_json(*[(f"true {i}", "* * * * *") for i in range(21)]), "21 jobs"),
], ids=["form", "minute", "fields", "command", "long", "many"])
def test_what_is_wrong_fails_the_push(platform, app, text, say):
    before = jobs(platform)
    platform.commit(app, files={"app.json": text})
    done = platform.push(app, check=False)
    platform.git("reset", "-q", "--hard", "HEAD^", cwd=app)
    assert done.returncode != 0 and say in done.stderr, done.stderr
    assert [(j["id"], j["command"]) for j in jobs(platform)] == [(j["id"], j["command"]) for j in before]


def test_jobs_keep_their_numbers_and_go(platform, app):
    platform.commit(app, files={"app.json": app_json(("sleep 1000", "0 0 1 1 *"), ("true", "@daily"))})
    platform.push(app)
    assert [(j["id"], j["command"]) for j in jobs(platform)] == [(2, "sleep 1000"), (3, "true")]


def test_metadata_of_the_process(platform, app):
    assert platform.paas("run", "--app", "clock", "env | grep HEROKU; env | grep PAAS", check=False).stdout == ""
    platform.paas("features:enable", "--app", "clock", "runtime-dyno-metadata")
    assert platform.api("GET", "/apps/clock/features/runtime-dyno-metadata")[1]["enabled"] is True
    env = dict(line.split("=", 1) for line in
               platform.paas("run", "--app", "clock", "env | grep ^HEROKU").stdout.splitlines())
    head = platform.git("rev-parse", "HEAD", cwd=app).stdout.strip()
    assert env["HEROKU_APP_NAME"] == "clock"
    assert env["HEROKU_APP_ID"] == platform.api("GET", "/apps/clock")[1]["id"]
    assert env["HEROKU_SLUG_COMMIT"] == env["HEROKU_BUILD_COMMIT"] == head
    assert env["HEROKU_SLUG_DESCRIPTION"] == f"Deploy {head[:8]}"
    assert re.fullmatch(r"v\d+", env["HEROKU_RELEASE_VERSION"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", env["HEROKU_RELEASE_CREATED_AT"])
    assert re.fullmatch(r"[0-9a-f-]{36}", env["HEROKU_DYNO_ID"])
    platform.paas("features:disable", "--app", "clock", "runtime-dyno-metadata")
    assert platform.paas("features:enable", "--app", "clock", "nothing", check=False).returncode == 1
