"""The page: the result first, as the numbers have it, then what was done and what it does not show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from experiment.backtests import STAKE_QUOTE, WALLET_QUOTE, Arm
from experiment.effects import Effect, Interval
from experiment.plots import draw
from experiment.study import Study
from freqfleet.domain.decisions import Verdict
from freqfleet.report.formats import as_count, as_day, as_percent, as_seconds, plural

FULL = "`make experiment` (61 pairs of bench, 9 of okx-2022, every day)"
LEARNERS = (Arm.LEARNED, Arm.HOLDOUT)
NAMES = {Arm.LEARNED: "the gate", Arm.HOLDOUT: "the seed's gate"}
ASSETS = "experiment"
METHOD = """\
All profits are position-level (before leverage), net of freqtrade's fees and funding, in basis points
(bps) of a position. A position is the same size in every arm, so sums compare.

## How it was done

1. *First pass.* BOT1 (long), BOT2 (short) and BOT3 (both) trade every pair with the defaults of
   `fleet.toml`. These trades are what is learned from.
2. *Walk-forward.* Every {days} days from the {days}th on, `freqfleet walk-forward` does what `freqfleet
   optimize` and then `freqfleet controller` would have done then: they know the trades closed and the
   candles finished before that moment, and what was in force. Twice: through the gate
   ([0009](decisions/0009-publication-gate.md)), and through the seed's hold-out gate (learn on 70 %, publish
   when the other 30 % earned more). Both record what the trades of every leverage bin earned by then; the
   gate may also give a bin exits of its own, the seed's gate does not
   ([0014](decisions/0014-bins-are-alike-until-shown-otherwise.md)). Feeders are rules here and learn nothing.
3. *Second pass.* The bots trade the same candles again on each book; every entry gets the exits, and the
   leverage by bin, that were known at its own time. A bot for whose sides nothing was published is not run
   again: it would repeat the first pass. Up to the first step every arm must have made the same trades, or
   no page is written.
4. *Comparison*, from the first step on. Stake {stake:,.0f}, a wallet of {wallet:,.0f} and a slot for
   every pair: pairs do not compete for money, so a pair's trades depend on its own exits only.

**How trades are paired.** Another exit changes later entries: a position that is held longer leaves no
room for the next one, one that is closed earlier makes room for an entry that the defaults did not make.
So three numbers stand side by side. *Account*: what a day earned in all, trades made and not made
included; the verdict above is this one. *Per trade*: the difference of the mean trades. *Same entry*:
only trades of the same bot, pair, side and opening time in both arms, which is what changed exits did to
entries that both made; it leaves out what the freed or taken room did.

**Leverage.** None of these three can see it: on price, leverage changes nothing but where a position is
liquidated. *Money* is what the account came to in USDT with the leverage that each arm chose, on stakes of
{stake:,.0f}. An arm that takes less leverage loses less where trades lose and earns less where they earn;
that is what bins are for, and no proof of better trades.

Intervals are 95 %, with days of entry as the independent pieces (trades of a day share the market),
widened for the number of days as Student's t is.

**What this does not show.** One stretch of history a market, chosen for its data and not at random; pairs
that were listed late are over-represented in bench. The learner sees the trades of the first pass, not
those that its own exits would have led to; it replays the market from each entry on, for which that makes
no difference, but the mix of entries is the first pass's. freqtrade's backtest takes no slippage, the
learner does. okx-2022 has no funding history and is traded under Binance's rules. Nothing here was tuned
on these results, and nothing here is a promise.
"""


def write_page(out: Path, studies: Sequence[Study], *, every_days: int) -> None:
    """Write the page to `out` and its plots to a folder beside it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    plots = {study.market.name: draw(study, out.parent / ASSETS) for study in studies}
    lines = ["# The learning experiment", "", *_head(studies, every_days), "", "## The result", ""]
    for study in studies:
        lines += [*_result(study), ""]
    lines += [METHOD.format(days=every_days, stake=STAKE_QUOTE, wallet=WALLET_QUOTE)]
    for study in studies:
        equity, difference = (one.relative_to(out.parent) for one in plots[study.market.name])
        lines += [
            f"## {study.market.name}",
            "",
            *_market(study),
            "",
            f"![what each bot earned in each arm]({equity})",
            "",
            "What each bot earned, position-level and net, summed over days of entry; grey: the defaults.",
            "",
            f"![learned minus defaults]({difference})",
            "",
            "The whole fleet, learned minus defaults, with the 95 % interval of the sum; a thin line where",
            "the gate published.",
            "",
            "### By bot",
            "",
            *_by_bot(study),
            "",
            "### What was published, step by step",
            "",
            "Decisions, published to skipped, are of pair sides. Skipped are those with too few trades yet,",
            "and those of pairs that no bot traded here.",
            "",
            *_by_step(study),
            "",
            "### By pair",
            "",
            *_by_pair(study),
            "",
        ]
    out.write_text("\n".join(lines), encoding="utf-8")


def _head(studies: Sequence[Study], every_days: int) -> Iterator[str]:
    sizes = "; ".join(
        f"{one.market.name}, {plural(len(_served(one)), 'pair')}, {as_day(one.market.starts_at)} to "
        f"{as_day(one.market.ends_at)}"
        for one in studies
    )
    yield (
        "Written by `make experiment`, not by hand. Three bots, backtested by freqtrade itself, "
        "once with the "
        f"defaults and then with what a learner that ran every {every_days} days would have "
        f"published by then."
    )
    yield ""
    yield f"This page: {sizes}. The full size is {FULL}."


def _result(study: Study) -> Iterator[str]:
    name = study.market.name
    for arm in LEARNERS:
        found = study.effect(arm)
        yield f"- **{name}, {NAMES[arm]}: {verdict(study, arm, found)}** {_numbers(study, arm, found)}"


def verdict(study: Study, arm: Arm, found: Effect) -> str:
    """Say what an arm came to, by the account of the whole fleet and nothing else."""
    steps = study.walks[arm]
    if not any(step.recorded for step in steps):
        return "no exits were published." if any(step.bins for step in steps) else "nothing was published."
    if not found.account.leaves_zero_out:
        return "no difference shown."
    return "learning did better." if found.account.mean > 0.0 else "learning did worse."


def _numbers(study: Study, arm: Arm, found: Effect) -> str:
    versions = sum(step.recorded for step in study.walks[arm])
    steps = len(study.walks[arm])
    if not versions:
        return (
            f"None of {plural(steps, 'step')} found exits that chance does not explain, so those of this arm "
            f"are the defaults: {_earned(found.arm_total_ratio)} in "
            f"{as_count(found.arm_trades)} trades (mean {_bps(found.arm_mean_bps)})."
            + _losing(found.arm_mean_bps)
            + _by_leverage(study, arm, found)
        )
    return (
        f"{plural(versions, 'version')} in {plural(steps, 'step')}; {_use(study, arm, found)}. "
        f"The fleet earned {_earned(found.arm_total_ratio)} in {as_count(found.arm_trades)} trades, "
        f"with the defaults {_earned(found.default_total_ratio)} in {as_count(found.default_trades)}: "
        f"a difference of {_interval(found.account)} a day, or {_interval(found.per_trade)} a trade "
        f"(mean {_bps(found.arm_mean_bps)} after {_bps(found.default_mean_bps)})."
        + _losing(found.arm_mean_bps)
        + _by_leverage(study, arm, found)
    )


def _use(study: Study, arm: Arm, found: Effect) -> str:
    """Say how many trades left where a published version said."""
    used = f"{plural(found.at_learned, 'trade')} left at a learned stop or target"
    steps = study.walks[arm]
    if found.at_learned or sum(step.bin_exits for step in steps) < sum(step.recorded for step in steps):
        return used
    return (
        f"{used}: every version is for a leverage bin, learned from trades with the defaults' leverage, "
        "and by then the bots traded in another bin"
    )


def _by_leverage(study: Study, arm: Arm, found: Effect) -> str:
    """Say what leverage by bin made of it in money; nothing where no bin was recorded."""
    bins = sum(step.bins for step in study.walks[arm])
    if not bins:
        return ""
    return (
        f" By {plural(bins, 'bin record')} the mean leverage was {_times(found.arm_leverage)} instead of "
        f"{_times(found.default_leverage)}; on stakes of {STAKE_QUOTE:,.0f} the fleet earned "
        f"{found.arm_quote:+,.0f} USDT instead of {found.default_quote:+,.0f}, {_money(found.money)} a day."
    )


def _losing(mean_bps: float | None) -> str:
    return "" if (mean_bps or 0.0) > 0.0 else " The mean trade loses money."


def _market(study: Study) -> Iterator[str]:
    market = study.market
    yield (
        f"{plural(len(_served(study)), 'pair')}, {as_day(market.starts_at)} to {as_day(market.ends_at)} "
        f"({market.days} days), {as_count(market.candles)} candles of 5m; compared from "
        f"{as_day(study.since)} on. freqtrade's backtests took {as_seconds(study.backtest_seconds)} of wall "
        f"time in all, the two walks {as_seconds(study.walk_seconds)}, on the machine that wrote this page."
    )
    left_out = {**market.skipped, **study.not_served}
    if left_out:
        yield ""
        yield f"Left out: {'; '.join(left_out.values())}."


def _by_bot(study: Study) -> Iterator[str]:
    titles = ("bot", "learned by", "trades", "mean trade", "account, a day", "per trade", "same entry")
    yield f"| {' | '.join(titles)} | left elsewhere | leverage | money, a day |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    for bot in (*study.bots, None):
        name = "all" if bot is None else bot
        for arm in LEARNERS:
            found = study.effect(arm, bot=bot)
            if arm is LEARNERS[0]:
                yield (
                    f"| {name} | (defaults) | {as_count(found.default_trades)} | "
                    f"{_bps(found.default_mean_bps)} | | | | | {_times(found.default_leverage)} | |"
                )
            if bot is not None and (bot, arm) in study.unchanged:
                yield f"| {name} | {NAMES[arm]} | as above: nothing published for it | | | | | | | |"
                continue
            yield (
                f"| {name} | {NAMES[arm]} | {as_count(found.arm_trades)} | {_bps(found.arm_mean_bps)} | "
                f"{_interval(found.account)} | {_interval(found.per_trade)} | "
                f"{_interval(found.same_entry)} | "
                f"{as_count(found.moved)} of {as_count(found.matched)} | {_times(found.arm_leverage)} | "
                f"{_money(found.money)} |"
            )


def _by_step(study: Study) -> Iterator[str]:
    titles = ("as of", "trades known", *(verdict.value for verdict in Verdict), "retracted", "exits of bins")
    yield f"| {' | '.join(titles)} | bin records | by the seed's gate |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    for ours, theirs in zip(study.walks[Arm.LEARNED], study.walks[Arm.HOLDOUT], strict=True):
        counts = " | ".join(as_count(ours.counts[verdict.value]) for verdict in Verdict)
        yield (
            f"| {as_day(ours.as_of)} | {as_count(ours.trades)} | {counts} | {ours.retracted} | "
            f"{as_count(ours.bin_exits)} | {as_count(ours.bins)} | {theirs.recorded} |"
        )


def _by_pair(study: Study) -> Iterator[str]:
    yield "Three bots together; the account, in bps a day. Where nothing differs, one interval in twenty"
    yield "leaves zero out all the same."
    yield ""
    yield "| pair | trades, defaults | the gate: trades | account | the seed's gate: trades | account |"
    yield "|---|---:|---:|---:|---:|---:|"
    outside = dict.fromkeys(LEARNERS, 0)
    pairs = _served(study)
    for pair in pairs:
        cells = []
        for arm in LEARNERS:
            found = study.effect(arm, pair=pair)
            same = found.same_trades
            outside[arm] += found.account.leaves_zero_out and not same
            cells.append(
                "as the defaults | " if same else f"{as_count(found.arm_trades)} | {_interval(found.account)}"
            )
        yield f"| {pair.split('/')[0]} | {as_count(found.default_trades)} | {' | '.join(cells)} |"
    yield ""
    yield (
        "; ".join(
            f"{NAMES[arm]}: {outside[arm]} of {len(pairs)} intervals leave zero out" for arm in LEARNERS
        )
        + "."
    )


def _served(study: Study) -> list[str]:
    return [pair for pair in study.market.pairs if pair not in study.not_served]


def _earned(ratio: float) -> str:
    return f"{as_percent(ratio, 0, sign=True)} of one position"


def _bps(value: float | None) -> str:
    return "n/a" if value is None else f"{_shown(value)} bps"


def _shown(value: float) -> str:
    """Return a number with its sign and one digit; what rounds to zero is zero, on no side of it."""
    return f"{round(value, 1) + 0.0:+.1f}"


def _times(leverage: float | None) -> str:
    return "n/a" if leverage is None else f"{leverage:.2f}x"


def _money(found: Interval) -> str:
    if found.low is None or found.high is None:
        return f"{found.mean:+,.2f} USDT"
    return f"{found.mean:+,.2f} USDT ({found.low:+,.2f} to {found.high:+,.2f})"


def _interval(found: Interval | None) -> str:
    if found is None:
        return "n/a"
    if found.low is None or found.high is None:
        return _bps(found.mean)
    return f"{_bps(found.mean)} ({_shown(found.low)} to {_shown(found.high)})"
