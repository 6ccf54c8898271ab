"""What every body of the learning store must do with versions, as tests: a part of StoreContract."""

# ruff: noqa: D102 - the names of the tests are what they document

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from freqfleet.domain.decisions import Evidence
from freqfleet.domain.leverage_bins import LEVERAGE_BINS
from freqfleet.domain.sides import Side
from freqfleet.parameters.book import ParameterBook
from freqfleet.parameters.version import Stage
from freqfleet.store.promise import LearningStore, WriteReceipt
from freqfleet.testing.trades import version

NOON = datetime(2025, 11, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class VersionContract:
    """Append only, and as of a time."""

    # Parameter versions: append only, and as of a time

    def test_a_version_comes_back_equal_with_the_same_id(self, store: LearningStore) -> None:
        published = [
            version(),
            version(
                pair=None,
                side=Side.SHORT,
                leverage_bin=LEVERAGE_BINS[1],
                volatility_scaling=0.5,
                atr_reference_ratio=0.0031,
                stage=Stage.RETIRED,
                evidence=Evidence(
                    trades=234,
                    claim_bps=38.1,
                    p_value=4e-4,
                    bot_trades={"BOT1": 200},
                    plateau_neighbours=9,
                    plateau_mean_profit=0.00215,
                    plateau_least_profit=-0.0003,
                    plateau_widths={"stop_loss": (-0.03, -0.02)},
                    boundary=("take_profit",),
                ),
                run_id="run-2",
            ),
        ]

        receipt = store.publish_parameters(published)

        assert receipt == WriteReceipt(accepted=2)
        assert store.parameter_versions() == published
        assert [one.version_id for one in store.parameter_versions()] == [one.version_id for one in published]

    def test_publishing_again_adds_nothing(self, store: LearningStore) -> None:
        store.publish_parameters([version()])

        receipt = store.publish_parameters([version(), version(run_id="run-2"), version(run_id="run-2")])

        assert receipt == WriteReceipt(accepted=1, duplicate=2)
        assert [one.run_id for one in store.parameter_versions()] == ["run-1", "run-2"]

    def test_the_old_values_stay_when_new_ones_are_published(self, store: LearningStore) -> None:
        store.publish_parameters([version(stop_loss=-0.02)])
        store.publish_parameters([version(stop_loss=-0.03, recorded_at=NOON)])

        assert [one.parameters.stop_loss for one in store.parameter_versions()] == [-0.02, -0.03]

    def test_a_reader_in_the_past_sees_only_what_was_recorded_by_then(self, store: LearningStore) -> None:
        backfilled = version(recorded_at=NOON + MINUTE, valid_from=NOON - 90 * MINUTE, run_id="backfill")
        store.publish_parameters([version(recorded_at=NOON), backfilled])

        assert store.parameter_versions(recorded_to=NOON - MINUTE) == []
        assert [one.run_id for one in store.parameter_versions(recorded_to=NOON)] == ["run-1"]
        assert len(store.parameter_versions(recorded_to=NOON + MINUTE)) == 2

    def test_versions_are_sorted_by_recording_then_by_publication(self, store: LearningStore) -> None:
        store.publish_parameters([version(recorded_at=NOON + MINUTE, run_id="late")])
        store.publish_parameters([version(recorded_at=NOON, run_id="first")])
        store.publish_parameters([version(recorded_at=NOON, run_id="again")])
        store.publish_parameters(
            [version(recorded_at=NOON - MINUTE, valid_from=NOON + 9 * MINUTE, run_id="takes effect last")]
        )

        found = [one.run_id for one in store.parameter_versions()]
        assert found == ["takes effect last", "first", "again", "late"]

    def test_a_version_outside_the_bounds_is_rejected_and_the_others_are_stored(
        self, store: LearningStore
    ) -> None:
        no_stop = version(run_id="no stop")
        object.__setattr__(no_stop.parameters, "stop_loss", 0.0)  # past the checks of the domain
        no_number = version(run_id="no number", evidence=Evidence(sharpe_per_trade=math.nan))

        receipt = store.publish_parameters([no_stop, version(), no_number])

        assert (receipt.accepted, len(receipt.rejected)) == (1, 2)
        assert "stop_loss must lie in -0.3..-0.0025, was 0.0" in receipt.rejected[0]
        assert [one.run_id for one in store.parameter_versions()] == ["run-1"]

    def test_in_force_is_the_last_of_each_key_that_took_effect_by_then(self, store: LearningStore) -> None:
        step = LEVERAGE_BINS[1]
        store.publish_parameters(
            [
                version(run_id="old", recorded_at=NOON - 9 * MINUTE),
                version(run_id="current", recorded_at=NOON - MINUTE),
                version(run_id="backfilled", recorded_at=NOON - MINUTE, valid_from=NOON - 90 * MINUTE),
                version(run_id="valid later", recorded_at=NOON - MINUTE, valid_from=NOON + MINUTE),
                version(run_id="known later", recorded_at=NOON + MINUTE, valid_from=NOON - MINUTE),
                version(run_id="candidate", recorded_at=NOON, stage=Stage.CANDIDATE),
                version(run_id="short", side=Side.SHORT, recorded_at=NOON),
                version(run_id="every pair", pair=None, recorded_at=NOON - 2 * MINUTE),
                version(run_id="bin", leverage_bin=step, recorded_at=NOON - 3 * MINUTE),
                version(run_id="bin of every pair", pair=None, leverage_bin=step, recorded_at=NOON),
                version(run_id="was", pair="ETH/USDT:USDT", recorded_at=NOON - 9 * MINUTE),
                version(run_id="no more", pair="ETH/USDT:USDT", recorded_at=NOON, stage=Stage.RETIRED),
            ]
        )

        now = {one.run_id for one in store.parameters_in_force(NOON)}
        before = {one.run_id for one in store.parameters_in_force(NOON - 5 * MINUTE)}

        assert now == {"backfilled", "short", "every pair", "bin", "bin of every pair", "no more"}
        assert before == {"old", "was"}
        assert store.parameters_in_force(NOON - 90 * MINUTE) == []

    def test_of_many_versions_of_one_millisecond_the_last_published_is_in_force(
        self, store: LearningStore
    ) -> None:
        for number in range(12):
            store.publish_parameters([version(run_id=f"run-{number}", recorded_at=NOON)])

        assert [one.run_id for one in store.parameters_in_force(NOON)] == ["run-11"]

    def test_a_book_of_what_is_in_force_answers_as_a_book_of_everything(self, store: LearningStore) -> None:
        for number in range(40):
            store.publish_parameters(
                [
                    version(
                        run_id=str(number),
                        pair=("BTC/USDT:USDT", "ETH/USDT:USDT", None)[number % 3],
                        recorded_at=NOON + (number * 7 % 11) * MINUTE,
                        valid_from=NOON + (number * 5 % 13) * MINUTE,
                        stage=tuple(Stage)[number * 3 % 7 % 3],
                    )
                ]
            )
        defaults = version().parameters
        everything = ParameterBook(store.parameter_versions(), defaults=defaults)

        for minutes in range(-1, 14):
            at = NOON + minutes * MINUTE
            current = ParameterBook(store.parameters_in_force(at), defaults=defaults)
            for pair in ("BTC/USDT:USDT", "ETH/USDT:USDT", "XRP/USDT:USDT"):
                expected = everything.resolve(pair, Side.LONG, 3.0, at)
                assert current.resolve(pair, Side.LONG, 3.0, at) == expected

    def test_the_history_of_a_pair_is_its_own_and_can_be_one_side(self, store: LearningStore) -> None:
        store.publish_parameters(
            [
                version(run_id="long"),
                version(run_id="short", side=Side.SHORT, recorded_at=NOON),
                version(run_id="other", pair="ETH/USDT:USDT"),
                version(run_id="every pair", pair=None),
            ]
        )

        both = store.parameter_history("BTC/USDT:USDT")
        short = store.parameter_history("BTC/USDT:USDT", Side.SHORT)

        assert [one.run_id for one in both] == ["long", "short"]
        assert [one.run_id for one in short] == ["short"]
