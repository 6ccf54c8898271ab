"""Training on made-up markets: what can be learned is found, what cannot is said to be nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lightgbm", reason="freqfleet[feeders] is not installed")

from freqfleet.clock import FixedClock, to_ms
from freqfleet.domain.sides import Side
from freqfleet.domain.triple_barrier import TripleBarrier
from freqfleet.errors import InputError
from freqfleet.learning.feeder_training.plan import TrainingPlan
from freqfleet.learning.feeder_training.samples import average_uniqueness, gather_samples
from freqfleet.learning.feeder_training.trainer import FeederTrainer, history_moments
from freqfleet.learning.feeder_training.versions import write_version
from freqfleet.market.candles import CandleFiles
from freqfleet.market.features.source import FeatureSource
from freqfleet.market.series import Candles
from freqfleet.signals.feeders.reversion import Reversion
from freqfleet.signals.models.bank import load_model
from freqfleet.signals.recipes import Recipe
from freqfleet.testing.candle_frames import START
from freqfleet.testing.candle_tables import write_candles
from freqfleet.testing.taught_feeders import made_up_market

RECIPE = Recipe(
    name="small",
    idea="What has run comes back.",
    features=("reversion_rsi_7", "reversion_z_20", "momentum_move_6", "shape_body_0"),
    barrier=TripleBarrier(target_atr=1.5, stop_atr=1.5, horizon_candles=12),
)
DAYS = 20
UNTIL = START + timedelta(days=DAYS)
PLAN = TrainingPlan(window=timedelta(days=DAYS), folds=3, min_rows=300, embargo=timedelta(hours=6))


def coming_back(seed: int, pair: str) -> Candles:
    """A price that is pulled back to its mean: what has fallen rises. Known to be predictable."""
    rng = np.random.default_rng(seed)
    level = np.zeros(DAYS * 288 + 1)
    for row in range(1, len(level)):
        level[row] = 0.85 * level[row - 1] + 0.006 * rng.standard_normal()
    price = 100.0 * np.exp(level)
    open_, close = price[:-1].copy(), price[1:].copy()
    return Candles(
        pair=pair,
        timeframe_ms=300_000,
        time_ms=to_ms(START) + 300_000 * np.arange(len(close)),
        open=open_,
        high=np.maximum(open_, close) * 1.001,
        low=np.minimum(open_, close) * 0.999,
        close=close,
        volume=rng.lognormal(3.0, 0.3, len(close)),
    )


@pytest.fixture(scope="module")
def datadir(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("candles")
    files = CandleFiles(folder)
    for seed, pair in enumerate(("AAA/USDT:USDT", "BBB/USDT:USDT", "BTC/USDT:USDT")):
        write_candles(files.path(pair), coming_back(seed, pair))
    short = made_up_market(9, "NEW/USDT:USDT", 576).candles
    write_candles(files.path(short.pair), short)
    still = np.full(3000, 100.0)
    write_candles(
        files.path("STILL/USDT:USDT"),
        Candles(
            pair="STILL/USDT:USDT",
            timeframe_ms=300_000,
            time_ms=to_ms(START) + 300_000 * np.arange(3000),
            open=still.copy(), high=still.copy(), low=still.copy(), close=still.copy(),
            volume=np.ones(3000),
        ),
    )  # fmt: skip
    files.path("BAD/USDT:USDT").write_bytes(b"no feather")
    return folder


def trainer(datadir: Path, plan: TrainingPlan = PLAN, recipes=(RECIPE,), pairs=None) -> FeederTrainer:
    return FeederTrainer(
        FeatureSource(CandleFiles(datadir)),
        recipes=recipes,
        rules=[Reversion()],
        plan=plan,
        clock=FixedClock(UNTIL + timedelta(hours=1)),
        pairs=pairs,
    )


@pytest.fixture(scope="module")
def fit(datadir):
    (found,) = trainer(datadir).fit(UNTIL)
    return found


def test_what_can_be_predicted_is_found_out_of_fold(fit):
    for head in fit.trained.certificate.heads.values():
        metrics = head.metrics

        assert head.abstains is None
        assert metrics["auc"]["low"] > 0.55
        assert metrics["precision"]["value"] > metrics["won_share"] + 0.05
        assert metrics["return_bps"]["low"] > metrics["all_return_bps"]["value"]
        assert metrics["baselines"]["reversion"]["votes"] > 0
        assert metrics["calibration_error"] < 0.08


def test_the_certificate_says_where_the_model_comes_from(fit):
    certificate = fit.trained.certificate

    assert certificate.valid_from == UNTIL
    assert certificate.created_at == UNTIL + timedelta(hours=1)
    assert START <= certificate.train_from < certificate.train_to < UNTIL
    assert certificate.pairs == ("AAA/USDT:USDT", "BBB/USDT:USDT", "BTC/USDT:USDT")
    assert set(certificate.skipped_pairs) == {"BAD/USDT:USDT", "NEW/USDT:USDT", "STILL/USDT:USDT"}
    assert "cannot read" in certificate.skipped_pairs["BAD/USDT:USDT"]
    assert certificate.features == RECIPE.features
    assert (certificate.rows, certificate.stride_candles) == (len(fit.samples), 2)


def test_no_label_of_the_samples_is_known_later_than_the_version(fit):
    assert fit.samples.known_ms.max() <= to_ms(UNTIL)
    assert (fit.samples.known_ms > fit.samples.time_ms).all()


def test_the_same_seed_gives_the_same_version_and_another_one_another(datadir, tmp_path, fit):
    (again,) = trainer(datadir).fit(UNTIL)
    (other,) = trainer(datadir, TrainingPlan(window=PLAN.window, folds=3, min_rows=300, seed=1)).fit(UNTIL)

    assert again.trained == fit.trained
    assert other.trained.models != fit.trained.models


def test_a_version_is_read_back_as_it_was_trained(fit, tmp_path):
    folder = write_version(tmp_path / "bank", [fit.trained])

    model = load_model(folder / "small.json", RECIPE)

    head = model.heads[Side.LONG]
    assert head is not None
    assert head.confidence(fit.samples.features).max() > 0.5
    assert sorted(one.name for one in folder.iterdir()) == ["small-long.txt", "small-short.txt", "small.json"]
    assert [one.name for one in (tmp_path / "bank").iterdir()] == [folder.name]


def test_later_candles_change_no_version(datadir, tmp_path, fit):
    files = CandleFiles(tmp_path)
    for pair in fit.trained.certificate.pairs:
        candles = CandleFiles(datadir).load(pair)
        rows = slice(0, len(candles) - 600)
        cut = {
            name: getattr(candles, name)[rows]
            for name in ("time_ms", "open", "high", "low", "close", "volume")
        }
        write_candles(files.path(pair), Candles(pair=pair, timeframe_ms=300_000, **cut))
    earlier = UNTIL - timedelta(minutes=5 * 600)
    pairs = list(fit.trained.certificate.pairs)

    (short,), (whole,) = (list(trainer(folder, pairs=pairs).fit(earlier)) for folder in (tmp_path, datadir))

    assert short.trained == whole.trained


def test_one_class_only_abstains_and_says_so(datadir):
    never = Recipe(
        name="never",
        idea="Asks for the impossible.",
        features=RECIPE.features,
        barrier=TripleBarrier(target_atr=90.0, stop_atr=90.0, horizon_candles=12),
    )

    (found,) = trainer(datadir, recipes=[never]).fit(UNTIL)

    heads = found.trained.certificate.heads
    assert {head.abstains for head in heads.values()} == {"one class only in the window"}
    assert found.trained.models == {}


def test_too_few_rows_abstain_and_say_so(datadir):
    (found,) = trainer(datadir, TrainingPlan(window=PLAN.window, folds=3, min_rows=10**6)).fit(UNTIL)

    assert "1000000 needed" in str(found.trained.certificate.heads[Side.LONG].abstains)


def test_a_feeder_whose_input_is_missing_is_left_out_and_the_others_go_on(datadir):
    funding = Recipe(
        name="paid",
        idea="Needs funding.",
        features=("funding_rate_bps",),
        barrier=RECIPE.barrier,
        needs=("atr_ratio", "funding_rate_bps"),
    )

    assert [found.recipe.name for found in trainer(datadir, recipes=[funding, RECIPE]).fit(UNTIL)] == [
        "small"
    ]
    with pytest.raises(InputError, match="paid: no pair has rows to learn from"):
        list(trainer(datadir, recipes=[funding]).fit(UNTIL))


def test_no_pair_that_can_be_read_is_an_error(datadir):
    with pytest.raises(InputError, match="no pair can be read"):
        trainer(datadir, pairs=["BAD/USDT:USDT"])


def test_overlapping_labels_share_their_weight():
    alone = average_uniqueness(np.array([0, 10]), np.array([4, 14]))
    doubled = average_uniqueness(np.array([0, 0]), np.array([4, 4]))
    half = average_uniqueness(np.array([0, 2]), np.array([3, 5]))

    assert alone.tolist() == pytest.approx([1.0, 1.0])
    assert doubled.tolist() == pytest.approx([0.5, 0.5])
    assert half.tolist() == pytest.approx([0.75, 0.75])
    assert average_uniqueness(np.empty(0, dtype=int), np.empty(0, dtype=int)).shape == (0,)


def test_rows_of_a_pair_with_many_weigh_less_each():
    markets = [made_up_market(1, "AAA/USDT:USDT", 2500), made_up_market(2, "BBB/USDT:USDT", 900)]

    samples = gather_samples(RECIPE, markets, PLAN, START + timedelta(days=9))

    sums = [samples.sides[Side.LONG].weight[samples.pair == one].sum() for one in (0, 1)]
    rows = [int((samples.pair == one).sum()) for one in (0, 1)]
    assert rows[0] > 4 * rows[1]
    assert sums[0] < 4 * sums[1]


def test_history_moments():
    assert history_moments(START, START + timedelta(days=5), timedelta(days=2)) == [
        START, START + timedelta(days=2), START + timedelta(days=4)
    ]  # fmt: skip
    with pytest.raises(InputError, match="must not be before"):
        history_moments(START, START - timedelta(days=1), timedelta(days=2))
