"""The installed package, without the repository around it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from freqfleet.skeleton import FILES

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "user_data" / "services" / "freqfleet"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, because a build leaves folders in its source."""
    for needed in ("pip", "setuptools"):
        if find_spec(needed) is None:
            pytest.skip(f"no {needed} in this environment to build a wheel with")
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(PACKAGE, source / "user_data" / "services" / "freqfleet", ignore=ignored)
    for file in FILES:
        (source / "user_data" / file).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / "user_data" / file, source / "user_data" / file)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "-q"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, "-w", str(out), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_holds_the_whole_package_and_what_init_places(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())

    package = {
        f"freqfleet/{file.relative_to(PACKAGE)}"
        for file in PACKAGE.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert "freqfleet/py.typed" in package
    assert package - held == set()
    shared = {name.partition(".data/data/share/freqfleet/")[2] for name in held} - {""}
    assert shared == {str(file) for file in FILES}


@pytest.mark.parametrize("place", ["prefix", "user base"])
def test_init_works_where_pip_has_put_the_files(wheel: Path, tmp_path: Path, place: str) -> None:
    """`pip install` puts the shared files below the prefix, `pip install --user` below the user's base."""
    site, prefix, empty = tmp_path / "site", tmp_path / "prefix", tmp_path / "empty"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (data,) = site.glob("*.data/data")
    shutil.copytree(data, prefix)
    system, user = (prefix, empty) if place == "prefix" else (empty, prefix)
    script = (
        "import json, site, sys\n"
        f"sys.prefix, site.USER_BASE = {str(system)!r}, {str(user)!r}\n"
        f"sys.path.insert(0, {str(site)!r})\n"
        "from pathlib import Path\n"
        "from freqfleet import skeleton\n"
        f"skeleton.place_skeleton(Path({str(tmp_path / 'user_data')!r}))\n"
        "print(json.dumps([skeleton.__file__, str(skeleton.skeleton_dir())]))\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    module, folder = json.loads(done.stdout)
    assert Path(module) == site / "freqfleet" / "skeleton.py"  # the wheel's, not the checkout's
    assert Path(folder) == prefix / "share" / "freqfleet"
    for file in FILES:
        assert (tmp_path / "user_data" / file).read_bytes() == (REPOSITORY / "user_data" / file).read_bytes()


def test_an_installation_without_its_files_says_where_it_looked(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    script = (
        "import site, sys\n"
        f"sys.prefix, site.USER_BASE = {str(tmp_path / 'one')!r}, {str(tmp_path / 'two')!r}\n"
        f"sys.path.insert(0, {str(site)!r})\n"
        f"sys.argv = ['freqfleet', 'init', '--userdir', {str(tmp_path / 'user_data')!r}]\n"
        "from freqfleet.cli import main\n"
        "main()\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert str(tmp_path / "one" / "share" / "freqfleet") in done.stderr
    assert str(tmp_path / "two" / "share" / "freqfleet") in done.stderr
    assert "reinstall freqfleet" in done.stderr
    assert not (tmp_path / "user_data").exists()
