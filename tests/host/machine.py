"""A stock Debian 12 machine: 6.1, systemd, cgroup v2, AppArmor, in QEMU.

The kernel runs in software emulation, since that works where there is no
KVM; user code is some 20 times slower than outside, so all is built outside
and only run inside. There is no network: the base images and what is pushed
lie in the image. inside.sh is what the machine does; it says what came of it
on the serial console, in lines "@@ ok NAME" and "@@ not ok NAME: why".

The root without paas is cached in /var/cache/paas/host, by its recipe.
"""

import ctypes
import hashlib
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path("/var/cache/paas/host")
SUITE = "bookworm"
KEEP_DAYS = 30
BOOT_SECONDS = 3600  # guard of one boot, whatever it does
MEMORY_MB = 2048
IMAGE_GB = 8  # sparse
PR_SET_PDEATHSIG = 1

# What a server has beside what paas needs ([host] of packages.txt).
STOCK = """apparmor dbus e2fsprogs iproute2 kmod linux-image-amd64 login passwd procps
    systemd-sysv systemd-timesyncd udev util-linux""".split()


def die_with_runner():
    """In the child: SIGKILL when the test runner is gone."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def say(text):
    print(text, file=sys.stderr, flush=True)


def section(name):
    """The packages of a section of packages.txt."""
    text = (ROOT / "runtime/super/packages.txt").read_text()
    body = re.search(rf"^\[{name}\]\n(.*?)(?=^\[|\Z)", text, re.M | re.S).group(1)
    return [line for line in body.split() if line]


def base_tar():
    """The root of Debian with all packages, made once for each recipe."""
    packages = sorted(set(STOCK + section("host")))
    recipe = hashlib.sha256(" ".join([SUITE, *packages]).encode()).hexdigest()[:12]
    tar = CACHE / f"{SUITE}-{recipe}.tar"
    CACHE.mkdir(parents=True, exist_ok=True)
    for old in CACHE.glob("*.tar*"):
        if old != tar and old.stat().st_mtime < time.time() - KEEP_DAYS * 86400:
            old.unlink()
    if not tar.exists():
        say("Making the Debian root (some minutes, once)")
        part = tar.with_suffix(".part")
        subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=minbase", "--include=" + ",".join(packages),
             "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
             "--dpkgopt=path-exclude=/usr/share/locale/*",
             "--format=tar", SUITE, part], check=True, stdin=subprocess.DEVNULL)
        part.rename(tar)
    return tar


def small_build():
    """A build image without compilers, which the machine would import for minutes."""
    packages = "bash,ca-certificates,jq"  # what the buildpack of scripts uses
    setup = ROOT / "runtime/super/setup.sh"
    recipe = hashlib.sha256(setup.read_bytes() + packages.encode()).hexdigest()[:12]
    tar = CACHE / f"build-{recipe}.tar"
    if not tar.exists():
        say("Making a small build image (a minute, once)")
        subprocess.run([setup, "stack", "build", packages, tar], check=True, stdin=subprocess.DEVNULL)
    return tar


class Machine:
    """One image, booted as often as asked."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.image = self.folder / "vm.img"
        self.kernel = self.initrd = None
        self.log = self.folder / "console.log"

    def make(self):
        root = self.folder / "root"
        root.mkdir()
        subprocess.run(["tar", "-C", root, "-xpf", base_tar()], check=True)
        self.kernel = self.keep(root, "boot/vmlinuz-*")
        self.initrd = self.keep(root, "boot/initrd.img-*")
        self.install(root)
        self.fill(root)
        say("Making the disk image")
        with open(self.image, "wb") as f:
            f.truncate(IMAGE_GB << 30)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-d", root, self.image], check=True)
        shutil.rmtree(root)
        return self

    def keep(self, root, pattern):
        found = next(root.glob(pattern))
        return pathlib.Path(shutil.copy(found, self.folder))

    @staticmethod
    def install(root):
        """paas as `make install` puts it there; `paas setup` runs inside."""
        subprocess.run(["make", "-s", "-C", ROOT, "install", f"DESTDIR={root}"],
                       check=True, stdout=subprocess.DEVNULL)
        setup = ROOT / "runtime/super/setup.sh"
        done = subprocess.run([setup, "stack-files"], check=True, capture_output=True, text=True)
        run, build = (pathlib.Path(line) for line in done.stdout.split())
        cache = root / run.parent.relative_to("/")
        cache.mkdir(parents=True)
        shutil.copy(run, cache / run.name)
        shutil.copy(small_build(), cache / build.name)

    @staticmethod
    def fill(root):
        """The test itself: samples, what runs them, when it runs."""
        test = root / "root/host"
        shutil.copytree(ROOT / "tests/samples", test / "samples")
        shutil.copy(ROOT / "build/abuse", test / "samples/script")
        for script in HERE.glob("*.sh"):
            shutil.copy(script, test)
        if (HERE / "inside.d").is_dir():
            shutil.copytree(HERE / "inside.d", test / "inside.d")
        (root / "etc/fstab").write_text("/dev/vda / ext4 defaults 0 1\n")
        (root / "etc/hostname").write_text("stock\n")
        (root / "etc/hosts").write_text("127.0.0.1 localhost stock\n::1 localhost\n")
        units = root / "etc/systemd/system"
        # Everything takes its time here, so no limit may pass for a failure.
        (root / "etc/paas").mkdir()
        (root / "etc/paas/paas.conf").write_text("boot_seconds = 900\nbuild_seconds = 3600\n")
        (units / "paas.service.d").mkdir()
        (units / "paas.service.d/slow.conf").write_text(
            "[Service]\nTimeoutStartSec=900\nTimeoutStopSec=900\n")
        (units / "host-test.service").write_text(
            "[Unit]\nDescription=the test\nAfter=multi-user.target\n"
            "[Service]\nType=oneshot\nExecStart=/root/host/inside.sh\n"
            "StandardOutput=tty\nStandardError=tty\nTTYPath=/dev/ttyS0\n"
            "TimeoutStartSec=infinity\n"
            "[Install]\nWantedBy=multi-user.target\n")
        wants = units / "multi-user.target.wants"
        wants.mkdir(exist_ok=True)
        (wants / "host-test.service").symlink_to("../host-test.service")
        for noise in ("serial-getty@ttyS0.service", "getty@tty1.service",
                      "systemd-networkd-wait-online.service", "apt-daily.timer",
                      "apt-daily-upgrade.timer", "e2scrub_all.timer"):
            (units / noise).symlink_to("/dev/null")

    def boot(self):
        """Boot until it powers off: the results, {name: None or why not}."""
        qemu = subprocess.Popen(
            ["qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max",
             "-smp", "2", "-m", str(MEMORY_MB), "-nographic", "-no-reboot", "-nic", "none",
             "-kernel", self.kernel, "-initrd", self.initrd,
             "-append", "console=ttyS0 root=/dev/vda rw panic=-1 quiet apparmor=1 security=apparmor",
             "-drive", f"file={self.image},if=virtio,format=raw,cache=unsafe"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=die_with_runner)
        try:
            return self.listen(qemu)
        finally:
            qemu.kill()
            qemu.wait()

    def listen(self, qemu):
        results, data, end = {}, b"", time.monotonic() + BOOT_SECONDS
        fd = qemu.stdout.fileno()
        with open(self.log, "ab") as log:
            while True:
                left = end - time.monotonic()
                if left <= 0 or not select.select([fd], [], [], left)[0]:
                    results["the machine powers off"] = f"not within {BOOT_SECONDS} s"
                    return results
                chunk = os.read(fd, 65536)
                if not chunk:
                    return results
                log.write(chunk)
                log.flush()
                data += chunk
                *lines, data = data.split(b"\n")
                for line in lines:
                    self.note(line.decode(errors="replace"), results)

    @staticmethod
    def note(line, results):
        found = re.search(r"@@ (ok|not ok|--) (.*?)\s*$", line)
        if not found:
            return
        say(f"  {found[1]} {found[2]}")
        name, _, why = found[2].partition(": ")
        if found[1] != "--":
            results[name] = None if found[1] == "ok" else why or "it failed"
