"""What the specification says of the lifecycle and no public case asks.

Orders, plans, targets and environments, with buildpacks of a few lines made
here; flags and exit codes of all programs; a rebase.
"""

import json
import shutil

import pytest

from cnb_world import PHASES, Box
from test_cnb_images import LAYOUT, WARN, Image, create, layout_box

API = "0.15"


@pytest.fixture
def box(tmp_path):
    return Box(tmp_path / "root").give("layers", "workspace")


def buildpack(box, name, detect="exit 0", build="", about="", api="0.10", kind="buildpack"):
    """DIR/NAME/1 with its two programs; about is more of buildpack.toml."""
    folder = box.root / f"cnb/{kind}s/{name.replace('/', '_')}/1"
    (folder / "bin").mkdir(parents=True)
    (folder / f"{kind}.toml").write_text(f'api = "{api}"\n[{kind}]\nid = "{name}"\nversion = "1"\n{about}\n')
    for program, text in (("detect", detect), ("build", build)):
        (folder / "bin" / program).write_text("#!/bin/bash\nset -e\n" + text)
        (folder / "bin" / program).chmod(0o755)


def order(box, *groups):
    """Groups of names; a '?' behind one: optional."""
    text = ""
    for group in groups:
        text += "[[order]]\n"
        for name in group.split():
            text += (f'[[order.group]]\nid = "{name.rstrip("?")}"\nversion = "1"\n'
                     f'optional = {str(name.endswith("?")).lower()}\n')
    (box.root / "cnb/order.toml").write_text(text)


def composite(*groups):
    text = ""
    for group in groups:
        text += "[[order]]\n" + "".join(f'[[order.group]]\nid = "{n.rstrip("?")}"\nversion = "1"\noptional = '
                                        f'{str(n.endswith("?")).lower()}\n' for n in group.split())
    return text


def detect(box, code=0, api=API, *args, **env):
    out = box.phase("detector", *args, api=api, **env)
    assert out.returncode == code, out.stdout
    return [g["id"] for g in box.toml("/layers/group.toml")["group"]] if code == 0 else out.stdout


# --- orders ------------------------------------------------------------------

PASS, FAIL, BREAK = "exit 0", "exit 100", "echo oops; exit 7"


@pytest.mark.parametrize("groups, found", [
    (["no", "yes"], ["yes"]),
    (["yes no", "yes"], ["yes"]),
    (["no? yes"], ["yes"]),
    (["yes broken?"], ["yes"]),
    (["broken yes", "yes"], ["yes"]),
    (["yes yes"], ["yes"]),
    (["all"], ["yes", "other"]),
    (["all?", "yes"], ["yes", "other"]),
    (["none? yes"], ["yes"]),
    (["none", "yes"], ["yes"]),
    (["outer"], ["yes", "other", "last"]),
    (["choice last"], ["other", "last"])])
def test_the_first_group_that_agrees_builds(box, groups, found):
    for name, text in (("yes", PASS), ("other", PASS), ("last", PASS), ("no", FAIL), ("broken", BREAK)):
        buildpack(box, name, text)
    buildpack(box, "all", about=composite("no", "yes other"))
    buildpack(box, "none", about=composite("no", "no yes"))
    buildpack(box, "outer", about=composite("none", "all last"))
    buildpack(box, "choice", about=composite("no yes", "other"))
    order(box, *groups)
    assert detect(box) == found


def test_nobody_or_nobody_and_one_broken(box):
    buildpack(box, "no", FAIL)
    buildpack(box, "broken", BREAK)
    order(box, "no")
    assert "no buildpacks participating" in detect(box, 20)
    order(box, "no", "broken")
    out = detect(box, 21)
    assert "buildpack(s) failed with err" in out and "oops" in out and "err:  broken@1 (7)" in out
    order(box, "no?")
    assert "fail: no viable buildpacks in group" in detect(box, 20)


def test_orders_that_loop_or_name_nobody(box):
    buildpack(box, "a", about=composite("b"))
    buildpack(box, "b", about=composite("a"))
    order(box, "a")
    assert "the order loops" in detect(box, 22)
    order(box, "nosuch")
    assert "there is no buildpack nosuch@1" in detect(box, 22)
    (box.root / "cnb/order.toml").write_text("[[order\n")
    assert "failed to read order file: toml: line 1" in detect(box, 22)
    order(box, " ".join("a" for _ in range(33)))
    assert "the limit is 32" in detect(box, 22)


def test_a_plan_is_met_by_trying_options(box):
    buildpack(box, "provider", 'printf "[[provides]]\\nname = \\"x\\"\\n[[or]]\\n[[or.provides]]\\nname = \\"y\\"\\n" >$2')
    buildpack(box, "wants", 'printf "[[requires]]\\nname = \\"y\\"\\n[requires.metadata]\\nv = 1\\n" >$2')
    buildpack(box, "lonely", 'printf "[[requires]]\\nname = \\"z\\"\\n" >$2')
    order(box, "lonely? provider wants")
    assert detect(box) == ["provider", "wants"]
    assert box.toml("/layers/plan.toml")["entries"] == [
        {"providers": [{"id": "provider", "version": "1"}], "requires": [{"name": "y", "metadata": {"v": 1}}]}]
    order(box, "wants provider")
    detect(box, 20)


@pytest.mark.parametrize("about, env, api, fits", [
    ('[[targets]]\nos = "windows"', {}, API, False),
    ('[[targets]]\nos = "linux"\narch = "s390x"\n[[targets]]\nos = "linux"', {}, API, True),
    ('[[targets]]\n[[targets.distros]]\nname = "debian"', {}, API, False),
    ('[[targets]]\n[[targets.distros]]\nname = "ubuntu"\nversion = "18.04"', {}, API, True),
    ('[[targets]]\nos = "windows"', {}, "0.11", True),
    ('[[stacks]]\nid = "*"', {}, API, True),
    ('exec-env = ["test"]', {}, API, False),
    ('exec-env = ["test"]', {"CNB_EXEC_ENV": "test"}, API, True),
    ('exec-env = ["*"]', {}, API, True),
    ('exec-env = ["test"]', {}, "0.14", True)])
def test_targets_and_environments(box, about, env, api, fits):
    buildpack(box, "bp", about=about, api="0.12")
    buildpack(box, "plain")
    order(box, "bp", "plain")
    assert detect(box, api=api, **env) == (["bp"] if fits else ["plain"])


# --- build -------------------------------------------------------------------

def build(box, code=0, api=API, **env):
    detect(box, api=api, **env)
    out = box.phase("builder", api=api, **env)
    assert out.returncode == code, out.stdout
    return out.stdout


def test_the_environment_of_a_build_has_its_order(box):
    buildpack(box, "first", build="""
mkdir -p $1/a/bin $1/a/env $1/a/env.build $1/a/env.launch $1/b/env
printf '[types]\\nbuild = true\\n' >$1/a.toml; printf '[types]\\nlaunch = true\\n' >$1/b.toml
printf layer >$1/a/env/OVER; printf layer >$1/a/env/DEF.default
printf one >$1/a/env/LIST.append; printf ';' >$1/a/env/LIST.delim
printf two >$1/a/env.build/LIST.append; printf no >$1/a/env.launch/LAUNCH; printf no >$1/b/env/OTHER
printf x >$1/a/env/ODD.unknown
""")
    buildpack(box, "second", build='echo "[$OVER $DEF $LIST $USERS $OPS ${LAUNCH-} ${OTHER-} ${ODD-} ${SECRET-}]"\n'
                                   'case $PATH in /platform-bin:*/layers/first/a/bin:*) echo path;; esac\nfalse')
    buildpack(box, "clear", about="clear-env = true", build="")
    for name, text in (("USERS", "user\n"), ("DEF", "user"), ("PATH", "/platform-bin")):
        (box.root / "platform/env").mkdir(exist_ok=True)
        (box.root / "platform/env" / name).write_text(text)
    (box.root / "cnb/build-config/env").mkdir(parents=True)
    (box.root / "cnb/build-config/env/OPS").write_text("ops")
    (box.root / "cnb/build-config/env/OVER").write_text("default only")
    order(box, "first clear second")
    out = build(box, 51, SECRET="host")
    assert "[layer user onetwo user\n ops    ]" in out and "path" in out
    assert "buildpack second failed with exit status 1" in out


def test_layers_without_a_type_are_out_of_the_way(box):
    buildpack(box, "bp", build="mkdir $1/gone $1/kept; touch $1/gone.toml; printf '[types]\\ncache = true\\n' >$1/kept.toml")
    order(box, "bp")
    build(box)
    assert sorted(p.name for p in (box.root / "layers/bp").iterdir() if p.is_dir()) == ["gone.ignore", "kept"]


@pytest.mark.parametrize("text, why", [
    ("[[processes]]\ntype = 'web'\ncommand = 'x'\n", "the command is no list of words"),
    ("[[processes]]\ntype = 'web'\ncommand = ['x']\ndirect = true\n", "direct is not supported"),
    ("[[processes]]\ncommand = ['x']\n", "a process has no type"),
    ("[[processes]]\ntype = 'a'\ncommand = ['x']\ndefault = true\n" * 2, "multiple default process types"),
    ("[[processes\n", "launch.toml: line 1")])
def test_a_launch_toml_that_breaks_the_rules(box, text, why):
    buildpack(box, "bp", build=f'cat >$1/launch.toml <<"EOF"\n{text}EOF\n')
    order(box, "bp")
    assert why in build(box, 52)


def test_an_sbom_has_to_be_declared(box):
    buildpack(box, "bp", build="echo {} >$1/launch.sbom.cdx.json")
    order(box, "bp")
    assert "undeclared SBOM media type: 'application/vnd.cyclonedx+json'" in build(box, 52)


def test_unmet_goes_on_to_the_next(box):
    plan = 'printf "[[provides]]\\nname = \\"x\\"\\n" >$2'
    buildpack(box, "one", plan, build='printf "[[unmet]]\\nname = \\"x\\"\\n" >$1/build.toml')
    buildpack(box, "two", plan, build="grep 'name = \"x\"' $3")
    buildpack(box, "wants", 'printf "[[requires]]\\nname = \\"x\\"\\n" >$2')
    order(box, "one two wants")
    assert 'name = "x"' in build(box)


# --- all programs ------------------------------------------------------------

@pytest.mark.parametrize("program", PHASES)
def test_flags_and_versions_of_each_program(box, program):
    for flag in ("-h", "-help", "--help"):
        out = box.phase(program, flag)
        assert out.returncode == 0 and f"Usage: {program}" in out.stdout and "-log-level" in out.stdout
    assert box.phase(program, "-version").returncode == 0
    out = box.phase(program, "-nosuch")
    assert out.returncode == 3 and "flag provided but not defined: -nosuch" in out.stdout
    out = box.phase(program, "-log-level")
    assert out.returncode == 3 and "flag needs an argument: -log-level" in out.stdout
    out = box.phase(program, "-log-level=loud", "image")
    assert out.returncode == 3 and "parse log level" in out.stdout
    for api in ("0.6", "0.16", "1.0", "x", "0.012", ""):
        out = box.phase(program, "-help", api=api or None)
        assert out.returncode == 11 and "platform API" in out.stdout, (api, out.stdout)


def test_flags_come_and_go_with_the_api(box):
    for program, flag, before, since in (("detector", "-system", "0.14", "0.15"), ("builder", "-analyzed", "0.11", "0.12"),
                                         ("analyzer", "-layout", "0.11", "0.12"), ("rebaser", "-force", "0.11", "0.12")):
        assert f"  {flag} " not in box.phase(program, "-help", api=before).stdout
        assert f"  {flag} " in box.phase(program, "-help", api=since).stdout


# --- rebase ------------------------------------------------------------------

def test_an_image_is_rebased(tmp_path):
    box = layout_box(tmp_path, "creator")
    create(box)
    before = Image(box, "my-app")
    newer = box.root / "layout-repo/index.docker.io/library/newer/latest"
    shutil.copytree(before.folder.parents[1] / "busybox/latest", newer)
    shutil.rmtree(box.root / "layers")
    box.give("layers")
    create(box, name="base-app")  # an image with more layers, as a run image
    box.give("layers", "layout-repo")
    out = box.phase("rebaser", *LAYOUT, "-run-image", "base-app", "-report", "/layers/r.toml", "my-app", **WARN)
    assert out.returncode == 0, out.stdout
    after, base = Image(box, "my-app"), Image(box, "base-app")
    ids = base.config["rootfs"]["diff_ids"]
    assert after.config["rootfs"]["diff_ids"] == ids + before.config["rootfs"]["diff_ids"][1:]
    label = after.label("io.buildpacks.lifecycle.metadata")
    assert label["runImage"]["topLayer"] == ids[-1]
    assert box.toml("/layers/r.toml")["image"]["digest"] == after.descriptor["digest"]
    out = box.phase("rebaser", *LAYOUT, "-run-image", "busybox", "newer", **WARN)
    assert out.returncode == 72 and "has no label io.buildpacks.lifecycle.metadata" in out.stdout
    out = box.phase("rebaser", *LAYOUT, "-run-image", "nosuch", "my-app", **WARN)
    assert out.returncode == 72 and "run image nosuch does not exist" in out.stdout


def test_a_broken_layout_is_told(tmp_path):
    box = layout_box(tmp_path, "creator")
    folder = box.root / "layout-repo/index.docker.io/library/busybox/latest"
    index = json.loads((folder / "index.json").read_text())
    blob = folder / "blobs" / index["manifests"][0]["digest"].replace(":", "/")
    blob.write_bytes(blob.read_bytes() + b" ")
    out = box.phase("analyzer", *LAYOUT, "-run-image", "busybox", "my-app", **WARN)
    assert out.returncode == 32 and "has another digest" in out.stdout
    for name in ("../../etc/x", "a/../b", "x:", "a b", ""):
        out = box.phase("analyzer", *LAYOUT, "-run-image", "busybox", name, **WARN)
        assert out.returncode == 32 and "could not parse reference" in out.stdout, name


