"""The installed platform in a stock Debian 12 machine, and after its reboot.

One machine is booted twice for all tests; each test reads what came of one
check of inside.sh, or of a script of inside.d.
"""

import os
import pathlib
import re
import shutil
import tempfile

import pytest

from machine import HERE, Machine

# The checks, in the order in which the machine makes them.
CHECKS = re.findall(r'^\s*check "([^"$]+)"', (HERE / "inside.sh").read_text(), re.M)
DAEMONS = ["logd", "jail", "plan", "web", "gitd", "builder", "router"]
CHECKS += [f"{name} is restarted, the app is not" for name in DAEMONS]


@pytest.fixture(scope="session")
def results():
    if os.geteuid() != 0:
        pytest.skip("needs root, as the platform does")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="paas-host-", dir=os.environ.get("PAAS_HOST_DIR")))
    try:
        machine = Machine(folder).make()
        found = machine.boot()
        found.update(machine.boot())
        yield found
    finally:
        if os.environ.get("PAAS_HOST_KEEP") != "1":
            shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("name", CHECKS)
def test_on_a_stock_host(results, name):
    assert name in results, "the machine did not get there"
    assert results[name] is None, results[name]


@pytest.mark.parametrize("area", ["identity", "files", "escapes", "calls", "network"])
def test_abuse_is_contained_there_too(results, area):
    assert results.get(f"abuse of {area} is contained", "not tried") is None


def test_what_other_scripts_of_inside_d_say(results):
    failed = {k: v for k, v in results.items() if k not in CHECKS and v is not None}
    assert not failed
