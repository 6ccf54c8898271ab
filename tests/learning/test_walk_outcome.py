"""A walk as a document."""

from __future__ import annotations

from freqfleet.domain.bin_record import BinRecord
from freqfleet.domain.decisions import Verdict
from freqfleet.learning.walk_outcome import walk_document
from walkcases import make_world, store_of, walk


def test_the_document_of_a_walk_counts_verdicts_and_names_versions():
    candles, trades = make_world()
    store = store_of(trades)

    document = walk_document(walk(store, candles))

    assert document["versions"] == len(store.parameter_versions())
    assert document["bin_records"] == len(store.bin_records())
    told = [BinRecord.from_dict(one) for step in document["steps"] for one in step["bins"]["records"]]
    assert sorted(told, key=repr) == sorted(store.bin_records(), key=repr)
    assert [one["version"] for step in document["steps"] for one in step["versions"]] == [
        one.version_id for one in store.parameter_versions()
    ]
    for step in document["steps"]:
        assert sum(step[verdict.value] for verdict in Verdict) == 4  # two pairs, two sides
