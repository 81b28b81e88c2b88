"""What the parts of the bench share: memory, wake-ups, quantiles."""

import pathlib
import re


def pss_kb(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", text, re.M).group(1))


def switches(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return sum(int(n) for n in re.findall(r"ctxt_switches:\s+(\d+)", text))


def used_kb():
    """Memory of the whole machine that is not available to others."""
    text = pathlib.Path("/proc/meminfo").read_text()
    total, free = (int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M).group(1))
                   for name in ("MemTotal", "MemAvailable"))
    return total - free


def quantiles(values):
    """median, p90, p99 and the largest, as one line of milliseconds."""
    v = sorted(values)
    at = [v[min(len(v) - 1, int(len(v) * q))] for q in (0.5, 0.9, 0.99)] + [v[-1]]
    return "  ".join(f"{name} {ms:.1f}" for name, ms in zip(("p50", "p90", "p99", "max"), at))
