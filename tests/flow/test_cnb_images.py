"""The public acceptance cases of analyzer, restorer, exporter and creator
that work on OCI layouts, on ours; and the reference lifecycle beside ours.

Left out, since there is neither a registry nor a daemon in a build container:
every case of these programs with a registry, -daemon, -cache-image or an
extended (kaniko) image. The creator's case with image extensions is refused.
"""

import gzip
import hashlib
import io
import json
import re
import subprocess
import tarfile
import tomllib

import pytest

from cnb_world import Box, acceptance, reference

APIS = ("0.12", "0.13", "0.14", "0.15")
WARN = {"CNB_EXPERIMENTAL_MODE": "warn"}
NOT_ENABLED = "experimental features are disabled by CNB_EXPERIMENTAL_MODE=error"
LAYOUT = ("-layout", "-layout-dir", "/layout-repo")
BUSYBOX = "/layout-repo/index.docker.io/library/busybox/latest"


class Image:
    """An image in an OCI layout, whose digests are checked on the way."""

    def __init__(self, box, name, repo="layout-repo"):
        self.folder = box.root / repo / "index.docker.io/library" / name / "latest"
        assert json.loads((self.folder / "oci-layout").read_text())["imageLayoutVersion"] == "1.0.0"
        [self.descriptor] = json.loads((self.folder / "index.json").read_text())["manifests"]
        self.manifest = self.json(self.descriptor)
        self.config = self.json(self.manifest["config"])
        assert len(self.manifest["layers"]) == len(self.config["rootfs"]["diff_ids"])

    def blob(self, descriptor):
        data = (self.folder / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()
        assert len(data) == descriptor["size"]
        assert "sha256:" + hashlib.sha256(data).hexdigest() == descriptor["digest"]
        return data

    def json(self, descriptor):
        return json.loads(self.blob(descriptor))

    def label(self, name):
        return json.loads(self.config["config"]["Labels"][name])

    def tar(self, i):
        data = gzip.decompress(self.blob(self.manifest["layers"][i]))
        assert "sha256:" + hashlib.sha256(data).hexdigest() == self.config["rootfs"]["diff_ids"][i]
        return tarfile.open(fileobj=io.BytesIO(data))

    def trees(self):
        """Each layer above the base as rows: what a file is, and its content."""
        trees = []
        for i in range(1, len(self.manifest["layers"])):
            tar, rows = self.tar(i), []
            for m in tar:
                name = m.name.lstrip("/")
                if name.endswith("sbom.legacy.json"):
                    continue  # the reference's, for a form of before Buildpack API 0.5; always "null"
                if m.isfile():
                    content = tar.extractfile(m).read()
                    content = "a launcher" if name.endswith("lifecycle/launcher") else content
                    content = meant(tomllib.loads(content.decode())) if name.endswith("metadata.toml") else content
                else:
                    content = m.linkname
                mode = "any" if m.issym() else f"{m.mode:o}"  # a link's means nothing
                rows.append((name, m.type, mode, m.uid, m.gid, m.uname + m.gname, m.mtime, content))
            trees.append(sorted(rows, key=lambda r: r[0]))
        return trees


def meant(value):
    """Without what says nothing: empty lists, tables and texts; and digests."""
    if isinstance(value, dict):
        return {k: m for k, v in value.items() if (m := meant(v)) not in (None, [], {}, "", False)}
    if isinstance(value, list):
        return [meant(v) for v in value]
    if isinstance(value, str) and value.startswith("{"):
        return meant(json.loads(value))
    return value


def layout_box(tmp_path, which, programs=None, user="1234:1000"):
    box = Box(tmp_path / (which if not programs else "reference"), programs, user)
    return box.fill(acceptance(which, "container")).give("layers", "layout-repo", "workspace", "cache", "my-layout-dir")


# --- analyzer ----------------------------------------------------------------

@pytest.mark.parametrize("api", APIS)
def test_analyzed_toml_is_written(tmp_path, api):
    box = layout_box(tmp_path, "analyzer")
    out = box.phase("analyzer", *LAYOUT, "-run-image", "busybox", "my-app", api=api, **WARN)
    assert out.returncode == 0, out.stdout
    run = box.toml("/layers/analyzed.toml")["run-image"]
    assert run["reference"] == BUSYBOX + "@sha256:f75f3d1a317fc82c793d567de94fc8df2bece37acd5f2bd364a0d91a0d1f3dab"
    assert (run["image"], run["target"]["os"], run["target"]["arch"]) == ("busybox", "linux", "amd64")


@pytest.mark.parametrize("program, args", [
    ("analyzer", ["-run-image", "busybox"]), ("exporter", []), ("creator", ["-run-image", "busybox"])])
def test_layouts_are_an_experiment_that_has_to_be_wanted(tmp_path, program, args):
    box = layout_box(tmp_path, program)
    out = box.phase(program, "-layout", *args, "some-image", CNB_LAYOUT_DIR="/layout-repo")
    assert out.returncode != 0 and NOT_ENABLED in out.stdout


def test_arguments_of_the_analyzer(tmp_path):
    box = layout_box(tmp_path, "analyzer")
    out = box.phase("analyzer", "some-image", "some-other", **WARN)
    assert out.returncode == 3
    assert "failed to parse arguments: received 2 arguments, but expected 1" in out.stdout
    out = box.phase("analyzer", *LAYOUT, "-run-image", "nosuch", "my-app", **WARN)
    assert out.returncode == 32 and "run image nosuch does not exist" in out.stdout
    out = box.phase("analyzer", "-run-image", "busybox", "my-app", **WARN)
    assert out.returncode == 3 and "use -layout" in out.stdout
    out = box.phase("analyzer", *LAYOUT, "-run", "/nosuch", "my-app", **WARN)
    assert out.returncode == 3 and "-run-image is required when there is no run metadata available" in out.stdout


# --- exporter ----------------------------------------------------------------

@pytest.mark.parametrize("api", APIS)
def test_an_app_is_exported(tmp_path, api):
    box = layout_box(tmp_path, "exporter")
    [descriptor] = json.loads((box.root / BUSYBOX[1:] / "index.json").read_text())["manifests"]
    (box.root / "layers/layout-analyzed.toml").write_text(
        f'[run-image]\nreference = "{BUSYBOX}@{descriptor["digest"]}"\n')
    out = box.phase("exporter", "-layout", "-layout-dir", "/my-layout-dir", "-analyzed", "/layers/layout-analyzed.toml",
                    "my-custom-layout-app", api=api, **WARN)
    assert out.returncode == 0, out.stdout
    assert "Saving /my-layout-dir/index.docker.io/library/my-custom-layout-app/latest" in out.stdout
    image = Image(box, "my-custom-layout-app", "my-layout-dir")
    assert box.toml("/layers/report.toml")["image"]["digest"] == image.descriptor["digest"]


def test_what_the_exporter_needs(tmp_path):
    box = layout_box(tmp_path, "exporter")
    args = ("-layout", "-layout-dir", "/my-layout-dir")
    out = box.phase("exporter", *args, "some-app", **WARN)
    assert out.returncode == 62 and "read analyzed file" in out.stdout
    (box.root / "layers/analyzed.toml").write_text("")
    out = box.phase("exporter", *args, "some-app", **WARN)
    assert out.returncode == 62 and "run image not found in analyzed metadata" in out.stdout
    out = box.phase("exporter", *args, "-run-image", "x", "some-app", **WARN)
    assert out.returncode == 3
    out = box.phase("exporter", *args, **WARN)
    assert out.returncode == 3 and "at least one image argument is required" in out.stdout


# --- restorer ----------------------------------------------------------------

@pytest.fixture
def restore_box(tmp_path):
    box = layout_box(tmp_path, "restorer")
    for tar in (box.root / "cache/committed").glob("sha256_*.tar"):
        tar.rename(tar.with_name(tar.name.replace("_", ":", 1)))
    form = box.root / "layers/analyzed.toml.placeholder"
    form.rename(form.with_name("analyzed.toml"))
    return box


def test_arguments_of_the_restorer(restore_box):
    out = restore_box.phase("restorer", "some-arg")
    assert out.returncode == 3 and "failed to parse arguments: received unexpected Args" in out.stdout


@pytest.mark.parametrize("api", ("0.7", "0.9", *APIS))
def test_metadata_of_the_app_is_restored(restore_box, api):
    out = restore_box.phase("restorer", api=api)
    assert out.returncode == 0, out.stdout
    assert "No cached data will be used, no cache specified" in out.stdout
    assert 'Restoring metadata for "some-buildpack-id:launch-layer"' in out.stdout
    folder = restore_box.root / "layers/some-buildpack-id"
    assert tomllib.loads((folder / "launch-layer.toml").read_text()) == {"metadata": {"launch-key": "launch-value"}}
    assert tomllib.loads((folder / "store.toml").read_text())["metadata"] == {
        "metadata-buildpack-store-data": {"store-key": "store-val"}}
    assert sorted(p.name for p in folder.iterdir()) == ["launch-layer.toml", "store.toml"]


def test_the_cache_is_restored_as_far_as_it_is_whole(restore_box):
    layers = restore_box.root / "layers"
    out = restore_box.phase("restorer", "-cache-dir", "/cache")
    assert out.returncode == 0, out.stdout
    assert (layers / "cacher_buildpack/cached-layer/data").read_text() == "cached-data\n"
    for gone in ("cacher_buildpack/uncached-layer", "unused_buildpack", "corrupted_buildpack/corrupted-layer",
                 "corrupted_buildpack/corrupted-layer.toml"):
        assert not (layers / gone).exists(), gone


def test_nothing_is_restored_when_that_is_wanted(restore_box):
    out = restore_box.phase("restorer", "-cache-dir", "/cache", "-skip-layers")
    assert out.returncode == 0
    assert not (restore_box.root / "layers/some-buildpack-id/launch-layer.toml").exists()
    assert not (restore_box.root / "layers/cacher_buildpack/cached-layer/data").exists()


# --- creator, and the reference beside it ------------------------------------

def create(box, *args, api="0.12", name="my-app", code=0):
    out = box.phase("creator", *LAYOUT, "-run-image", "busybox", "-cache-dir", "/cache", *args, name, api=api,
                    CNB_USER_ID="1234", CNB_GROUP_ID="1000", **WARN)
    assert out.returncode == code, out.stdout
    return out.stdout


@pytest.mark.parametrize("api", APIS)
def test_an_app_is_created(tmp_path, api):
    box = layout_box(tmp_path, "creator")
    assert f"Saving {BUSYBOX.replace('busybox', 'some-created-image')}" in create(
        box, "-tag", "other:v2", api=api, name="some-created-image")
    image = Image(box, "some-created-image")
    assert image.label("io.buildpacks.lifecycle.metadata")["buildpacks"][0]["key"] == "samples/hello-world"
    assert (image.folder.parents[1] / "other/v2/index.json").exists()
    # what is not touched is taken from the previous image and the cache
    box.give("layers")
    for path in (box.root / "layers").iterdir():
        subprocess.run(["rm", "-r", path], check=True)
    out = create(box, api=api, name="some-created-image")
    for layer in ("some-layer", "some-launch-cache-layer"):
        assert f"Reusing layer 'samples/hello-world:{layer}'" in out
    assert "store.toml restored with content" in out and "some-launch-cache-layer.sbom.cdx.json restored" in out
    assert Image(box, "some-created-image").config == image.config


@pytest.mark.parametrize("api, buildpack_api", [
    ("0.12", "0.7"), ("0.12", "0.10"), ("0.13", "0.8"), ("0.14", "0.9"), ("0.15", "0.11"), ("0.15", "0.12")])
def test_the_reference_makes_the_same_image(tmp_path, api, buildpack_api):
    ours, theirs = layout_box(tmp_path, "creator"), layout_box(tmp_path, "creator", reference())
    words = int(buildpack_api[2:]) >= 9
    for box in (ours, theirs):
        folder = box.root / "cnb/buildpacks/samples_hello-world/0.0.1"
        about = (folder / "buildpack.toml").read_text()
        (folder / "buildpack.toml").write_text(re.sub('(?m)^api = .*', f'api = "{buildpack_api}"', about))
        build = folder / "bin/build"
        build.write_text(build.read_text() + (PROCESSES if words else TEXTS + PROCESSES.split("\nEOF\n", 1)[1]))
        (box.root / "workspace/public").mkdir()
        (box.root / "workspace/public/index.html").write_text("<h1>hello</h1>\n")
        (box.root / "workspace/server.sh").write_text("exit 0\n")
        box.give("workspace", "layers")
        create(box, api=api)
    compare(Image(ours, "my-app"), Image(theirs, "my-app"), f"{api}/{buildpack_api}")


PROCESSES = """
cat >"${layers_dir}/launch.toml" <<EOF
[[processes]]
type = "web"
command = ["bash", "server.sh"]
args = ["--port", "80"]
default = true
working-dir = "/workspace/public"

[[processes]]
type = "job"
command = ["true"]

EOF
cat >>"${layers_dir}/launch.toml" <<EOF
[[labels]]
key = "org.example.mine"
value = "a \\"b\\""

[[slices]]
paths = ["public/*", "nosuch"]
EOF
"""

TEXTS = """
cat >"${layers_dir}/launch.toml" <<EOF
[[processes]]
type = "web"
command = "bash server.sh"
args = ["--port", "80"]
default = true

[[processes]]
type = "job"
command = "true"
direct = true

EOF
"""

# What differs by its nature: digests of tars that other code wrote (of the
# config, the launcher and all layers above), and versions.
BY_NATURE = ("sha", "version", "reference", "topLayer")


def without(value, keys):
    if isinstance(value, dict):
        return {k: without(v, keys) for k, v in value.items() if k not in keys}
    return [without(v, keys) for v in value] if isinstance(value, list) else value


def compare(ours, theirs, api):
    rows = []

    def row(what, a, b):
        rows.append((what, a == b))
        assert a == b, what

    for key in ("architecture", "os", "created"):
        row(key, ours.config[key], theirs.config[key])
    a, b = ours.config["config"], theirs.config["config"]
    row("env", sorted(a["Env"]), sorted(b["Env"]))
    for key in ("Entrypoint", "Cmd", "WorkingDir", "User"):
        row(key, meant(a.get(key)), meant(b.get(key)))
    row("names of labels", sorted(a["Labels"]), sorted(b["Labels"]))
    for key in a["Labels"]:
        row(f"label {key}", *(without(meant(x["Labels"][key]), BY_NATURE) for x in (a, b)))
    row("history", *([h.get("created_by") for h in x.config["history"]] for x in (ours, theirs)))
    row("layers of the base", *(x.config["rootfs"]["diff_ids"][0] for x in (ours, theirs)))
    for i, trees in enumerate(zip(ours.trees(), theirs.trees(), strict=True)):
        row(f"tree of layer {i + 1}: {ours.config['history'][i + 1]['created_by']}", *trees)
    for what, same in rows:
        print(f"api {api}  {'same' if same else 'DIFFERS'}  {what}")
