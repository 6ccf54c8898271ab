from freqfleet.cli.evidence_lines import evidence_lines
from freqfleet.domain.decisions import Evidence
from freqfleet.testing.cards import evidence


def test_the_neighbourhood_is_said_with_its_size_its_mean_and_its_worst():
    measured = evidence(plateau_neighbours=9, plateau_mean_profit=0.00215, plateau_least_profit=-0.0003)

    said = " | ".join(evidence_lines(measured))

    assert "it and its 8 neighbours earn +21.5 bps in-sample on average, the worst -3.0 bps" in said
    assert "its neighbours keep 82 % of the improvement" in said


def test_one_neighbour_is_one():
    said = " | ".join(
        evidence_lines(evidence(plateau_neighbours=2, plateau_mean_profit=0.001, plateau_least_profit=0.0005))
    )

    assert "it and its 1 neighbour earn +10.0 bps in-sample on average, the worst +5.0 bps" in said


def test_a_version_from_before_neighbourhoods_were_kept_says_nothing_of_them():
    old = evidence(plateau_neighbours=None, plateau_mean_profit=None, plateau_least_profit=None)

    said = " | ".join(evidence_lines(old))

    assert "its neighbours keep 82 %" in said
    assert "on average" not in said


def test_evidence_without_numbers_has_no_lines():
    assert evidence_lines(Evidence()) == ()
