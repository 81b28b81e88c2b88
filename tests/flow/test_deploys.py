"""Deploys lose no request; what can't go live leaves the old one serving."""

import pytest

from load import Load
from platform_run import wait_until


def test_twenty_pushes_under_load_lose_no_request(platform, script_files):
    app = platform.app("busy", files=script_files("v1"))
    platform.push(app)
    with Load(platform.port, f"busy.localhost:{platform.port}") as load:
        for n in range(2, 21):
            platform.commit(app, f"v{n}", script_files(f"v{n}"))
            platform.push(app)
            assert platform.get("busy")[1].startswith(f"v{n} ")
    assert load.failures == []
    assert load.answers > 100
    assert load.last.startswith("v20 ")


def test_a_request_under_way_is_answered_by_the_instance_that_got_it(platform, script_files):
    app = platform.app("thorough", files=script_files("v1"))
    platform.push(app)
    platform.paas("config:set", "--app", "thorough", "PAUSE=0.7")
    # The router may ask again for a GET that was lost, never for a POST.
    with Load(platform.port, f"thorough.localhost:{platform.port}", method="POST") as load:
        for n in range(2, 5):
            seen = load.answers
            wait_until(lambda: load.answers > seen + 4, "requests are under way")
            platform.commit(app, f"v{n}", script_files(f"v{n}"))
            platform.push(app)
        wait_until(lambda: load.last.startswith("v4 "), "the newest serves")
        seen = load.answers
        wait_until(lambda: load.answers > seen + 8, "the old ones have gone")
    assert load.failures == []


@pytest.fixture(scope="module")
def old_app(platform, script_files):
    app = platform.app("steady", files=script_files("old"))
    platform.push(app)
    return app


def refused(platform, app, files, *reasons):
    platform.commit(app, "broken", files)
    push = platform.push(app, check=False)
    assert push.returncode != 0
    assert "[remote rejected] main -> main" in push.stderr
    for reason in reasons:
        assert reason in push.stderr, push.stderr
    assert platform.get("steady")[1].startswith("old ")
    # The ref has not moved either.
    remote = platform.git("ls-remote", "paas", "refs/heads/main", cwd=app).stdout.split()[0]
    head = platform.git("rev-parse", "HEAD", cwd=app).stdout.strip()
    assert remote != head
    platform.git("reset", "-q", "--hard", remote, cwd=app)
    return push.stderr


def test_a_failing_build_is_refused_with_its_reason(platform, old_app):
    refused(platform, old_app, {"package.json": "{not json"}, "package.json")


def test_an_app_that_crashes_at_boot_is_refused_with_its_last_lines(platform, old_app):
    refused(platform, old_app,
            {"Procfile": "web: echo about to die; exit 7\n"},
            "exited with status 7", "about to die")


def test_an_app_that_never_listens_is_refused(folder, script_files):
    from platform_run import Platform
    quick = Platform(folder + "/quick", flags=["--set", "boot_seconds=3"])
    quick.start()
    try:
        app = quick.app("steady", files={
            **script_files("old"), "Procfile": "web: echo all is well; exec perl server.pl\n"})
        quick.push(app)
        told = refused(quick, app, {"Procfile": "web: echo deaf as a post; sleep 1000\n"},
                       "$PORT", "deaf as a post")
        assert "all is well" in quick.paas("logs", "--app", "steady").stdout
        assert "all is well" not in told  # the old web.1 said that
    finally:
        quick.stop()


def test_a_config_change_restarts_without_a_lost_request(platform, old_app):
    with Load(platform.port, f"steady.localhost:{platform.port}") as load:
        platform.paas("config:set", "--app", "steady", "COLOR=blue")
        wait_until(lambda: "blue" in platform.get("steady")[1], "the new config serves")
    assert load.failures == []


def test_rollback_brings_back_code_and_config(platform, old_app, script_files):
    platform.paas("config:set", "--app", "steady", "COLOR=green")
    wait_until(lambda: "green" in platform.get("steady")[1], "green serves")
    version = platform.api("GET", "/apps/steady/releases")[1][-1]["version"]
    platform.commit(old_app, "new", script_files("new"))
    platform.push(old_app)
    platform.paas("config:set", "--app", "steady", "COLOR=red")
    wait_until(lambda: platform.get("steady")[1].split()[::2] == ["new", "red"], "new and red")
    platform.paas("rollback", f"v{version}", "--app", "steady")
    wait_until(lambda: platform.get("steady")[1].split()[::2] == ["old", "green"],
               "old code and its config serve again")
    newest = platform.api("GET", "/apps/steady/releases")[1][-1]
    assert newest["description"] == f"Rollback to v{version}"
    assert platform.api("GET", "/apps/steady/config-vars")[1]["COLOR"] == "green"


def test_scaling_up_and_down_is_rolling(platform, old_app):
    with Load(platform.port, f"steady.localhost:{platform.port}") as load:
        platform.paas("ps:scale", "web=3", "--app", "steady")

        def names():
            return {platform.get("steady")[1].split()[1] for _ in range(20)}
        wait_until(lambda: names() == {"web.1", "web.2", "web.3"}, "three dynos answer")
        platform.paas("ps:scale", "web=1", "--app", "steady")
        wait_until(lambda: names() == {"web.1"}, "one dyno answers")
    assert load.failures == []
