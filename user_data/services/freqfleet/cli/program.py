"""`freqfleet`: the program, its global options, and how errors become exit codes."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from freqfleet import __version__
from freqfleet.errors import FreqfleetError, InputError
from freqfleet.settings import Settings, load_settings

# verb -> (module below freqfleet.cli, command, one line of help). A verb's module is imported when it runs.
VERBS: dict[str, tuple[str, str, str]] = {
    "init": ("init", "init", "Put strategies and configs into a freqtrade userdir; overwrites nothing."),
    "doctor": ("doctor", "doctor", "Check versions, configs, databases, candles, store and exchange."),
    "demo": ("demo", "demo", "The whole loop, offline, ending with a report."),
    "data": ("data", "data", "Make a seeded sample market; check candles."),
    "exchange": ("exchange", "exchange", "The loopback exchange that lets freqtrade run offline."),
    "sync": ("sync", "sync", "Copy closed trades into the learning store, exactly once."),
    "optimize": ("optimize", "optimize", "Learn exit parameters per pair and side, and publish what holds."),
    "walk-forward": ("walk_forward", "walk_forward", "The history a live learner would have published."),
    "controller": (
        "controller",
        "controller",
        "Learn from closed trades by leverage bin, every few seconds.",
    ),
    "params": ("params", "params", "What is in force, and why."),
    "feeders": ("feeders", "feeders", "Train the feeders that learn, rank them, ask them."),
    "gate-check": ("gate_check", "gate_check", "Try to fool the publication gate on markets of known truth."),
    "kill-switch": ("kill_switch", "kill_switch", "Stop bots from opening positions, or close them all."),
}


@dataclass(frozen=True, slots=True)
class Invocation:
    """The global options of one call; verbs receive it through `click.pass_obj`."""

    userdir: Path
    config: Path | None
    store_url: str | None
    verbose: bool

    def settings(self) -> Settings:
        """Read the settings this call asks for."""
        settings = load_settings(self.userdir, self.config)
        if self.store_url is None:
            return settings
        return settings.model_copy(
            update={"store": settings.store.model_copy(update={"url": self.store_url})}
        )


class _Verbs(click.Group):
    """Commands that are imported only when they are called: `freqfleet --help` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module, name, _ = VERBS[cmd_name]
        command = getattr(importlib.import_module(f"freqfleet.cli.{module}"), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if not VERBS:
            return
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, text) for verb, (_, _, text) in VERBS.items()])


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--userdir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("user_data"),
    show_default=True,
    help="freqtrade's user_data folder.",
)
@click.option("--config", type=click.Path(path_type=Path), help="Another fleet.toml.")
@click.option("--store", "store_url", help="The learning store's URL; wins over fleet.toml.")
@click.option("-v", "--verbose", is_flag=True, help="Debug log, and tracebacks of errors.")
@click.version_option(__version__, "-V", "--version", prog_name="freqfleet")
@click.pass_context
def program(
    ctx: click.Context, userdir: Path, config: Path | None, store_url: str | None, verbose: bool
) -> None:
    """A fleet of freqtrade bots that learns from its own trades and proves what it learned.

    Exit codes: 0 done, 1 the answer is no, 2 wrong arguments or settings, 3 something is unreachable.
    """
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING,
        format="%(asctime)s %(name)s %(levelname)s: %(message)s",
    )
    ctx.obj = Invocation(userdir, config, store_url, verbose)


def main() -> None:
    """Run the program; an error of ours becomes one or two lines and its exit code."""
    # Before NumPy is imported. Our matrices are small: threads would wait for each other longer than they
    # work, at twice the CPU time. An operator's own setting stays.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        answer = program(standalone_mode=False)
        # Without its standalone mode click returns the code of `ctx.exit(1)` instead of leaving with it.
        sys.exit(answer if isinstance(answer, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; what was finished is kept", err=True)
        sys.exit(130)
    except FreqfleetError as error:
        _tell(str(error))
        sys.exit(error.exit_code)
    except OSError as error:
        if error.filename is None:  # no file that a person named: a defect, and its traceback tells where
            raise
        why = error.strerror or type(error).__name__
        _tell(f"{error.filename}: {why}; give another path, or correct its permissions")
        sys.exit(InputError.exit_code)


def _tell(sentence: str) -> None:
    if "-v" in sys.argv or "--verbose" in sys.argv:
        logging.getLogger(__name__).exception("traceback, because of --verbose")
    click.echo(f"freqfleet: {sentence}", err=True)
