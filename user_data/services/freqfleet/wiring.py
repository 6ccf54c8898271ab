"""The composition root: the only file that chooses concrete stores, clocks and feeders.

Everything else receives what it needs. Imports stand inside the functions: `freqfleet --help` loads
none of them, and a bot loads no optimizer.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freqfleet.clock import SystemClock
from freqfleet.errors import SettingsError, StoreDamaged, StoreUnavailable, UnreachableError
from freqfleet.parameters.book import ParameterBook
from freqfleet.settings import Settings, load_settings
from freqfleet.store.damage import inode, is_sqlite, move_aside
from freqfleet.store.fleet_state import FLEET_STATE
from freqfleet.store.heartbeat import HEARTBEATS, heartbeats
from freqfleet.store.promise import LearningStore

if TYPE_CHECKING:
    from freqfleet.runtime.bookkeeper import BookKeeper
    from freqfleet.runtime.bot import FleetBot
    from freqfleet.runtime.caution import Caution
    from freqfleet.runtime.freqai_door import BankDoor
    from freqfleet.runtime.leverage import LeverageRule
    from freqfleet.runtime.switchboard import Switchboard
    from freqfleet.signals.ensemble import Ensemble
    from freqfleet.signals.learned import LearnedFeeder
    from freqfleet.signals.models.bank import FeederBank
    from freqfleet.signals.recipes import Recipe
    from freqfleet.store.last_book import LastBook, SavedVersions
    from freqfleet.store.outbox import Outbox
    from freqfleet.trades.freqtrade_db import FreqtradeDatabase
    from freqfleet.trades.host_trade import ClosingTrade

logger = logging.getLogger(__name__)

# scheme -> how its URL looks
STORE_SCHEMES = {
    "sqlite": "sqlite:///user_data/learning.sqlite",
    "postgresql": "postgresql+psycopg://user@host/database",
    "influxdb": "influxdb://host:8086",
    "influxdbs": "influxdbs://host:8086?write=v2&org=NAME",
}
_LIVE_CANDLES = 3  # an entry is decided on the last two; one more where a loop was late
_TRADING_MODES = frozenset({"live", "dry_run"})
_outboxes: dict[tuple[Path, str], Outbox] = {}  # one of a file in a process, also when a bot is reloaded
_TIMEFRAME = timedelta(minutes=5)
_ORDERS_EVERY = timedelta(seconds=5)
LEARNERS = frozenset({"controller", "optimize"})  # whose heartbeat the dead-man timer hears
_WIDEST_HOST_STOPLOSS = -0.99  # freqtrade takes nothing below -1
_LARGE_STAKE_QUOTE = 100_000.0  # for the tier, where the config leaves the stake open


def open_store(settings: Settings) -> LearningStore:
    """Open the learning store of these settings; a SQLite file is created where there is none.

    Raises SettingsError for a URL no body knows, for a secret inside the URL and for one that is none;
    StoreUnavailable where the store does not answer.
    """
    from freqfleet.store.secret import read_secret

    store = settings.store
    url = settings.database_url(store.url)
    scheme = url.partition("://")[0].partition("+")[0] if "://" in url else ""
    if scheme not in STORE_SCHEMES:
        known = ", ".join(STORE_SCHEMES.values())
        shown = scheme or url
        raise SettingsError(f"no learning store speaks {shown!r}; [store] url must be one of: {known}")
    secret = read_secret(store.token, None if store.token_file is None else settings.path(store.token_file))
    if not scheme.startswith("influxdb"):
        from freqfleet.store.sql import SqlStore

        return SqlStore(url, timeout_seconds=store.timeout_seconds, secret=secret)
    try:
        from freqfleet.store.influx import InfluxStore
    except ImportError as error:
        raise SettingsError(
            f"a store on InfluxDB needs {error.name}; pip install 'freqfleet[influx]'"
        ) from None
    return InfluxStore(
        url,
        trade_buckets={name: bot.trades for name, bot in settings.bots.items()},
        secret=secret,
        timeout_seconds=store.timeout_seconds,
    )


def open_store_to_write(settings: Settings) -> LearningStore:
    """Open the store for a program that can fill it again; a damaged SQLite file is moved aside first.

    The parameters that bots had saved are published again; they keep their ids, so nothing doubles.
    Raises what `open_store` raises; StoreDamaged for a file that was never SQLite's.
    """
    file = sqlite_store_file(settings)
    seen = inode(file) if file is not None else None
    try:
        store = open_store(settings)
        try:
            store.health()
        except StoreDamaged:
            store.close()
            raise
        return store
    except StoreDamaged as error:
        if file is None or not put_aside(file, seen, error):
            raise
    store = open_store(settings)
    books = _saved_books(settings)
    versions = {one.version_id: one for book in books for one in book.versions}
    receipt = store.publish_parameters(sorted(versions.values(), key=lambda one: one.recorded_at))
    records = store.record_bins([one for book in books for one in book.records])
    logger.warning(
        "%d parameter versions and %d bin records restored from the bots' last good books",
        receipt.accepted, records.accepted,
    )  # fmt: skip
    return store


def put_aside(file: Path, seen: int | None, error: StoreDamaged) -> bool:
    """Move a damaged store aside, aloud; False where it is no SQLite file or was replaced meanwhile."""
    away = move_aside(file, seen, SystemClock().now()) if is_sqlite(file) else None
    if away is None:
        return False
    logger.warning("%s; moved to %s, a new store is made in its place", error, away)
    return True


def _saved_books(settings: Settings) -> list[SavedVersions]:
    from freqfleet.store.last_book import LAST_BOOKS

    files = sorted(settings.path(LAST_BOOKS).glob("*.json"))
    loaded = [saved_book(settings, file.stem).load() for file in files]
    return [one for one in loaded if one is not None]


def saved_book(settings: Settings, bot: str) -> LastBook:
    """Return where a bot keeps its last good parameters."""
    from freqfleet.store.engine import describe, parse_store_url
    from freqfleet.store.last_book import LAST_BOOKS, LastBook

    store = describe(parse_store_url(settings.database_url(settings.store.url)))
    return LastBook(settings.path(LAST_BOOKS) / f"{bot}.json", store=store)


def sqlite_store_file(settings: Settings) -> Path | None:
    """Return the file of a SQLite store, None for any other store."""
    scheme = "sqlite:///"
    url = settings.database_url(settings.store.url)
    return Path(url.removeprefix(scheme)) if url.startswith(scheme) else None


def load_book(
    settings: Settings, *, deadline_seconds: float | None = None, now_only: bool = False
) -> ParameterBook:
    """Read every parameter version and bin record; with a deadline for each call where one is given.

    now_only : of bin records the last of each level, for a bot that never asks about the past.
    Raises StoreUnavailable where there is no store yet: a bot reads, it does not create one.
    """
    from freqfleet.parameters.records import RecordBook
    from freqfleet.store.deadline_store import DeadlineStore

    store: LearningStore = (
        _existing_store(settings)
        if deadline_seconds is None
        else DeadlineStore(lambda: _existing_store(settings), seconds=deadline_seconds)
    )
    try:
        return ParameterBook(
            store.parameter_versions(),
            defaults=settings.defaults.parameters(),
            records=RecordBook(store.bin_records(newest_only=now_only)),
        )
    finally:
        store.close()


def _existing_store(settings: Settings) -> LearningStore:
    """Open the store for a bot, which makes no SQLite file: that is `freqfleet sync`'s."""
    file = sqlite_store_file(settings)
    if file is not None and not file.exists():
        raise StoreUnavailable(f"no learning store at {file}; `freqfleet sync` makes one")
    return open_store(settings)


def make_ensemble(settings: Settings, *, newest: int | None = None) -> Ensemble:
    """Return who votes, and how many of them must agree; which of the two kinds it is, is logged.

    newest : score only so many candles at the end of a frame, as a live bot needs; None scores all.
    Raises SettingsError for a feeder nobody knows, or for `use = "bank"` without a version.
    """
    from freqfleet.signals.ensemble import Ensemble
    from freqfleet.signals.feeders.registry import FEEDERS

    learned = [] if settings.feeders.use == "rules" else _learned_feeders(settings, newest)
    if not learned:
        if settings.feeders.use == "bank":
            raise SettingsError(
                f'[feeders] use = "bank", but {feeder_bank(settings).folder} holds no version that can be '
                "used; train one: freqfleet feeders train"
            )
        return Ensemble(FEEDERS, min_votes=settings.runtime.min_votes)
    return Ensemble(learned, min_votes=min(settings.feeders.min_votes, len(learned)))


def feeder_bank(settings: Settings) -> FeederBank:
    """Return the bank of trained feeders; a folder that is not there is an empty one."""
    from freqfleet.signals.models.bank import FeederBank

    feeders = settings.feeders
    return FeederBank(
        settings.path(feeders.bank),
        max_age=timedelta(days=feeders.max_age_days),
        only_paying=feeders.only_paying,
    )


def chosen_recipes(settings: Settings) -> tuple[Recipe, ...]:
    """Return the feeders that learn, those of `[feeders] names`; raises SettingsError for an unknown one."""
    from freqfleet.signals.feeders.registry import RECIPES

    known = {recipe.name: recipe for recipe in RECIPES}
    for name in settings.feeders.names:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(known)}"
            raise SettingsError(f"[feeders] names: no feeder {name!r} learns; {hint}")
    return tuple(known[name] for name in settings.feeders.names) or RECIPES


def _learned_feeders(settings: Settings, newest: int | None) -> list[LearnedFeeder]:
    """Return the feeders that have a model, in the order of their names; what is missing is said."""
    from freqfleet.market.features.cache import FeatureMemory
    from freqfleet.signals.learned import LearnedFeeder
    from freqfleet.signals.models.bank import newest_models

    recipes, bank = chosen_recipes(settings), feeder_bank(settings)
    models = newest_models(bank, recipes)
    if not models:
        logger.warning(
            "no feeder bank at %s: the rule feeders vote; `freqfleet feeders train` makes one", bank.folder
        )
        return []
    silent = [recipe.name for recipe in recipes if recipe.name not in models]
    logger.info(
        "feeder bank %s: %d versions, %d feeders vote%s",
        bank.folder,
        len(bank.versions()),
        len(models),
        f"; without a model: {', '.join(silent)}" if silent else "",
    )
    memory = FeatureMemory()
    return [
        LearnedFeeder(recipe, bank, features=memory, newest=newest)
        for recipe in recipes
        if recipe.name in models
    ]


def open_bank_ensemble(host: Mapping[str, Any]) -> Ensemble:
    """Return the bank's feeders for a FreqAI strategy; raises SettingsError where the bank has none.

    host : freqtrade's configuration.
    """
    settings = load_settings(Path(host["user_data_dir"]))
    required = settings.feeders.model_copy(update={"use": "bank"})
    return make_ensemble(settings.model_copy(update={"feeders": required}))


def open_bank_door(host: Mapping[str, Any]) -> BankDoor:
    """Return what the FreqAI model class delegates to; raises SettingsError where the bank is empty."""
    from freqfleet.runtime.freqai_door import BankDoor

    bank = feeder_bank(load_settings(Path(host["user_data_dir"])))
    return BankDoor(open_bank_ensemble(host), [version.folder.name for version in bank.versions()])


def open_bot(
    bot: str,
    *,
    host: Mapping[str, Any],
    protections: Iterable[dict[str, Any]],
    dissent_allowed: bool = True,
) -> FleetBot:
    """Build what a strategy delegates to.

    host : freqtrade's configuration.
    protections : the strategy's own; its StoplossGuard entries are served by runtime/stop_guard.py.
    dissent_allowed : False refuses an entry while any feeder votes for the other side.
    Raises SettingsError for a bot that fleet.toml does not know; that stops freqtrade's start.
    """
    from freqfleet.runtime.bot import FleetBot, Sizing
    from freqfleet.runtime.entries import EntryPolicy
    from freqfleet.runtime.path_ledger import PathLedger
    from freqfleet.runtime.plans import PlanLedger

    settings = load_settings(Path(host["user_data_dir"]))
    if bot not in settings.bots:
        raise SettingsError(f"fleet.toml has no [bots.{bot}]; it knows {', '.join(settings.bots)}")
    trading = str(host["runmode"]) in _TRADING_MODES
    books = _book_keeper(bot, settings, trading=trading)
    books.start()
    logger.info("%s: %s", bot, _book_line(books, settings))
    leverage = leverage_rule(settings, host.get("stake_amount"))
    check_stoploss(bot, float(host["stoploss"]), leverage)
    guarded = trading or bool(host.get("enable_protections"))
    ensemble = make_ensemble(settings, newest=_LIVE_CANDLES if trading else None)
    return FleetBot(
        bot,
        ensemble=ensemble,
        policy=EntryPolicy(
            sides=settings.bots[bot].sides,
            min_votes=ensemble.min_votes,
            dissent_allowed=dissent_allowed,
            weighted=not dissent_allowed,
        ),
        books=books,
        ledger=PlanLedger(persistent=trading),
        paths=PathLedger(timeframe=_TIMEFRAME, persistent=trading),
        sizing=Sizing(
            leverage=leverage,
            stake_by_evidence=settings.runtime.stake_by_evidence,
            tighten_open_trades=settings.runtime.tighten_open_trades,
        ),
        caution=_caution(bot, settings, protections, trading=trading, guarded=guarded),
        host_protections=_host_protections(settings) if guarded else (),
        persistent=trading,
        on_close=_on_close(bot, settings, host) if trading else None,
    )


def _on_close(
    bot: str, settings: Settings, host: Mapping[str, Any]
) -> Callable[[ClosingTrade, str], None] | None:
    """Return what takes a closed trade to the store; None where only `sync` can tell whose it is."""
    from sqlalchemy.engine import make_url

    from freqfleet.domain.closed_trade import TradeMode
    from freqfleet.trades.freqtrade_db import FreqtradeDatabase
    from freqfleet.trades.host_trade import closed_trade_of

    url = str(host.get("db_url", ""))
    if not url or make_url(url).database in (None, "", ":memory:"):
        logger.warning("%s: its database is in memory, so its trades do not reach the learning store", bot)
        return None
    outbox = _running_outbox(bot, settings, FreqtradeDatabase(url, bot=bot))
    mode = TradeMode.LIVE if str(host["runmode"]) == "live" else TradeMode.DRY_RUN

    def on_close(trade: ClosingTrade, version: str) -> None:
        outbox.put(closed_trade_of(trade, bot=bot, mode=mode, parameter_version=version))

    return on_close


def _running_outbox(bot: str, settings: Settings, database: FreqtradeDatabase) -> Outbox:
    """Start the outbox of a bot; a bot that is reloaded goes on with the one that runs."""
    import atexit
    from dataclasses import replace

    from freqfleet.domain.closed_trade import ClosedTrade
    from freqfleet.store.deadline_store import DeadlineStore
    from freqfleet.store.outbox import Outbox
    from freqfleet.store.outbox_file import OUTBOXES, Item
    from freqfleet.trades.freqtrade_db import EMPTY_INSTANCE
    from freqfleet.trades.host_trade import UNKNOWN_INSTANCE

    file = settings.path(OUTBOXES) / f"{bot}.sqlite"
    key = (file.resolve(), settings.store.url)
    if key in _outboxes:
        return _outboxes[key]
    known: list[str] = []

    def prepare(item: Item) -> Item:
        if not isinstance(item, ClosedTrade) or item.instance != UNKNOWN_INSTANCE:
            return item
        if not known:
            instance = database.inventory().instance
            if instance == EMPTY_INSTANCE:
                raise UnreachableError(f"{database.description} does not hold the closed trade yet")
            known.append(instance)
        return replace(item, instance=known[0])

    store = DeadlineStore(lambda: _existing_store(settings), seconds=settings.store.deadline_seconds)
    outbox = Outbox(file, store, clock=SystemClock(), prepare=prepare)
    outbox.start()
    atexit.register(outbox.close, timeout_seconds=2.0)
    _outboxes[key] = outbox
    return outbox


def leverage_rule(settings: Settings, stake_amount: Any) -> LeverageRule:
    """Return how bots choose leverage. stake_amount : of the host's config, a number or `unlimited`."""
    from freqfleet.market.leverage_tiers import load_leverage_tiers
    from freqfleet.runtime.leverage import LeverageRule

    runtime = settings.runtime
    fixed = isinstance(stake_amount, int | float) and not isinstance(stake_amount, bool)
    return LeverageRule(
        wanted=runtime.leverage,
        by_evidence=runtime.leverage_by == "evidence",
        tiers=load_leverage_tiers() if runtime.stop_inside_liquidation else None,
        liquidation_margin=runtime.liquidation_margin,
        stake_quote=float(stake_amount) if fixed else _LARGE_STAKE_QUOTE,
    )


def check_stoploss(bot: str, stoploss: float, leverage: LeverageRule) -> None:
    """Refuse a class-level `stoploss` that would end positions before their plan's stop does.

    stoploss : margin-level, from the strategy or the bot's config. Raises SettingsError with the remedy.
    """
    widest = max(leverage.widest_margin_stop, _WIDEST_HOST_STOPLOSS)
    if stoploss > widest:
        raise SettingsError(
            f"{bot}: stoploss is {stoploss:g} (margin-level), but plans may reach down to {widest:.3g}: it "
            f"would end positions before their own stop; take `stoploss` out of the config, or set it to "
            f"{_WIDEST_HOST_STOPLOSS:g}"
        )


def _caution(
    bot: str,
    settings: Settings,
    protections: Iterable[dict[str, Any]],
    *,
    trading: bool,
    guarded: bool,
) -> Caution:
    from freqfleet.runtime.breakers import Breakers
    from freqfleet.runtime.caution import Caution
    from freqfleet.runtime.stop_guard import stop_guard_rules

    breakers = settings.breakers
    breaking = guarded and breakers.enabled
    return Caution(
        stop_guard=stop_guard_rules(protections, timeframe_minutes=5) if guarded else (),
        breakers=Breakers(
            daily_loss_ratio=breakers.daily_loss or None,
            consecutive_losses=breakers.consecutive_losses or None,
            trades_per_day=breakers.trades_per_day or None,
        )
        if breaking
        else None,
        # A backtest knows no operator and no other bots; it measures its own drawdown where breakers are on.
        switchboard=_switchboard(bot, settings, trading=trading) if trading or breaking else None,
        entries_when_degraded=settings.runtime.entries_when_degraded,
        book_max_age=timedelta(hours=settings.refresh.max_age_hours) if trading else None,
    )


def _switchboard(bot: str, settings: Settings, *, trading: bool) -> Switchboard:
    from freqfleet.runtime.switchboard import Switchboard
    from freqfleet.store.fleet_state import FleetState

    hours = settings.runtime.learner_silence_hours

    def last_beat() -> datetime | None:
        beats = (one.at for one in heartbeats(settings.path(HEARTBEATS)) if one.service in LEARNERS)
        return max(beats, default=None)

    board = Switchboard(
        bot,
        limits=settings.kill_switch.limits(),
        clock=SystemClock(),
        state=FleetState(settings.path(FLEET_STATE)) if trading else None,
        last_beat=last_beat,
        silence_limit=timedelta(hours=hours) if hours else None,
        refresh_every=_ORDERS_EVERY if trading else None,
    )
    board.start()
    return board


def _host_protections(settings: Settings) -> tuple[dict[str, Any], ...]:
    from freqfleet.runtime.breakers import host_protections

    breakers = settings.breakers
    if not breakers.enabled:
        return ()
    return tuple(
        host_protections(cooldown_minutes=breakers.cooldown_minutes, drawdown_ratio=breakers.drawdown)
    )


def _book_keeper(bot: str, settings: Settings, *, trading: bool) -> BookKeeper:
    from freqfleet.parameters.records import RecordBook
    from freqfleet.runtime.bookkeeper import BookKeeper, Recalled

    exits = settings.defaults.parameters()
    defaults = ParameterBook((), defaults=exits)
    uses_book = settings.runtime.parameters == "book"
    clock = SystemClock()
    last = saved_book(settings, bot) if trading and uses_book else None

    def load() -> ParameterBook:
        if not uses_book:
            return defaults
        return load_book(settings, deadline_seconds=settings.store.deadline_seconds, now_only=trading)

    def recall() -> Recalled | None:
        saved = last.load() if last is not None else None
        if saved is None:
            return None
        records = RecordBook(saved.records)
        book = ParameterBook(saved.versions, defaults=exits, records=records)
        return Recalled(book=book, loaded_at=saved.saved_at)

    return BookKeeper(
        load,
        defaults=defaults,
        clock=clock,
        max_age=timedelta(hours=settings.refresh.max_age_hours),
        refresh_every=timedelta(seconds=settings.refresh.parameters_seconds) if trading else None,
        recall=recall,
        keep=(lambda book, loaded_at: last.save(book.versions, loaded_at, book.records.records))
        if last is not None
        else None,
    )


def _book_line(books: BookKeeper, settings: Settings) -> str:
    if settings.runtime.parameters == "defaults":
        return "trading on the defaults, as [runtime] parameters says"
    if books.age_seconds is None:
        return "no parameters could be loaded: trading on the defaults until they can"
    now = SystemClock().now()
    champions = books.book(now).champions(now)
    pairs = len({one.key.pair for one in champions if one.key.pair is not None})
    return f"Loaded Optuna params for {pairs} pairs ({len(champions)} versions in force)"
