import pytest

from freqfleet.errors import ParameterError
from freqfleet.learning.pending import PendingParameters
from freqfleet.testing.trades import version


def test_versions_come_back_as_they_were_in_order(tmp_path):
    pending = PendingParameters(tmp_path / "services" / "waiting.json")
    first, second = version(take_profit=0.04), version(take_profit=0.05, pair="ETH/USDT:USDT")

    pending.add([first])
    pending.add([second])

    assert pending.read() == [first, second]


def test_no_file_is_nothing_waiting(tmp_path):
    assert PendingParameters(tmp_path / "waiting.json").read() == []


def test_retired_file_waits_no_more_and_is_kept_under_another_name(tmp_path):
    pending = PendingParameters(tmp_path / "waiting.json")
    pending.add([version()])

    away = pending.retire()

    assert pending.read() == []
    assert away.name == "waiting.json.published"


def test_nothing_half_written_is_left_beside_it(tmp_path):
    PendingParameters(tmp_path / "waiting.json").add([version()])

    assert [file.name for file in tmp_path.iterdir()] == ["waiting.json"]


@pytest.mark.parametrize(
    "text", ["", "[1]", '{"schema": 2, "versions": []}', '{"schema": 1}', '{"schema": 1, "versions": [{}]}']
)
def test_damaged_file_is_refused_by_name_and_left_alone(tmp_path, text):
    file = tmp_path / "waiting.json"
    file.write_text(text)

    with pytest.raises(ParameterError, match=r"waiting\.json, where an earlier run left its results"):
        PendingParameters(file).add([version()])

    assert file.read_text() == text
