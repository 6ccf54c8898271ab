from __future__ import annotations

import errno
import os
import subprocess
import sys
from types import ModuleType

import click
import pytest

from freqfleet.cli import program
from freqfleet.cli.program import VERBS, Invocation, main
from freqfleet.errors import FreqfleetError, SettingsError, StoreUnavailable


def run(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["freqfleet", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


@pytest.fixture
def verb(monkeypatch):
    """Add a verb `work` that does what a test wants."""

    def add(does) -> None:
        @click.command()
        @click.pass_context
        def work(ctx: click.Context) -> object:
            return does(ctx)

        module = ModuleType("freqfleet.cli.work")
        module.work = work
        monkeypatch.setitem(sys.modules, "freqfleet.cli.work", module)
        monkeypatch.setitem(VERBS, "work", ("work", "work", "Does what a test wants."))

    return add


def raising(error: BaseException):
    def does(_: click.Context) -> None:
        raise error

    return does


# -- exit codes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError("gate.fdr = 5: at most 1"), 2),
        (StoreUnavailable("no store at x.sqlite; start it"), 3),
        (FreqfleetError("the answer is no"), 1),
        (click.UsageError("no such option"), 2),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_becomes_its_exit_code(monkeypatch, verb, error, code):
    verb(raising(error))

    assert run(monkeypatch, "work") == code


@pytest.mark.parametrize(
    ("does", "code"),
    [
        (lambda ctx: None, 0),
        (lambda ctx: ctx.exit(0), 0),
        (lambda ctx: ctx.exit(1), 1),  # ran, and the answer is no
        (lambda ctx: sys.exit(1), 1),
        (raising(click.exceptions.Exit(1)), 1),
    ],
    ids=["returns", "exit 0", "exit 1", "sys.exit", "raises Exit"],
)
def test_what_a_verb_answers_is_the_exit_code(monkeypatch, verb, does, code):
    verb(does)

    assert run(monkeypatch, "work") == code


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"], ["-V"]])
def test_help_and_version_are_done(monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments) == 0
    assert "freqfleet" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["fly"], ["--nonsense"], []])
def test_wrong_arguments_are_2(monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments) == 2
    assert capsys.readouterr().err


# -- messages -----------------------------------------------------------------------------------------


def test_an_error_is_one_line_without_a_traceback(monkeypatch, capsys, verb):
    verb(raising(SettingsError("gate.fdr = 5: at most 1")))

    run(monkeypatch, "work")

    shown = capsys.readouterr()
    assert shown.err == "freqfleet: gate.fdr = 5: at most 1\n"
    assert shown.out == ""


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/etc/report.html"), "Permission denied"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/etc/report.html"), "No such file"),
        (OSError(errno.ENOSPC, "No space left on device", "/etc/report.html"), "No space left"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_file_that_cannot_be_used_is_one_line_with_its_name(monkeypatch, capsys, verb, error, why):
    verb(raising(error))

    assert run(monkeypatch, "work") == 2

    shown = capsys.readouterr()
    assert shown.err.startswith(f"freqfleet: /etc/report.html: {why}")
    assert len(shown.err.splitlines()) == 1
    assert shown.out == ""


def test_an_operating_system_error_without_a_file_is_a_defect_and_keeps_its_traceback(monkeypatch, verb):
    verb(raising(OSError(errno.EBADF, "Bad file descriptor")))
    monkeypatch.setattr(sys, "argv", ["freqfleet", "work"])

    with pytest.raises(OSError, match="Bad file descriptor"):
        main()


def test_a_report_that_cannot_be_written_is_one_line(monkeypatch, capsys, tmp_path):
    (tmp_path / "file").write_text("")
    missing = tmp_path / "file" / "answer.json"

    assert run(monkeypatch, "--userdir", str(tmp_path), "params", "list", "--json", str(missing)) == 2
    assert str(missing) in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["-v", "--verbose"])
def test_the_traceback_is_there_for_those_who_ask(tmp_path, flag):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "fleet.toml").write_text("[gate]\nfdr = 5")
    script = (
        "import sys, click, types\n"
        "from freqfleet.cli.program import VERBS, main\n"
        "module = types.ModuleType('freqfleet.cli.work')\n"
        "module.work = click.Command('work', callback=click.pass_obj(lambda one: one.settings()))\n"
        "sys.modules[module.__name__] = module\n"
        "VERBS['work'] = ('work', 'work', '')\n"
        f"sys.argv = ['freqfleet', *sys.argv[1:], '--userdir', {str(tmp_path)!r}, 'work']\n"
        "main()\n"
    )

    quiet = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    loud = subprocess.run([sys.executable, "-c", script, flag], capture_output=True, text=True, check=False)

    assert (quiet.returncode, loud.returncode) == (2, 2)
    assert "Traceback" not in quiet.stderr
    assert len(quiet.stderr.splitlines()) == 1
    assert "Traceback" in loud.stderr
    assert "gate.fdr = 5" in quiet.stderr


# -- verbs and options --------------------------------------------------------------------------------


def test_help_lists_every_verb_with_its_line(monkeypatch, capsys):
    run(monkeypatch, "--help")

    shown = " ".join(capsys.readouterr().out.split())  # however the lines are wrapped
    assert len(VERBS) >= 8
    for verb_name, (_, _, text) in VERBS.items():
        assert f" {verb_name} {text}" in shown


def test_a_verb_receives_the_global_options(monkeypatch, tmp_path, verb):
    received: list[Invocation] = []
    verb(lambda ctx: received.append(ctx.obj))

    run(monkeypatch, "--userdir", str(tmp_path), "--store", "sqlite:///s.sqlite", "-v", "work")

    assert received == [
        Invocation(userdir=tmp_path, config=None, store_url="sqlite:///s.sqlite", verbose=True)
    ]


def test_a_store_on_the_command_line_wins_over_the_file(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "fleet.toml").write_text(
        '[store]\nurl = "sqlite:///file.sqlite"\ntimeout_seconds = 3.0'
    )

    settings = Invocation(tmp_path, None, "sqlite:///flag.sqlite", verbose=False).settings()

    assert settings.store.url == "sqlite:///flag.sqlite"
    assert settings.store.timeout_seconds == 3.0


def test_an_unknown_verb_is_named(monkeypatch, capsys):
    run(monkeypatch, "fly")

    assert "'fly'" in capsys.readouterr().err


def test_every_verb_says_what_it_does_in_one_sentence():
    for module, command, text in program.VERBS.values():
        assert module.isidentifier()
        assert command.isidentifier()
        assert text.endswith(".")
        assert len(text) <= 80


@pytest.mark.parametrize(("given", "found"), [({}, "1"), ({"OPENBLAS_NUM_THREADS": "3"}, "3")])
def test_numpy_is_told_to_keep_to_one_thread_before_it_is_imported(given, found):
    script = (
        "import os, sys; from freqfleet.cli import main; assert 'numpy' not in sys.modules\n"
        "sys.argv = ['freqfleet', '--version']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(os.environ['OPENBLAS_NUM_THREADS'])"
    )
    without = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}

    done = subprocess.run(
        [sys.executable, "-c", script], env={**without, **given}, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == found


@pytest.mark.parametrize("verb", VERBS)
def test_help_is_whole_in_80_columns_and_leaves_no_option_out(verb: str):
    command = program.program.get_command(click.Context(program.program), verb)
    assert command is not None
    below = command.commands.values() if isinstance(command, click.Group) else ()

    for one in (command, *below):
        usage, *lines = one.get_help(click.Context(one, info_name=verb, terminal_width=80)).splitlines()
        options = [option for option in one.params if isinstance(option, click.Option)]

        assert usage.startswith("Usage: ")
        assert max(len(line) for line in lines) <= 80
        assert [line for line in lines if line.endswith("...")] == []
        assert [option.name for option in options if not option.help] == []
