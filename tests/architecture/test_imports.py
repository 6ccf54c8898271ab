"""What is loaded when: a fresh process each time, because a module that is loaded stays loaded."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys

import pytest

import freqfleet

HEAVY = {"freqtrade", "pandas", "optuna", "matplotlib", "sqlalchemy", "talib", "lightgbm", "numba", "scipy"}


def loaded_after(code: str, *, beyond: str = "pass") -> set[str]:
    """Return the modules that `code` loads in a fresh interpreter which has run `beyond`."""
    script = (
        f"import json, sys\n{beyond}\nbefore = set(sys.modules)\n{code}\n"
        "print(json.dumps(sorted(set(sys.modules) - before)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def modules_below(package: str) -> list[str]:
    found = importlib.import_module(package)
    return sorted(one.name for one in pkgutil.walk_packages(found.__path__, f"{package}."))


def test_help_loads_nothing_heavy():
    loaded = loaded_after(
        "import sys\n"
        "from freqfleet.cli import main\n"
        "sys.argv = ['freqfleet', '--help']\n"
        "try:\n    main()\n"
        "except SystemExit as ended:\n    assert not ended.code, ended.code"
    )

    assert loaded & HEAVY == set()
    assert "click" in loaded  # the measurement measures


def test_the_domain_loads_the_standard_library_only():
    names = [*modules_below("freqfleet.domain"), "freqfleet.errors", "freqfleet.clock"]

    loaded = {name.partition(".")[0] for name in loaded_after(f"import {', '.join(names)}")}

    assert loaded - set(sys.stdlib_module_names) == {"freqfleet"}


@pytest.mark.parametrize("package", ["freqfleet.signals", "freqfleet.runtime"])
def test_the_trade_thread_loads_no_search_library_and_no_label(package):
    names = modules_below(package)
    if not names:
        pytest.skip(f"{package} holds no module yet")
    # freqtrade's own strategy module loads optuna for hyperopt; what counts is what we add to it.
    host = "import freqtrade.strategy" if package == "freqfleet.runtime" else "pass"

    added = loaded_after(f"import {', '.join(names)}", beyond=host)

    assert {name.partition(".")[0] for name in added} & {"optuna", "numba", "lightgbm", "sklearn"} == set()
    assert "freqfleet.market.labels" not in added
    assert names[0] in added  # the measurement measures


def test_every_module_can_be_imported_first():
    """No module needs another one to be imported before it: there is no hidden cycle."""
    names = [
        name
        for package in ("freqfleet.domain", "freqfleet.parameters", "freqfleet.signals", "freqfleet.store")
        for name in modules_below(package)
    ]
    script = (
        "import importlib, sys\n"
        f"for name in {names!r}:\n"
        "    for loaded in [one for one in sys.modules if one.partition('.')[0] == 'freqfleet']:\n"
        "        del sys.modules[loaded]\n"
        "    importlib.import_module(name)"
    )

    loaded_after(script)

    assert len(names) > 10


def test_the_package_itself_loads_nothing():
    assert freqfleet.__version__
    assert {one for one in loaded_after("import freqfleet") if one.startswith("freqfleet")} == {"freqfleet"}
