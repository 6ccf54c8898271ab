"""Taking the network away from a command, where this machine allows it."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache

from freqfleet.exchange.freqtrade_runs import clean_environment


@cache
def isolation() -> tuple[tuple[str, ...], str]:
    """Return what stands before a command that shall have no network, and why it is empty if it is.

    Inside, `ip link set lo up` brings the loopback device, and nothing else.
    """
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return (), "no unshare or no ip on this machine: cannot take the network away"
    said = ""
    for prefix in (("unshare", "-n"), ("unshare", "-r", "-n")):
        tried = subprocess.run(
            [*prefix, "ip", "link", "set", "lo", "up"],
            capture_output=True,
            text=True,
            env=clean_environment(),
            check=False,
        )
        if tried.returncode == 0:
            return prefix, ""
        said = tried.stderr.strip()
    return (), f"network namespaces are not allowed here: {said}"
