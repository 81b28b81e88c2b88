"""The bundled samples go from `git push` to an answer, each in its way."""

import json
import re


def test_node_sample_goes_live_and_the_push_says_so(platform, node_app):
    _, push = node_app
    text = push.stderr
    assert "remote: -----> " in text
    assert "22." in text and "engines" in text, "the chosen Node version is printed"
    assert f"http://hello.localhost:{platform.port}/" in text.splitlines()[-1] or \
        f"http://hello.localhost:{platform.port}/" in "\n".join(text.splitlines()[-6:])
    status, body, _ = platform.get("hello")
    assert status == 200
    assert re.match(r"Hello from Node.js v22\.", body)


def test_static_sample_is_served(platform):
    app = platform.app("site", sample="static")
    platform.push(app)
    status, body, headers = platform.get("site")
    assert status == 200 and "Hello from a static site" in body
    assert headers["Content-Type"].startswith("text/html")
    assert platform.get("site", "/style.css")[0] == 200
    assert platform.get("site", "/missing")[0] == 404


def test_script_sample_runs_from_its_procfile(platform):
    app = platform.app("script", sample="script")
    platform.push(app)
    status, body, _ = platform.get("script")
    assert (status, body) == (200, "Hello from a script, web.1\n")


def test_an_instance_is_confined(platform, node_app):
    script = ("id -u; hostname; cat /proc/self/status | grep -E 'CapEff|NoNewPrivs|Seccomp:';"
              " cat /proc/net/dev | wc -l; touch /layers/x; cat /proc/1/uid_map")
    out = platform.paas("run", "--app", "hello", script).stdout
    lines = out.splitlines()
    assert lines[0] == "1000"
    assert "CapEff:\t0000000000000000" in out
    assert "NoNewPrivs:\t1" in out
    assert "Seccomp:\t2" in out
    first, host, count = re.search(r"^\s*(\d+)\s+(\d+)\s+(\d+)$", out, re.M).groups()
    assert int(first) == 0 and int(host) >= 1879048192 and int(count) == 65536


def test_localhost_is_where_the_router_looks(platform, node_app):
    out = platform.paas("run", "--app", "hello", "getent ahosts localhost").stdout
    assert {line.split()[0] for line in out.splitlines()} == {"127.0.0.1"}


def test_what_node_links_is_in_the_run_image(platform, node_app):
    out = platform.paas("run", "--app", "hello", "ls /usr/lib/*/").stdout
    assert "libatomic.so.1" in out and "libstdc++.so.6" in out


def test_the_image_is_an_oci_image_in_the_store(platform, node_app):
    status, releases = platform.api("GET", "/apps/hello/releases")
    assert status == 200
    image = [r["image"] for r in releases if r.get("image")][-1]
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", image)
    config = json.loads((platform.state / "store/blobs/sha256" / image[7:]).read_text())
    assert config["os"] == "linux" and config["rootfs"]["type"] == "layers"
    for diff_id in config["rootfs"]["diff_ids"]:
        assert (platform.state / "store/layers" / diff_id[7:]).is_dir()


def test_the_same_commit_and_inputs_give_the_same_image(platform, script_files):
    images = []
    for name in ("twin-a", "twin-b"):
        app = platform.app(name, files=script_files("v1"))
        platform.push(app)
        releases = platform.api("GET", f"/apps/{name}/releases")[1]
        images.append([r["image"] for r in releases if r.get("image")][-1])
    assert images[0] == images[1]
