"""The numbers of a pair's card in words, group by group; only what was measured has a row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from freqfleet.domain.decisions import Verdict
from freqfleet.domain.exits import ExitParameters
from freqfleet.report.card import PairCard
from freqfleet.report.formats import (
    as_bps,
    as_count,
    as_decimal,
    as_minutes,
    as_p_value,
    as_percent,
    plural,
    to_bps,
)
from freqfleet.report.path_words import path_words
from freqfleet.validation.monte_carlo import Interval

_DECAY_SUSPECT_Z = 1.645


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table. hint : what the name means, for whoever points at it."""

    name: str
    value: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under one head; a group without rows is not made."""

    head: str
    rows: tuple[Row, ...]


def groups(card: PairCard) -> tuple[Group, ...]:
    """Return every group of a pair's card that has something to say."""
    made = (
        Group("Exits", tuple(_exits(card))),
        Group("Held out, over what was in force", tuple(_test(card))),
        Group("Around the choice", tuple(_surroundings(card))),
        Group("The seed's gate beside ours", tuple(_seed(card))),
        Group("Had the trades come otherwise", tuple(_monte_carlo(card))),
        Group("For information, decides nothing", tuple(_information(card))),
        Group("Where it comes from", tuple(_origin(card))),
    )
    return tuple(one for one in made if one.rows)


def exits_words(exits: ExitParameters) -> str:
    """Return exits in one line, position-level."""
    scaled = (
        f", volatility scaling {as_decimal(exits.volatility_scaling)}" if exits.volatility_scaling else ""
    )
    followed = path_words(exits)
    return (
        f"stop {as_percent(exits.stop_loss)}, target {as_percent(exits.take_profit)}, "
        f"{as_minutes(exits.time_limit_minutes)}{scaled}" + (followed and f", {followed}")
    )


def seed_words(card: PairCard) -> str:
    """Return what the simplest gate would have done, in three words at most."""
    if card.seed_gate is None:
        return "could not judge"
    return "would publish" if card.seed_gate.publishes else "would not"


def _exits(card: PairCard) -> Iterator[Row]:
    decision = card.decision
    in_force = decision.verdict in (Verdict.PUBLISHED, Verdict.INHERITED)
    if card.incumbent is not None:
        yield Row("in force before", f"{exits_words(card.incumbent)} ({card.incumbent_name})")
    if card.candidate is not None:
        yield Row("chosen", exits_words(card.candidate), "what the search found, published or not")
    if in_force and decision.parameters is not None and decision.parameters != card.candidate:
        yield Row("in force now", exits_words(decision.parameters))
    if decision.version is not None:
        yield Row("version", decision.version)


def _test(card: PairCard) -> Iterator[Row]:
    evidence = card.decision.evidence
    yield Row("trades", as_count(evidence.trades))
    if evidence.effective_trades is not None:
        yield Row("effective trades", as_count(evidence.effective_trades), "what the weighted ones are worth")
    if evidence.claim_bps is not None:
        yield Row("claim", as_bps(evidence.claim_bps), "after shrinkage over the pairs; never the best cell")
    if evidence.improvement_bps is not None:
        error = evidence.standard_error_bps
        spread = f" ± {as_decimal(error, 1)}" if error is not None else ""
        yield Row("improvement", f"{as_bps(evidence.improvement_bps, unit='')}{spread} bps", "mean a trade")
    if evidence.t_value is not None:
        degrees = f" ({as_decimal(evidence.effective_df, 1)} df)" if evidence.effective_df is not None else ""
        yield Row("t", f"{as_decimal(evidence.t_value)}{degrees}", "trades of one day count as one cluster")
    for name, value, hint in (
        ("p", evidence.p_value, "one-sided"),
        ("q", evidence.q_value, "p after Benjamini-Hochberg over the run"),
        ("family p", evidence.family_p_value, "of the pooled test of its family"),
    ):
        if value is not None:
            yield Row(name, as_p_value(value), hint)
    if evidence.e_value is not None:
        yield Row("e", as_decimal(evidence.e_value), "paper account; 20 publishes, however often one looks")
    if evidence.folds is not None:
        yield Row("folds", as_count(evidence.folds))
    if evidence.worst_fold_bps is not None:
        yield Row("worst fold", as_bps(evidence.worst_fold_bps))
    if evidence.cost_stress_bps is not None:
        yield Row("at twice the costs", as_bps(evidence.cost_stress_bps), "fees and slippage doubled")
    if evidence.decay_z is not None:
        flag = " – suspect" if evidence.decay_z >= _DECAY_SUSPECT_Z else ""
        yield Row("decay z", f"{as_decimal(evidence.decay_z)}{flag}", "later trades against earlier ones")
    if evidence.ambiguous_trades is not None:
        yield Row("ambiguous trades", as_count(evidence.ambiguous_trades), "stop and target in one candle")


def _surroundings(card: PairCard) -> Iterator[Row]:
    evidence = card.decision.evidence
    if evidence.plateau_neighbours is not None:
        around = plural(evidence.plateau_neighbours - 1, "neighbour")
        mean, least = to_bps(evidence.plateau_mean_profit), to_bps(evidence.plateau_least_profit)
        yield Row("neighbourhood", as_bps(mean), f"in-sample mean a trade of it and its {around}")
        yield Row("worst neighbour", as_bps(least), "in-sample, of the same exits")
    if evidence.plateau_ratio is not None:
        yield Row("neighbours keep", as_percent(evidence.plateau_ratio, 0), "of the improvement")
    for name, word in (("stop_loss", "stop may be"), ("take_profit", "target may be")):
        width = (evidence.plateau_widths or {}).get(name)
        if width is not None:
            yield Row(word, f"{as_percent(width[0])} to {as_percent(width[1])}", "within one standard error")
    if evidence.boundary is not None:
        yield Row("at a boundary", ", ".join(evidence.boundary) or "no", "the optimum may lie outside")


def _seed(card: PairCard) -> Iterator[Row]:
    seed = card.seed_gate
    if seed is None:
        return
    yield Row("70/30 hold-out mean > 0", seed_words(card))
    yield Row("mean of the last 30 %", f"{as_bps(seed.test_profit_bps)}, {as_count(seed.test_trades)} trades")


def _monte_carlo(card: PairCard) -> Iterator[Row]:
    found = card.monte_carlo
    if found is None:
        return
    yield Row(
        "level", _level(card), f"{found.paths} paths, blocks of {found.block} trades, seed {found.seed}"
    )
    yield Row(
        "largest drawdown",
        f"{_interval(found.max_drawdown)}; it was {as_percent(found.observed_drawdown, 1)}",
        "95 % of the paths; median in the middle",
    )
    streak = found.losing_streak
    yield Row(
        "losses in a row",
        f"{streak.low:.0f} to {streak.high:.0f}, median {streak.median:.0f}; it was {found.observed_streak}",
    )
    yield Row(
        "return",
        f"{_interval(found.total_return, sign=True)}; "
        f"it was {as_percent(found.observed_return, 1, sign=True)}",
    )
    yield Row("paths that lose", as_percent(found.loss_share, 0))


def _level(card: PairCard) -> str:
    found = card.monte_carlo
    assert found is not None
    staked = (
        "the whole account"
        if found.stake_ratio == 1.0
        else f"{as_percent(found.stake_ratio, 0)} of the account"
    )
    return f"{found.level}-level, {staked} at stake in each trade"


def _information(card: PairCard) -> Iterator[Row]:
    if card.overfitting is not None:
        splits = card.overfitting.splits
        yield Row(
            "PBO", f"{as_percent(card.overfitting.pbo, 0)} of {splits} splits", "50 % is what chance gives"
        )
    if card.sharpe is not None:
        tries = as_decimal(card.sharpe.trials, 1)
        yield Row("deflated Sharpe", as_decimal(card.sharpe.probability), f"{tries} independent tries")


def _origin(card: PairCard) -> Iterator[Row]:
    evidence = card.decision.evidence
    if evidence.certified_by is not None:
        by = "its own trades" if evidence.certified_by == "pair" else "its family only"
        yield Row("certified by", by)
    for name, value in (("family", evidence.family), ("data", evidence.data_hash)):
        if value is not None:
            yield Row(name, value)
    if evidence.parent_version is not None:
        yield Row("replaced version", evidence.parent_version)
    if evidence.search is not None:
        tried = f", {as_count(evidence.candidates)} candidates" if evidence.candidates else ""
        seed = f", seed {evidence.seed}" if evidence.seed is not None else ""
        yield Row("search", f"{evidence.search}{tried}{seed}")
    if evidence.bot_trades:
        yield Row("trades of", ", ".join(f"{bot} {count}" for bot, count in evidence.bot_trades.items()))
    if evidence.train_profit is not None:
        yield Row(
            "in training", as_bps(to_bps(evidence.train_profit)), "mean a trade; flattered, proves nothing"
        )


def _interval(interval: Interval, *, sign: bool = False) -> str:
    low, median, high = (
        as_percent(one, 1, sign=sign) for one in (interval.low, interval.median, interval.high)
    )
    return f"{low} to {high}, median {median}"
