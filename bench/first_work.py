"""`python -m bench.first_work optimize …`: `freqfleet optimize …`, ended when its first pair is decided.

Prints the CPU seconds of the process up to then, the start of Python and every import included.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence

from freqfleet.cli import main as freqfleet
from freqfleet.domain.decisions import Verdict
from freqfleet.learning.optimizer import Optimizer
from freqfleet.learning.optimizer_run import OptimizerRun
from freqfleet.learning.pair_work import PairOutcome


class FirstDecision(Optimizer):
    """Ends the process with the first pair that was searched; one without trades is no work."""

    def run(
        self,
        pairs: Sequence[str] | None = None,
        on_outcome: Callable[[PairOutcome], None] | None = None,
    ) -> OptimizerRun:
        """Decide pairs until one of them was searched."""
        return super().run(pairs, _end)


def _end(outcome: PairOutcome) -> None:
    if any(finding.decision.verdict is not Verdict.SKIPPED for finding in outcome.findings):
        print(time.process_time(), flush=True)
        os._exit(0)


def main() -> None:
    """Run the program with that optimizer."""
    import freqfleet.learning.optimizer as module  # noqa: PLC0415

    module.Optimizer = FirstDecision  # type: ignore[misc]
    freqfleet()
    sys.exit("no pair was searched")


if __name__ == "__main__":
    main()
