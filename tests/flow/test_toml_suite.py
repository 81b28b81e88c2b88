"""The public toml-test suite, on our reader and writer.

The suite's data comes through go's own client. Everything of TOML 1.0 is
asked of the reader; the writer is asked to write again what its callers have:
all but dates, infinities and NaN, which no file of the lifecycle has.
"""

import datetime
import json
import math
import subprocess
import tomllib

import pytest

from cnb_world import TOML_TEST, module
from platform_run import ROOT

TOOL = ROOT / "build/tools/toml"


def run(how, data):
    return subprocess.run([TOOL, how], input=data, capture_output=True)


@pytest.fixture(scope="module")
def cases():
    subprocess.run(["make", "-s", "-C", ROOT, "build/tools/toml"], check=True, capture_output=True)
    folder = module(TOML_TEST) / "tests"
    names = (folder / "files-toml-1.0.0").read_text().split()
    files = [folder / n for n in names if n.endswith(".toml")]
    valid = [f for f in files if f.relative_to(folder).parts[0] == "valid"]
    assert len(valid) > 150 and len(files) - len(valid) > 300
    return valid, [f for f in files if f not in set(valid)]


def meaning(node):
    """A tagged value as Python has it, so that 1e3 equals 1000.0."""
    if isinstance(node, list):
        return [meaning(n) for n in node]
    if set(node) != {"type", "value"} or not isinstance(node["type"], str):
        return {k: meaning(v) for k, v in node.items()}
    kind, value = node["type"], node["value"]
    if kind == "float":
        number = float(value)
        return (kind, "nan" if math.isnan(number) else number)
    if kind == "datetime" or kind == "datetime-local":
        value = value.upper().replace(" ", "T")
        return (kind, datetime.datetime.fromisoformat(value.replace("Z", "+00:00")))
    if kind == "time-local":
        return (kind, datetime.time.fromisoformat(value))
    return (kind, int(value) if kind == "integer" else value)


def test_valid_documents_are_read_as_meant(cases):
    wrong = []
    for file in cases[0]:
        out = run("decode", file.read_bytes())
        want = json.loads(file.with_suffix(".json").read_text())
        if out.returncode != 0:
            wrong.append(f"{file.name}: {out.stderr.decode()}")
        elif meaning(json.loads(out.stdout)) != meaning(want):
            wrong.append(f"{file.name}: {out.stdout.decode()[:200]}")
    print(f"toml-test valid: {len(cases[0]) - len(wrong)} passed, {len(wrong)} failed")
    assert wrong == []


def test_invalid_documents_are_refused_with_their_line(cases):
    wrong = []
    for file in cases[1]:
        out = run("decode", file.read_bytes())
        if out.returncode != 1 or not out.stderr.startswith(b"line "):
            wrong.append(f"{file.parent.name}/{file.name}: {out.stdout.decode()[:100]} {out.stderr.decode()}")
    print(f"toml-test invalid: {len(cases[1]) - len(wrong)} passed, {len(wrong)} failed")
    assert wrong == []


def writable(value):
    if isinstance(value, dict):
        return all(map(writable, value.values()))
    if isinstance(value, list):
        return all(map(writable, value))
    return not isinstance(value, (datetime.date, datetime.time)) and (
        not isinstance(value, float) or math.isfinite(value))


def test_what_is_written_reads_the_same(cases):
    wrong, asked = [], 0
    for file in cases[0]:
        want = tomllib.loads(file.read_bytes().decode())
        if not writable(want):
            continue
        asked += 1
        out = run("rewrite", file.read_bytes())
        try:
            assert tomllib.loads(out.stdout.decode()) == want
        except (AssertionError, ValueError) as e:
            wrong.append(f"{file.name}: {e!r} {out.stdout.decode()[:200]}")
    print(f"toml-test rewritten: {asked - len(wrong)} passed, {len(wrong)} failed")
    assert wrong == []
