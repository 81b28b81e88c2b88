"""project.toml of an app, through real pushes."""

from cnb_world import PHASES

PROJECT = """
[_]
schema-version = "0.2"

[io.buildpacks]
exclude = ["secret.txt", "docs/"]

[[io.buildpacks.build.env]]
name = "GREETING"
value = "from project.toml"

[[io.buildpacks.group]]
id = "me/inline"
version = "1"
[io.buildpacks.group.script]
api = "0.10"
shell = "/bin/bash"
inline = '''
for p in analyzer detector restorer builder exporter creator rebaser; do
	CNB_PLATFORM_API=0.15 /cnb/lifecycle/$p -help | head -n 1
done
[ -x /cnb/lifecycle/launcher ]
mkdir -p "$1/hello/env"; printf '[types]\\nlaunch = true\\n' >"$1/hello.toml"
printf '%s; files: %s' "$GREETING" "$(ls | tr '\\n' ' ')" >"$1/hello/env/COLOR"
'''

[[io.buildpacks.group]]
id = "paas/procfile"
"""


def test_an_app_brings_a_buildpack_and_leaves_files_out(platform, script_files):
    files = {**script_files(), "project.toml": PROJECT, "secret.txt": "x\n", "docs/a.md": "y\n"}
    app = platform.app("projected", files=files)
    log = platform.push(app).stderr
    assert "me/inline" in log
    for program in PHASES:  # names that others rely on, in a build container
        assert f"Usage: {program}" in log
    assert "from project.toml; files: Procfile project.toml server.pl" in platform.get("projected")[1]
    platform.commit(app, files={"project.toml": PROJECT.replace("exclude", 'include = ["x"]\nexclude')})
    refused = platform.push(app, check=False)
    assert refused.returncode != 0 and "include and exclude can't be used together" in refused.stderr
    assert "from project.toml" in platform.get("projected")[1]
