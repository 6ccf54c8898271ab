"""Are the programs the fleet needs installed, in versions it was built for?"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from freqfleet import __version__
from freqfleet.doctor.findings import Finding, fail, note, ok

FREQTRADE_MINIMUM = (2026, 9)
_LIBRARIES = ("optuna", "sqlalchemy", "TA-Lib", "pandas", "pyarrow")


def check_versions() -> Iterator[Finding]:
    """Check Python, freqtrade and the libraries of the core."""
    yield ok("python", f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}")
    yield ok("freqfleet", __version__)
    yield freqtrade_finding(_installed("freqtrade"))
    for name in _LIBRARIES:
        found = _installed(name)
        if found is None:
            yield fail(name, "is not installed", f"pip install {name}")
        else:
            yield ok(name, found)


def freqtrade_finding(found: str | None) -> Finding:
    """Judge freqtrade's version; None means that it is not installed."""
    wanted = ".".join(str(number) for number in FREQTRADE_MINIMUM)
    remedy = f'pip install "freqtrade[hyperopt]>={wanted}"'
    if found is None:
        return fail("freqtrade", "is not installed", remedy)
    numbers = re.findall(r"\d+", found)
    release = (int(numbers[0]), int(numbers[1])) if len(numbers) > 1 else (0, 0)
    if release < FREQTRADE_MINIMUM:
        return fail("freqtrade", f"{found} is too old", remedy)
    if release > FREQTRADE_MINIMUM:
        return note(
            "freqtrade", f"{found} is newer than {wanted}, which is tested", "run `make test` before trading"
        )
    return ok("freqtrade", found)


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
