"""verify and refresh: every value compared with a stated tolerance, nothing passed over."""

from __future__ import annotations

import json
import shutil

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import yaml

import companion
from companion import cli, figures
from companion.reproduction import certificate, compare, tolerances, verify
from companion.reproduction.compare import DIFFERS, IDENTICAL, MISSING, NOT_COMPARED, WITHIN
from companion.reproduction.tolerances import Tolerance
from companion.run import Run

NAME = "01_x"
CLAIM = {
    "id": "C1", "claim": "It is so", "where": "T", "notebook": NAME, "metric": "share",
    "paper": {"value": "0.9", "source": "T", "kind": "table"}, "judged": "from 0.9",
    "evidence": [
        {"record": f"{NAME}/e1", "key": "metrics.share", "label": "share", "reproduced": ">= 0.9"},
        {"record": f"{NAME}/e1", "key": "timing.ratio", "label": "time", "reproduced": "> 1"},
    ],
}


def run(share=0.95, fit=1.5, ratio=1.1, y=2.0):
    """Write the record and the figure of a run to build/."""
    own = companion.begin(NAME, {"seed": 0})
    own.record("e1", {"n": 20}, {"share": share, "fit": fit, "count": 3, "text": "a"},
               timing={"ratio": ratio, "seconds": 1.0})
    frame = pd.DataFrame({"x": [1, 2], "y": [1.0, y], "name": ["a", "b"]})
    figures.save(plt.figure(), "curve", data={"points": frame})


@pytest.fixture
def clone(repo):
    """A repository whose committed results are those of its last run."""
    repo.notebook(NAME, "seed: int = 0", "import companion")
    repo.presets({NAME: {"seed": 0}}, {NAME: {"seed": 1}})
    (repo.folder / "claims.yaml").write_text(yaml.safe_dump([CLAIM]))
    run()
    assert cli.main(["refresh", "all"]) == 0
    return repo


def edit(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new))


def outcomes(result):
    return {value.name: value.outcome for value in result.comparison.values}


def test_a_run_that_was_refreshed_is_identical(clone, capsys):
    capsys.readouterr()
    result = verify.verify()
    assert outcomes(result) == {}
    assert result.conclusion == "REPRODUCED, every value identical"
    assert result.comparison.count(IDENTICAL) == result.comparison.total > 10
    assert [v.outcome for v in result.verdicts] == [IDENTICAL]
    assert cli.main(["verify"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5 and lines[-1].startswith("REPRODUCED, every value identical")


def test_numbers_are_compared_with_their_tolerance(clone):
    run(fit=1.5001, ratio=1.2)
    assert outcomes(verify.verify()) == {f"{NAME}/e1:metrics.fit": WITHIN,
                                         f"{NAME}/e1:timing.ratio": WITHIN}
    run(fit=1.6)
    result = verify.verify()
    assert outcomes(result)[f"{NAME}/e1:metrics.fit"] == DIFFERS
    assert not result.failed and result.unexplained == 1
    assert "1 values differ, 1 differences are unexplained" in result.conclusion


def test_a_verdict_that_changes_fails(clone, capsys):
    run(share=0.5)
    result = verify.verify()
    assert [v.what for v in result.verdicts if v.outcome == verify.VERDICT_CHANGED] == [
        "C1", f"C1: {NAME}/e1:metrics.share"]
    assert cli.main(["verify"]) == 1
    assert "NOT REPRODUCED: 2 verdicts changed" in capsys.readouterr().out


def test_a_judged_time_that_crosses_its_threshold_inside_the_band_is_no_changed_verdict(clone):
    run(ratio=0.9)
    result = verify.verify()
    assert not result.failed
    assert {v.outcome for v in result.verdicts} == {WITHIN}
    run(ratio=0.01)
    assert verify.verify().failed


def test_a_committed_record_edited_by_hand_is_caught(clone):
    edit(clone.folder / "results" / "quick" / NAME / "e1.json", '"share": 0.95', '"share": 0.99')
    result = verify.verify()
    assert outcomes(result)[f"{NAME}/e1:metrics.share"] == DIFFERS
    told = [v for v in result.verdicts if v.what == "C1: on file"]
    assert told[0].outcome == DIFFERS and "0.95 -> 0.99" in told[0].because


def test_a_digit_of_a_figures_data_is_caught(clone):
    edit(clone.folder / "figures" / NAME / "curve.points.csv", "2,2.0,b", "2,2.1,b")
    result = verify.verify()
    assert outcomes(result) == {f"{NAME}/figures/curve.points:1.y": DIFFERS}
    assert result.unexplained == 1


def test_a_moved_threshold_is_caught(clone):
    edit(clone.folder / "claims.yaml", "'>= 0.9'", "'>= 0.93'")
    result = verify.verify()
    assert not result.failed and result.unexplained == 1
    assert "reproduced: >= 0.9 -> >= 0.93" in result.verdicts[0].because
    edit(clone.folder / "claims.yaml", "'>= 0.93'", "'>= 0.99'")
    assert verify.verify().failed


@pytest.mark.parametrize("side", ["", "build"])
@pytest.mark.parametrize("file", [
    f"results/quick/{NAME}/e1.json", f"figures/{NAME}/curve.json",
    f"figures/{NAME}/curve.points.csv",
])
def test_a_deleted_file_is_missing(clone, side, file):
    run()
    companion.current().record("e2", {}, {"a": 1})
    assert cli.main(["refresh", "all"]) == 0
    (clone.folder / side / file).unlink()
    result = verify.verify()
    assert result.failed and result.comparison.count(MISSING) == 1
    assert cli.main(["verify"]) == 1


def test_a_value_that_only_one_has_is_missing_unless_a_decision_flips(clone):
    own = companion.begin(NAME, {"seed": 0})
    own.record("e1", {"n": 20}, {"share": 0.95, "fit": 1.5, "count": 3, "text": "a", "more": 1},
               timing={"ratio": 1.1, "seconds": 1.0})
    assert outcomes(verify.verify())[f"{NAME}/e1:metrics.more"] == MISSING
    flips = tolerances.Rules(((f"{NAME}/e1:metrics.more", Tolerance("exact", flips=True,
                                                                   because="it flips")),),
                             Tolerance("relative", 1e-3), Tolerance("time", 3))
    result = verify.verify(rules=flips)
    assert not result.failed and result.unexplained == 0
    assert result.comparison.of(DIFFERS)[0].explained == "it flips"


def test_a_record_that_a_bench_made_is_no_part_of_the_notebooks_run(clone):
    """The notebook cannot make it: it is neither missing, nor does a refresh take it away."""
    claim = {**CLAIM, "evidence": [{"record": f"{NAME}/theirs", "key": "metrics.share",
                                    "label": "theirs", "reproduced": ">= 0.9"}]}
    (clone.folder / "claims.yaml").write_text(yaml.safe_dump([claim]))
    Run(NAME, {}, "quick", by="nslib bench theirs").record("theirs", {}, {"share": 0.95})
    assert cli.main(["refresh", "all"]) == 0
    (clone.folder / "build" / "results" / "quick" / NAME / "theirs.json").unlink()
    run(fit=1.6)
    result = verify.verify()
    assert not result.failed
    assert [(v.what, v.rerun) for v in result.verdicts] == [("C1", "reproduced")]
    assert cli.main(["refresh", "all"]) == 0
    assert (clone.folder / "results" / "quick" / NAME / "theirs.json").is_file()


def test_times_of_two_machines_are_compared_in_units_of_the_calibration(clone):
    path = clone.folder / "results" / "quick" / NAME / "e1.json"
    record = json.loads(path.read_text())
    speed = record["run"]["calibration_seconds"]
    record["run"]["timing"]["seconds"] = 100.0
    path.write_text(json.dumps(record))
    assert outcomes(verify.verify())[f"{NAME}/e1:timing.seconds"] == DIFFERS
    record["run"]["calibration_seconds"] = 100 * speed  # a machine a hundred times slower
    path.write_text(json.dumps(record))
    assert outcomes(verify.verify())[f"{NAME}/e1:timing.seconds"] == WITHIN
    del record["run"]["calibration_seconds"]
    path.write_text(json.dumps(record))
    assert outcomes(verify.verify())[f"{NAME}/e1:timing.seconds"] == NOT_COMPARED


@pytest.mark.parametrize(("kind", "change"), [("time", 4.0), ("ratio", 2.0), ("relative", 0.5)])
def test_a_change_is_told_in_the_units_of_its_kind(kind, change):
    value = compare.Compared("p", ("k",), 1.0, 2.0, kind, WITHIN, "", speeds=(1.0, 0.5))
    assert value.change == change


@pytest.mark.parametrize(("tolerance", "committed", "rerun", "near"), [
    (Tolerance("exact"), "a", "a", True), (Tolerance("exact"), 3, 4, False),
    (Tolerance("relative", 1e-2), 1.0, 1.009, True),
    (Tolerance("relative", 1e-2), 1.0, 1.02, False),
    (Tolerance("relative", 1e-2), 1e-20, 2e-20, False),
    (Tolerance("relative", 1e-2, floor=1e-15), 1e-20, 2e-20, True),
    (Tolerance("relative", 1e-2), 1.0, None, False),
    (Tolerance("relative", 1e-2), True, 1.0, False),
    (Tolerance("absolute", 0.1), 0.0, 0.09, True), (Tolerance("absolute", 0.1), 0.0, 0.2, False),
    (Tolerance("share", runs=8), 0.75, 0.875, True), (Tolerance("share", runs=8), 0.75, 0.0, False),
    (Tolerance("share", runs=800), 0.75, 0.875, False),
    (Tolerance("share", runs="n"), 0.75, 0.875, True),
    (Tolerance("mean", runs="n", spread="std"), 1.0, 1.2, True),
    (Tolerance("mean", runs="n", spread="std"), 1.0, 1.3, False),
    (Tolerance("mean", runs="seeds", spread=0.1), 1.0, 1.1, True),
    (Tolerance("time", 3), 1.0, 2.9, True), (Tolerance("time", 3), 1.0, 3.1, False),
    (Tolerance("ratio", 2), 1.0, 0.49, False), (Tolerance("ratio", 2), 1.0, -1.0, False),
])
def test_what_a_tolerance_allows(tolerance, committed, rerun, near):
    beside = {"n": 8, "std": 0.2, "seeds": [1, 2, 3, 4]}.__getitem__
    assert tolerance.allows(committed, rerun, beside, (0.5, 0.5))[0] is near


def test_the_share_of_a_table_finds_its_runs_in_the_same_row(clone, tmp_path):
    for side, share in (("", 0.75), ("build", 0.875)):
        folder = clone.folder / side / "results" / "quick" / NAME
        pd.DataFrame({"share": [1.0, share], "fits": [8, 8]}).to_csv(folder / "t.csv", index=False)
    rules = tolerances.Rules(((f"{NAME}/tables/t:share", Tolerance("share", runs="fits")),),
                             Tolerance("relative", 1e-3), Tolerance("time", 3))
    compared = compare.folders([NAME], "quick", clone.folder, clone.folder / "build", rules)
    assert {value.name: value.outcome for value in compared.values} == {
        f"{NAME}/tables/t:1.share": WITHIN}


@pytest.mark.parametrize(("rule", "message"), [
    ({"where": "*", "kind": "share"}, "expected where, kind and because"),
    ({"where": "*", "kind": "shares", "because": "b"}, "did you mean 'share'"),
    ({"where": "*", "kind": "share", "because": "b"}, "found no runs"),
    ({"where": "*", "kind": "exact", "because": "b", "wihtin": 1}, "rule 1: key: found 'wihtin'"),
])
def test_rules_that_cannot_be_are_refused(tmp_path, rule, message):
    path = tmp_path / "tolerances.yaml"
    kinds = {"relative": {"within": 1e-3}, "time": {"within": 3}, "share": {"confidence": 0.9}}
    path.write_text(yaml.safe_dump({"kinds": kinds, "rules": [rule]}))
    with pytest.raises(ValueError, match=message):
        tolerances.load(path)


def test_every_rule_of_the_project_meets_a_committed_value():
    from companion import notebooks, paths, presets

    rules, root = tolerances.load(), paths.root()
    for name in notebooks.find(root):
        for preset in presets.NAMES:
            for value in compare.every_value(name, preset, root):
                rules.of(*value)
    assert rules.never_met() == []


def test_the_certificate_says_what_differs_in_all_three_forms(clone, tmp_path):
    run(fit=1.6, y=3.0)
    page = certificate.write(verify.verify(), tmp_path)
    facts = json.loads((tmp_path / "certificate.json").read_text())
    assert {one["value"] for one in facts["differs"]} == {
        f"{NAME}/e1:metrics.fit", f"{NAME}/figures/curve.points:1.y"}
    assert facts["codechecker"] and facts["check_time"] and facts["manifest"]
    for text in (page.read_text(), (tmp_path / "certificate.md").read_text()):
        assert f"{NAME}/e1:metrics.fit" in text and "1.6" in text
    assert page.read_text().count("data:image/png;base64,") == 2


def test_somebody_elses_records_are_compared_without_pictures(clone, tmp_path, capsys):
    shutil.copytree(clone.folder / "build" / "results", tmp_path / "theirs" / "results")
    shutil.rmtree(clone.folder / "build")
    assert cli.main(["verify", "--records", str(tmp_path / "theirs")]) == 0
    assert cli.main(["verify", "--records", str(tmp_path / "nothing")]) == 2
    assert "found no records" in capsys.readouterr().err
    assert cli.main(["verify", "02_x"]) == 2
    assert cli.main(["verify", "--preset", "papr"]) == 2
    assert "did you mean 'paper'" in capsys.readouterr().err


def test_refresh_says_what_changes_by_how_much_and_then_writes_it(clone, capsys):
    capsys.readouterr()
    run(fit=1.8)
    record = clone.folder / "results" / "quick" / NAME / "e1.json"
    before = record.read_bytes()
    assert cli.main(["refresh", NAME, "--dry-run"]) == 0
    assert "metrics.fit: 1.5 -> 1.8 (0.17), beyond its tolerance" in capsys.readouterr().out
    assert record.read_bytes() == before
    assert cli.main(["refresh", NAME]) == 0
    assert json.loads(record.read_text())["metrics"]["fit"] == 1.8
    assert "nslib: wrote" in capsys.readouterr().err
    assert not verify.verify().comparison.values


def test_refresh_leaves_a_record_whose_times_alone_varied(clone, capsys):
    record = clone.folder / "results" / "quick" / NAME / "e1.json"
    before = record.read_bytes()
    run(ratio=1.2)
    assert cli.main(["refresh", "all"]) == 0
    assert record.read_bytes() == before
    run(ratio=1200.0)
    assert cli.main(["refresh", "all"]) == 0
    assert record.read_bytes() != before


def test_refresh_refuses_a_run_of_other_sources_and_a_notebook_without_one(clone, capsys):
    (clone.folder / "nslib").mkdir()
    (clone.folder / "nslib" / "core.py").write_text("1")
    assert cli.main(["refresh", NAME]) == 2
    assert "other sources" in capsys.readouterr().err
    shutil.rmtree(clone.folder / "build")
    assert cli.main(["refresh", NAME]) == 2
    assert f"run it first: nslib run {NAME}" in capsys.readouterr().err
