"""The public acceptance cases of the launcher, on ours.

Left out: the Windows half of the data. The helper of exec.d, which is a Go
program there, is its like in shell.
"""

import shutil

import pytest

from cnb_world import Box, acceptance

API = "0.15"
HELPER = """#!/bin/bash
echo "$0 was executed"
echo "Exec.d Working Dir: $PWD"
val=val-from-exec.d
case $0 in */exec.d/exec.d-checker/*) val=$val-for-process-type-exec.d-checker ;; esac
printf 'VAR_FROM_EXEC_D = "%s:%s"\\n' "$VAR_FROM_EXEC_D" "$val" >&3
"""


@pytest.fixture
def box(tmp_path):
    box = Box(tmp_path / "root").fill(acceptance("launcher", "linux", "container"))
    layer = box.root / "layers/0.9_buildpack/some_layer/exec.d"
    (layer / "exec.d-checker/.gitkeep").unlink()
    for folder in (layer, layer / "exec.d-checker"):
        (folder / "helper").write_text(HELPER)
        (folder / "helper").chmod(0o755)
    (box.root / "cnb/process").mkdir()
    for process in box.toml("/layers/config/metadata.toml")["processes"]:
        (box.root / "cnb/process" / process["type"]).symlink_to("/cnb/lifecycle/launcher")
    return box


def launch(box, *args, code=0, api=API, **env):
    out = box.run(*args, api=api, cwd="/", CNB_NO_COLOR="true", **env)
    assert out.returncode == code, out.stdout
    return out.stdout


PROFILES = "sourced bp profile\nsourced app profile\n"


def test_exec_d_comes_before_profiles(box):
    layer = "/layers/0.9_buildpack/some_layer/exec.d"
    out = launch(box, "/cnb/process/exec.d-checker", api="0.7", VAR_FROM_EXEC_D="orig-val")
    assert (f"{layer}/helper was executed\nExec.d Working Dir: /workspace\n"
            f"{layer}/exec.d-checker/helper was executed\nExec.d Working Dir: /workspace\n" + PROFILES +
            "VAR_FROM_EXEC_D: orig-val:val-from-exec.d:val-from-exec.d-for-process-type-exec.d-checker") in out


@pytest.mark.parametrize("args, text", [
    (["/cnb/process/web"], "Executing web process-type"),
    (["/cnb/process/process.with.period"], "Executing process.with.period process-type"),
    (["/cnb/process/web", "with user provided args"], "Executing web process-type with user provided args"),
    (["launcher", "--", "env"], "SOME_VAR=some-bp-val"),
    (["launcher", "--", "env"], "OTHER_VAR=other-bp-val"),
    (["launcher", "echo", "something"], PROFILES + "something"),
    (["launcher", "echo", "$SOME_VAR", "$OTHER_VAR", "$WORKER_VAR"],
     PROFILES + "some-bp-val other-bp-val worker-no-process-val"),
    (["launcher", "bp-executable"], "bp executable"),
    (["launcher", "--", "echo", "something"], "something"),
    (["launcher", "--", "bp-executable"], "bp executable")])
def test_what_is_launched(box, args, text):
    assert text in launch(box, *args)


def test_a_variable_for_the_process_type_is_no_more(box):
    out = launch(box, "launcher", code=82, CNB_PROCESS_TYPE="direct-process")
    assert f"Warning: CNB_PROCESS_TYPE is not supported in Platform API {API}" in out
    assert "Warning: Run with ENTRYPOINT 'direct-process' to invoke the 'direct-process' process type" in out
    assert ("ERROR: failed to launch: determine start command: when there is no default process a command is "
            "required") in out


def test_a_user_s_variables_pass_but_for_the_lifecycle_s(box):
    env = {"SOME_USER_VAR": "some-user-val", "CNB_APP_DIR": "/workspace"}
    out = launch(box, "launcher", "echo", "$SOME_USER_VAR, $CNB_APP_DIR, $OTHER_VAR", OTHER_VAR="other-user-val", **env)
    assert PROFILES + "some-user-val, , other-user-val**other-bp-val" in out
    out = launch(box, "launcher", "--", "env", **env)
    assert "SOME_USER_VAR=some-user-val" in out and "CNB_APP_DIR" not in out


def test_other_folders_by_variable(box):
    out = launch(box, "launcher", "pwd", CNB_APP_DIR="/other-app", CNB_LAYERS_DIR="/other-layers")
    assert "/other-app" in out and "sourced bp profile" not in out


def test_a_platform_api_that_nobody_speaks(box):
    assert "platform API version '0.3' is incompatible" in launch(box, "launcher", "true", code=11, api="0.3")


def test_a_buildpack_api_that_nobody_speaks(box):
    path = box.root / "layers/config/metadata.toml"
    path.write_text(path.read_text().replace('"0.9"', '"0.2"'))
    launch(box, "launcher", "true", code=12)


def test_a_broken_helper_ends_the_launch(box):
    helper = box.root / "layers/0.9_buildpack/some_layer/exec.d/helper"
    helper.write_text("#!/bin/sh\necho 'not toml' >&3\n")
    assert "failed to decode output" in launch(box, "launcher", "true", code=82)
    helper.write_text("#!/bin/sh\nexit 3\n")
    assert "exit status 3" in launch(box, "launcher", "true", code=82)
    shutil.rmtree(helper.parent)
    launch(box, "launcher", "true")
