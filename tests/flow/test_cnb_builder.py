"""The public acceptance cases of the lifecycle's builder, on ours."""

import pytest

from cnb_world import Box, acceptance

GROUP = {"CNB_GROUP_PATH": "/cnb/group_tomls/always_detect_group.toml"}
PLAN = {"CNB_PLAN_PATH": "/cnb/plan_tomls/always_detect_plan.toml"}
API = "0.15"


@pytest.fixture
def box(tmp_path):
    return Box(tmp_path / "root").fill(acceptance("builder", "container")).give("layers")


def build(box, *args, code=0, api=API, **env):
    out = box.phase("builder", *args, api=api, **env)
    assert out.returncode == code, out.stdout
    return out.stdout


def metadata(box, layers="/layers"):
    return box.toml(f"{layers}/config/metadata.toml")


def test_arguments_are_refused(box):
    assert "failed to parse arguments: received unexpected arguments" in build(box, "some-arg", code=3)


def test_root_is_refused(box):
    out = box.phase("builder", api=API, user="0:0")
    assert out.returncode == 1
    assert "failed to build: refusing to run as root" in out.stdout


@pytest.mark.parametrize("api", ["0.9", API])
def test_metadata_is_written(box, api):
    build(box, api=api, **GROUP, **PLAN)
    text = (box.root / "layers/config/metadata.toml").read_text()
    assert "processes =" not in text  # no inline tables
    md = metadata(box)
    assert (md["buildpacks"][0]["api"], md["buildpacks"][0]["id"], md["buildpacks"][0]["version"]) == (
        "0.10", "hello_world", "0.0.1")
    [process] = md["processes"]
    command = "echo world" if api == "0.9" else ["echo world"]
    assert (process["type"], process["command"], process["args"], process["direct"]) == (
        "hello", command, ["arg1"], True)
    assert not process.get("working-dir") and not process.get("default")


def test_extensions_of_a_group_are_named(box):
    build(box, CNB_GROUP_PATH="/cnb/group_tomls/group_with_ext.toml", **PLAN)
    for kind in ("buildpacks", "extensions"):
        [item] = metadata(box)[kind]
        assert (item["api"], item["id"], item["version"]) == ("0.10", "hello_world", "0.0.1")


def test_a_group_file_has_to_be_there(box):
    out = build(box, code=52, **PLAN)
    assert "failed to read group file: open /layers/group.toml: no such file or directory" in out.lower()


def test_an_empty_group_builds_nothing(box):
    build(box, CNB_GROUP_PATH="/cnb/group_tomls/empty_group.toml", **PLAN)
    assert metadata(box).get("processes", []) == []


def test_a_group_file_that_is_no_toml(box):
    out = build(box, code=52, CNB_GROUP_PATH="/cnb/group_tomls/wrong_group.toml", **PLAN)
    assert "failed to read group file: toml: line 1" in out


def test_a_group_with_an_api_that_is_none(box):
    out = build(box, code=12, CNB_GROUP_PATH="/cnb/group_tomls/invalid_buildpack_api_group.toml", **PLAN)
    assert "parse buildpack API '" in out and "' for buildpack 'hello_world@0.0.1'" in out


def test_a_plan_file_has_to_be_there(box):
    out = build(box, code=52, **GROUP)
    assert "failed to read plan file: open /layers/plan.toml: no such file or directory" in out.lower()


def test_an_empty_plan_will_do(box):
    build(box, CNB_PLAN_PATH="/cnb/plan_tomls/empty_plan.toml", **GROUP)
    assert metadata(box)["buildpacks"][0]["id"] == "hello_world"


def test_a_plan_file_that_is_no_toml(box):
    out = build(box, code=52, CNB_PLAN_PATH="/cnb/plan_tomls/wrong_plan.toml", **GROUP)
    assert "failed to read plan file: toml: line 1" in out


@pytest.mark.parametrize("env", [
    {"CNB_PLAN_PATH": "/cnb/plan_tomls/always_detect_plan_buildpack_2.toml"},
    {"CNB_GROUP_PATH": "/cnb/group_tomls/always_detect_group_buildpack2.toml"}])
def test_files_stand_in_the_layers_folder_unless_told(box, env):
    layers = "/layers/different_layer_dir_from_env"
    build(box, CNB_LAYERS_DIR=layers, **env)
    item = metadata(box, layers)["buildpacks"][0]
    assert (item["api"], item["id"], item["version"]) == ("0.10", "hello_world_2", "0.0.2")


@pytest.mark.parametrize("name, value, text", [
    ("CNB_APP_DIR", "/env_folders/different_cnb_app_dir_from_env", "CNB_APP_DIR: {}"),
    ("CNB_BUILDPACKS_DIR", "/env_folders/different_buildpack_dir_from_env", "CNB_BUILDPACK_DIR: {}"),
    ("CNB_LAYERS_DIR", "/layers/different_layer_dir_from_env", "LAYERS_DIR: {}/hello_world"),
    ("CNB_PLATFORM_DIR", "/env_folders/different_platform_dir_from_env", "PLATFORM_DIR: {}")])
def test_folders_reach_the_buildpack(box, name, value, text):
    assert text.format(value) in build(box, **GROUP, **PLAN, **{name: value})


def test_a_buildpack_gets_its_part_of_the_plan(box):
    out = build(box, CNB_PLAN_PATH="/cnb/plan_tomls/different_plan_from_env.toml", **GROUP)
    assert 'name = "different_plan_from_env.toml_reqires_subset_content"' in out


def test_the_target_is_told(box):
    out = build(box, CNB_LAYERS_DIR="/layers/03_layer", CNB_PLAN_PATH="/cnb/plan_tomls/always_detect_plan_buildpack_3.toml")
    for line in ("CNB_TARGET_ARCH: amd64", "CNB_TARGET_ARCH_VARIANT: some-variant", "CNB_TARGET_OS: linux",
                 "CNB_TARGET_DISTRO_NAME: ubuntu", "CNB_TARGET_DISTRO_VERSION: some-cute-version"):
        assert line in out
