"""The public acceptance cases of the lifecycle's detector, on ours.

Left out: nothing that applies. Texts are compared without regard to case;
what Go's TOML parser says is its own.
"""

import pytest

from cnb_world import Box, acceptance

APIS = ("0.12", "0.13", "0.14", "0.15")


@pytest.fixture
def box(tmp_path):
    return Box(tmp_path / "root").fill(acceptance("detector", "container")).give("layers")


def says(out, *texts):
    for text in texts:
        assert text.lower() in out.stdout.lower(), out.stdout


@pytest.mark.parametrize("api", APIS)
def test_arguments_are_refused(box, api):
    out = box.phase("detector", "some-arg", api=api)
    assert out.returncode == 3
    says(out, "failed to parse arguments: received unexpected arguments")


@pytest.mark.parametrize("api", APIS)
def test_root_is_refused(box, api):
    out = box.phase("detector", api=api, user="0:0")
    assert out.returncode == 1
    says(out, "failed to detect: refusing to run as root")


@pytest.mark.parametrize("api", APIS)
def test_an_order_has_to_be_there(box, api):
    out = box.phase("detector", api=api)
    assert out.returncode != 0
    says(out, "failed to initialize detector: reading order")
    out = box.phase("detector", "-order=/custom/order.toml", api=api)
    says(out, "failed to initialize detector: reading order: failed to read order file: open "
              "/custom/order.toml: no such file or directory")


@pytest.mark.parametrize("api", APIS)
def test_no_group_passes(box, api):
    out = box.phase("detector", api=api, CNB_ORDER_PATH="/cnb/orders/fail_detect_order.toml")
    assert out.returncode == 20, out.stdout
    says(out, "======== Output: fail_detect_buildpack@some_version ========\n"
              "Opted out of detection\n"
              "======== Results ========\n"
              "fail: fail_detect_buildpack@some_version",
         "No buildpack groups passed detection.")


@pytest.mark.parametrize("api", APIS)
def test_a_group_passes(box, api):
    out = box.phase("detector", api=api, CNB_ORDER_PATH="/cnb/orders/simple_order.toml")
    assert out.returncode == 0, out.stdout
    group, plan = box.toml("/layers/group.toml"), box.toml("/layers/plan.toml")
    assert [(g["id"], g["version"]) for g in group["group"]] == [("simple_buildpack", "simple_buildpack_version")]
    [entry] = plan["entries"]
    assert entry["providers"] == [{"id": "simple_buildpack", "version": "simple_buildpack_version"}]
    [require] = entry["requires"]
    assert require["name"] == "some_requirement"
    assert require["metadata"] == {"some_metadata_key": "some_metadata_val", "version": "some_version"}
    says(out, "simple_buildpack simple_buildpack_version")
    assert "======== Results" not in out.stdout


@pytest.mark.parametrize("api", APIS)
def test_variables_name_folders_and_files(box, api):
    out = box.phase("detector", "-log-level=debug", api=api, CNB_ORDER_PATH="/cnb/orders/always_detect_order.toml",
                    CNB_BUILDPACKS_DIR="/cnb/custom_buildpacks", CNB_APP_DIR="/custom_workspace",
                    CNB_GROUP_PATH="./custom_group.toml", CNB_PLAN_PATH="./custom_plan.toml",
                    CNB_PLATFORM_DIR="/custom_platform")
    assert out.returncode == 0, out.stdout
    [group] = box.toml("/layers/custom_group.toml")["group"]
    assert (group["id"], group["version"]) == ("always_detect_buildpack", "always_detect_buildpack_version")
    assert (box.root / "layers/custom_plan.toml").read_bytes() == b""
    says(out, "platform_path: /custom_platform", "app_dir: /custom_workspace")


@pytest.mark.parametrize("api", APIS)
def test_a_flag_names_the_order(box, api):
    out = box.phase("detector", "-log-level=debug", "-order=/cnb/orders/simple_order.toml", api=api)
    assert out.returncode == 0, out.stdout
    assert box.toml("/layers/group.toml")["group"][0]["id"] == "simple_buildpack"


@pytest.mark.parametrize("api", APIS)
def test_a_buildpack_api_that_nobody_speaks(box, api):
    out = box.phase("detector", "-order=/cnb/orders/bad_api.toml", api=api)
    assert out.returncode == 12
    says(out, "buildpack API version '0.1' is incompatible with the lifecycle")


def test_system_buildpacks_stand_around_each_group(box):
    out = box.phase("detector", "-log-level=debug", api="0.15", CNB_ORDER_PATH="/cnb/orders/middle_order.toml",
                    CNB_SYSTEM_PATH="/cnb/test-data/system.toml")
    assert out.returncode == 0, out.stdout
    assert [(g["id"], g["version"]) for g in box.toml("/layers/group.toml")["group"]] == [
        ("always_detect_buildpack", "always_detect_buildpack_version"),
        ("buildpack_for_ext", "buildpack_for_ext_version"), ("simple_buildpack", "simple_buildpack_version")]
    says(out, "Prepending 1 system buildpack(s) to group", "Appending 1 system buildpack(s) to group")


@pytest.mark.parametrize("api", APIS)
def test_image_extensions_are_refused(box, api):
    """Not the acceptance case, which runs them: they are applied by an extender."""
    out = box.phase("detector", "-order=/cnb/orders/order_with_ext.toml", api=api)
    assert out.returncode == 22
    says(out, "image extensions are not supported; remove [[order-extensions]]")
    assert not (box.root / "layers/group.toml").exists()
