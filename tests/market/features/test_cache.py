"""Tables are kept by content: what changes has another key, and a damaged file is no lasting harm."""

from __future__ import annotations

import logging

import numpy as np

from freqfleet.market.features.cache import FeatureFiles, FeatureMemory, content_key
from freqfleet.market.features.table import feature_table
from freqfleet.testing.candle_frames import random_walk_candles, with_made_up_context

PAIR = "BTC/USDT:USDT"


def market(candle_count: int = 700):
    rng = np.random.default_rng(9)
    return with_made_up_context(random_walk_candles(rng, candle_count), rng)


def test_a_table_is_computed_once_and_then_read(tmp_path):
    files, candles = FeatureFiles(tmp_path), market()

    first, second = files.table(PAIR, candles), files.table(PAIR, candles)

    np.testing.assert_array_equal(first, feature_table(candles))
    np.testing.assert_array_equal(second, first)
    assert (files.hits, files.misses) == (1, 1)


def test_one_other_number_is_another_content():
    candles = market()
    for name in ("close", "volume", "leader_close", "funding_rate"):
        other = candles.copy()
        other.loc[650, name] = 99.0

        assert content_key(other) != content_key(candles), name
    assert content_key(candles.drop(columns="leader_close")) != content_key(candles)
    assert content_key(candles.copy()) == content_key(candles)


def test_other_code_is_another_content(monkeypatch):
    candles = market()
    before = content_key(candles)

    monkeypatch.setattr("freqfleet.market.features.cache.feature_code_hash", lambda: "of another version")

    assert content_key(candles) != before


def test_half_a_file_is_computed_anew_and_said(tmp_path, caplog):
    files, candles = FeatureFiles(tmp_path), market()
    whole = np.array(files.table(PAIR, candles))
    (file,) = tmp_path.glob("*.npy")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    with caplog.at_level(logging.WARNING):
        again = files.table(PAIR, candles)

    np.testing.assert_array_equal(again, whole)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_old_contents_of_a_pair_are_removed(tmp_path):
    files = FeatureFiles(tmp_path)
    for candle_count in range(610, 617):
        files.table(PAIR, market(candle_count))
    files.table("ETH/USDT:USDT", market(610))

    names = sorted(file.name.rsplit("-", 1)[0] for file in tmp_path.iterdir())

    assert names == ["BTC_USDT_USDT"] * 4 + ["ETH_USDT_USDT"]


def test_memory_gives_the_same_table_to_everybody_and_nobody_can_change_it():
    memory, candles = FeatureMemory(), market()

    table = memory.table(candles)

    assert memory.table(candles.copy()) is table
    assert not table.flags.writeable
    assert memory.table(market(650)) is not table
