"""A disk without room and one mounted read-only: real ones, in a mount namespace of the test's own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

# Runs where `disk` is a small file system of its own; prints what the doctor and the store say.
INSIDE = """
import json, os, subprocess, sys
from pathlib import Path
from freqfleet.clock import SystemClock
from freqfleet.doctor.store_files import check_store_files
from freqfleet.doctor.surroundings import check_store
from freqfleet.errors import StoreUnavailable
from freqfleet.settings import StoreSettings, load_settings
from freqfleet.store.sql import SqlStore
from freqfleet.testing.trades import closed_trade

disk, userdir, fault, made = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4] == "made"
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=True)
url = f"sqlite:///{disk / 'learning.sqlite'}"
if made:
    store = SqlStore(url)
    store.record_closed_trades([closed_trade()])
    store.close()
if fault == "read-only":
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
else:
    with (disk / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 4096)
        except OSError:
            pass
settings = load_settings(userdir, store=StoreSettings(url=url))
found = [*check_store(settings, SystemClock()), *check_store_files(settings, SystemClock())]
try:
    SqlStore(url).record_closed_trades([closed_trade(trade_id=2)])
    said = ""
except StoreUnavailable as error:
    said = str(error)
findings = [[one.state, one.text, one.remedy] for one in found]
print(json.dumps({"findings": findings, "said": said}))
"""


@cache
def own_mounts() -> tuple[tuple[str, ...], str]:
    """Return what gives a command mounts of its own, and why it is empty if it is."""
    if shutil.which("unshare") is None:
        return (), "no unshare on this machine: cannot make a disk of the test's own"
    said = ""
    for prefix in (("unshare", "-m"), ("unshare", "-r", "-m")):
        tried = subprocess.run(
            [*prefix, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True, check=False
        )
        if tried.returncode == 0:
            return prefix, ""
        said = tried.stderr.strip()
    return (), f"mounts of one's own are not allowed here: {said}"


@pytest.mark.parametrize(
    ("fault", "made", "named", "remedy"),
    [
        ("full", "made", "the disk is full", "make room"),
        ("full", "new", "the disk is full", "make room"),
        ("read-only", "made", "it cannot be opened", "mounted read-only"),
        ("read-only", "new", "it cannot be opened", "mounted read-only"),
    ],
)
def test_a_disk_is_named_by_the_doctor_and_by_who_writes(
    tmp_path: Path, fault: str, made: str, named: str, remedy: str
):
    prefix, why_not = own_mounts()
    if why_not:
        pytest.skip(why_not)
    disk, userdir = tmp_path / "disk", tmp_path / "user_data"
    disk.mkdir()
    userdir.mkdir()

    done = subprocess.run(
        [*prefix, sys.executable, "-c", INSIDE, str(disk), str(userdir), fault, made],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    failures = [(text, to_do) for state, text, to_do in told["findings"] if state == "fail"]

    assert named in told["said"]
    assert remedy in told["said"].partition("; ")[2]
    assert failures != []
    assert all("sync" not in to_do for _, to_do in failures)  # it is no damage, and sync would mend nothing
    if fault == "full":
        assert any("MB left at" in text for text, _ in failures)
    else:
        assert any("remount the disk for writing" in to_do for _, to_do in failures)
