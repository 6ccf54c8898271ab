import pytest

from parity.comparison import Comparison, Difference
from parity.report import page


def compared(*, same: int, different: int, reason: str) -> Comparison:
    found = Comparison(title="A part")
    difference = Difference(trade="BTC", kind="stop", theirs="at 1", ours="at 2", reason=reason)
    for number in range(same + different):
        found.add("stop", same=number < same, difference=difference)
    return found


def test_every_exit_reproduced_reaches_the_bar():
    compared(same=1000, different=0, reason="").must_reach(0.999, at_least=1000)


@pytest.mark.parametrize(
    ("same", "different", "reason", "said"),
    [
        (10, 0, "", "only 10 stop and target exits"),
        (999, 1, "", "1 unexplained"),
        (998, 2, "known", "99.8000%"),
    ],
)
def test_too_few_unexplained_or_below_the_bar_fails(same: int, different: int, reason: str, said: str):
    with pytest.raises(AssertionError, match=said):
        compared(same=same, different=different, reason=reason).must_reach(0.999, at_least=1000)


def test_what_was_kept_for_the_report_reads_back_and_shows_each_difference():
    found = compared(same=3, different=1, reason="")
    found.left_out["force_exit"] += 2

    text = page([Comparison.from_dict(found.to_dict())], "2026.9")

    assert "| stop | 4 | 3 | 75.0000% |" in text
    assert "Not replayed: force_exit 2." in text
    assert "- BTC: at 1; replay at 2. UNEXPLAINED" in text
