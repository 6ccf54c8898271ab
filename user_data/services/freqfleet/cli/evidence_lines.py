"""The evidence of a version in words: only what was measured is said."""

from __future__ import annotations

from collections.abc import Iterator

from freqfleet.domain.decisions import Evidence
from freqfleet.parameters.version import ParameterVersion
from freqfleet.report.formats import as_bps, as_count, as_decimal, as_p_value, as_percent, plural, to_bps


def evidence_lines(evidence: Evidence) -> tuple[str, ...]:
    """Return one line for each group of numbers that was measured, none where nothing was."""
    groups = (_claim(evidence), _test(evidence), _surroundings(evidence), _origin(evidence))
    return tuple(line for line in ("; ".join(parts) for parts in groups) if line)


def why(version: ParameterVersion) -> str:
    """Return what made a version, for the last column of a history."""
    evidence = version.evidence
    parts = []
    if evidence.rolls_back_to is not None:
        parts.append(f"rolls back to {evidence.rolls_back_to}")
    if evidence.certified_by is not None and evidence.rolls_back_to is None:
        parts.append(f"certified by its {evidence.certified_by}")
    if evidence.note is not None:
        parts.append(evidence.note)
    return "; ".join(parts)


def _claim(evidence: Evidence) -> Iterator[str]:
    if evidence.certified_by == "family":
        family = f" {evidence.family}" if evidence.family else ""
        yield f"certified by its family{family}, not by its own trades"
    elif evidence.certified_by == "pair":
        yield "certified by its own trades"
    if evidence.claim_bps is not None:
        yield f"claims {as_bps(evidence.claim_bps)} a trade over what it replaced"
    if evidence.cost_stress_bps is not None:
        yield f"{as_bps(evidence.cost_stress_bps)} at twice the fees and slippage"


def _test(evidence: Evidence) -> Iterator[str]:
    if evidence.improvement_bps is not None:
        error = evidence.standard_error_bps
        spread = f" ± {as_decimal(error, 1)}" if error is not None else ""
        yield f"held out {as_bps(evidence.improvement_bps, unit='')}{spread} bps a trade"
    if evidence.t_value is not None:
        freedom = evidence.effective_df
        degrees = f" with {as_decimal(freedom, 1)} degrees of freedom" if freedom is not None else ""
        yield f"t {as_decimal(evidence.t_value)}{degrees}"
    for name, value in (
        ("p", evidence.p_value),
        ("q", evidence.q_value),
        ("family p", evidence.family_p_value),
    ):
        if value is not None:
            yield f"{name} {as_p_value(value)}"
    if evidence.e_value is not None:
        yield f"e {as_decimal(evidence.e_value)}"
    if evidence.folds is not None:
        worst = evidence.worst_fold_bps
        least = f", the worst {as_bps(worst)}" if worst is not None else ""
        yield f"{plural(evidence.folds, 'fold')}{least}"
    if evidence.effective_trades is not None:
        yield f"{as_count(evidence.effective_trades)} effective trades"
    if evidence.ambiguous_trades is not None:
        yield f"{as_count(evidence.ambiguous_trades)} with stop and target in one candle"


def _surroundings(evidence: Evidence) -> Iterator[str]:
    if evidence.plateau_neighbours is not None:
        mean, least = to_bps(evidence.plateau_mean_profit), to_bps(evidence.plateau_least_profit)
        around = plural(evidence.plateau_neighbours - 1, "neighbour")
        yield f"it and its {around} earn {as_bps(mean)} in-sample on average, the worst {as_bps(least)}"
    if evidence.plateau_ratio is not None:
        yield f"its neighbours keep {as_percent(evidence.plateau_ratio, 0)} of the improvement"
    widths = evidence.plateau_widths or {}
    for name, word in (("stop_loss", "stop"), ("take_profit", "target")):
        if name in widths:
            low, high = widths[name]
            yield f"{word} may move from {as_percent(low)} to {as_percent(high)}"
    if evidence.boundary:
        yield f"on the boundary of {' and '.join(evidence.boundary)}"
    if evidence.decay_z is not None:
        yield f"decay z {as_decimal(evidence.decay_z)}"


def _origin(evidence: Evidence) -> Iterator[str]:
    if evidence.rolls_back_to is not None:
        yield f"rolls back to version {evidence.rolls_back_to}"
    if evidence.parent_version is not None:
        yield f"replaced version {evidence.parent_version}"
    if evidence.note is not None:
        yield f"note: {evidence.note}"
    if evidence.search is not None:
        tried = f", {as_count(evidence.candidates)} candidates" if evidence.candidates else ""
        seed = f", seed {evidence.seed}" if evidence.seed is not None else ""
        yield f"search {evidence.search}{tried}{seed}"
    if evidence.data_hash is not None:
        yield f"data {evidence.data_hash[:12]}"
