import json

from click.testing import CliRunner

from freqfleet.cli.program import program

SMALL = ["gate-check", "--pairs", "6", "--trades", "20", "--days", "12", "--worlds", "2"]


def run(userdir, *arguments):
    return CliRunner().invoke(program, ["--userdir", str(userdir), *arguments])


def test_both_gates_are_shown_side_by_side(tmp_path):
    done = run(tmp_path, *SMALL)

    assert done.exit_code == 0, done.output
    assert "seed gate" in done.output
    assert "pairs published" in done.output
    assert "SYNTHETIC" in done.output
    assert "planted" not in done.output  # this world holds nothing to be found
    assert " published although nothing is earned " in done.output  # a row is a line


def test_a_world_with_something_to_find_says_how_much_was_found(tmp_path):
    done = run(tmp_path, *SMALL, "--world", "levels", "--edge", "100")

    assert " planted pairs published " in done.output
    assert " earned per planted pair, family included " in done.output


def test_json_carries_every_number_and_nothing_else_goes_to_stdout(tmp_path):
    done = run(tmp_path, *SMALL, "--world", "levels", "--edge", "100", "--json", "-")

    found = json.loads(done.stdout)
    assert found["edge_bps"] == 100
    assert len(found["freqfleet"]["published_per_world"]) == 2
    assert 0.0 <= found["seed_gate"]["published"]["value"] <= 1.0
    assert found["freqfleet"]["power"]["value"] == 0.0  # 20 trades cannot certify a pair


def test_same_seed_gives_the_same_answer(tmp_path):
    first, second = (run(tmp_path, *SMALL, "--json", "-").stdout for _ in range(2))

    assert first == second


def test_strength_that_is_not_calibrated_is_refused_with_those_that_are(tmp_path):
    done = run(tmp_path, *SMALL, "--world", "shared", "--edge", "37")

    assert done.exit_code != 0
    assert "level-5 edges are planted with [10, 25, 50, 100] bps, was 37" in str(done.exception)


def test_world_that_is_too_short_for_its_folds_is_refused(tmp_path):
    done = run(tmp_path, "gate-check", "--days", "3")

    assert done.exit_code == 2
    assert "3 is not in the range x>=8" in done.output
