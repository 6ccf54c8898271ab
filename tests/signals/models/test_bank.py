"""A bank of versions: point in time, checked, and swapped under a bot that runs."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lightgbm", reason="freqfleet[feeders] is not installed")

from freqfleet.clock import to_ms
from freqfleet.domain.triple_barrier import TripleBarrier
from freqfleet.errors import InputError, ModelError, ModelMismatch
from freqfleet.market.features.cache import FeatureMemory
from freqfleet.signals.learned import LearnedFeeder
from freqfleet.signals.models.bank import FeederBank, load_model
from freqfleet.signals.models.certificate import read_certificate
from freqfleet.signals.recipes import Recipe
from freqfleet.testing.candle_frames import START, random_walk_candles
from freqfleet.testing.taught_feeders import AGELESS, teach

SMALL = Recipe(
    name="small",
    idea="For tests.",
    features=("trend_adx_14", "hour_rsi_5", "momentum_move_6"),
    barrier=TripleBarrier(target_atr=3.0, stop_atr=2.0, horizon_candles=24),
)
OTHER = Recipe(name="other", idea="For tests.", features=("shape_body_0",), barrier=SMALL.barrier)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def taught(tmp_path_factory) -> Path:
    """Three versions of `small`: valid from the start, after three days, after four."""
    folder = tmp_path_factory.mktemp("bank")
    for days, seed in ((0, 1), (3, 2), (4, 3)):
        teach(folder, [SMALL], valid_from=START + days * DAY, created_at=START + 10 * DAY, seed=seed)
    return folder


@pytest.fixture
def bank(taught, tmp_path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(taught, tmp_path / "bank"))


def feeder(folder: Path, *, max_age: timedelta = AGELESS, newest: int | None = None) -> LearnedFeeder:
    return LearnedFeeder(SMALL, FeederBank(folder, max_age=max_age), features=FeatureMemory(), newest=newest)


def market(candle_count: int = 1500):
    return random_walk_candles(np.random.default_rng(5), candle_count, sigma_ratio=0.003)


def by_version(folder: Path) -> list[np.ndarray]:
    """What each version alone says, oldest first."""
    found = []
    for version in sorted(folder.iterdir()):
        alone = folder.parent / f"alone-{version.name}"
        if not alone.exists():
            shutil.copytree(version, alone / version.name)
        found.append(feeder(alone).score(market()).long)
    return found


def test_a_candle_is_scored_by_the_newest_version_that_was_valid_when_it_opened(bank):
    alone = by_version(bank)
    third, fourth = 3 * 288, 4 * 288  # candles of five minutes a day

    scores = feeder(bank).score(market()).long

    np.testing.assert_array_equal(scores[:third], alone[0][:third])
    np.testing.assert_array_equal(scores[third:fourth], alone[1][third:fourth])
    np.testing.assert_array_equal(scores[fourth:], alone[2][fourth:])
    assert not np.array_equal(alone[0][600:third], alone[1][600:third], equal_nan=True)


def test_before_the_first_version_nobody_speaks(bank):
    shutil.rmtree(min(bank.iterdir()))

    scores = feeder(bank).score(market()).long

    assert np.isnan(scores[: 3 * 288]).all()
    assert not np.isnan(scores[3 * 288 :]).any()


def test_a_model_that_is_too_old_does_not_speak(bank):
    scores = feeder(bank, max_age=timedelta(hours=6)).score(market()).long

    spoken = np.flatnonzero(~np.isnan(scores))
    assert spoken.tolist() == [*range(864, 864 + 72), *range(1152, 1152 + 72)]


def test_a_new_version_is_seen_without_a_restart(bank, tmp_path):
    later = max(bank.iterdir())
    kept = later.rename(tmp_path / later.name)
    running = feeder(bank)
    before = running.score(market()).long

    kept.rename(bank / later.name)

    after = running.score(market()).long
    np.testing.assert_array_equal(after[: 4 * 288], before[: 4 * 288])
    assert not np.array_equal(after[4 * 288 :], before[4 * 288 :])


def test_a_live_bot_scores_the_newest_candles_only_and_the_same(bank):
    whole, newest = feeder(bank).score(market()), feeder(bank, newest=3).score(market())

    np.testing.assert_array_equal(newest.long[-3:], whole.long[-3:])
    np.testing.assert_array_equal(newest.short[-3:], whole.short[-3:])
    assert np.isnan(newest.long[:-3]).all()


def test_half_a_model_is_refused_by_its_file_and_the_version_before_speaks(bank, caplog):
    file = max(bank.iterdir()) / "small-long.txt"
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(
        ModelError, match=r"small-long\.txt is not the model of its certificate \(500 bytes\)"
    ):
        load_model(file.with_name("small.json"), SMALL)

    scores = feeder(bank).score(market()).long

    assert [record.levelname for record in caplog.records] == ["ERROR"]
    np.testing.assert_array_equal(scores[3 * 288 :], by_version(bank)[1][3 * 288 :])


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"schema": 1}', '{"schema": 9}'])
def test_a_broken_certificate_is_refused_by_its_file(bank, damage):
    file = max(bank.iterdir()) / "small.json"
    file.write_text(damage, encoding="utf-8")

    with pytest.raises(ModelError, match=r"small\.json"):
        read_certificate(file)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (("trend_adx_14", "hour_rsi_5"), "with momentum_move_6"),
        (("trend_adx_14", "hour_rsi_5", "momentum_move_6", "shape_gap"), "without shape_gap"),
        (("hour_rsi_5", "trend_adx_14", "momentum_move_6"), "in another order"),
    ],
)
def test_other_features_are_refused(bank, features, message):
    recipe = Recipe(name="small", idea="Changed.", features=features, barrier=SMALL.barrier)

    with pytest.raises(ModelMismatch, match=message):
        load_model(max(bank.iterdir()) / "small.json", recipe)


def test_a_version_without_a_feeder_leaves_its_older_model_in_force(bank):
    for file in max(bank.iterdir()).glob("small*"):
        file.unlink()

    scores = feeder(bank).score(market()).long

    np.testing.assert_array_equal(scores[3 * 288 :], by_version(bank)[1][3 * 288 :])


def test_what_is_no_version_is_left_alone(bank):
    (bank / ".writing-20250105T000000Z-20250111T000000Z-77").mkdir()
    (bank / "notes").mkdir()

    assert len(FeederBank(bank, max_age=AGELESS).versions()) == 3


def test_no_folder_is_an_empty_bank(tmp_path):
    empty = FeederBank(tmp_path / "nothing", max_age=AGELESS)

    assert empty.versions() == ()
    assert empty.epochs(SMALL, to_ms(START), to_ms(START + DAY)) == []


def test_a_certificate_survives_its_file(taught):
    file = min(taught.iterdir()) / "small.json"

    certificate = read_certificate(file)

    assert certificate.to_json() == file.read_text(encoding="utf-8")
    assert certificate.features == SMALL.features
    assert certificate.valid_from == START
    assert set(certificate.libraries) == {"lightgbm", "numpy", "talib"}
    assert json.loads(certificate.to_json())["label"]["horizon_candles"] == 24


def test_a_version_is_never_written_twice(bank):
    with pytest.raises(InputError, match="never written twice"):
        teach(bank, [OTHER], valid_from=START, created_at=START + 10 * DAY)
