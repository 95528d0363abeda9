"""Claims: the schema of claims.yaml, verdicts from records, and the pages made from them."""

import copy
from pathlib import Path

import pytest
import yaml

import companion
from companion import claims, pages

CLAIM = {
    "id": "C1", "claim": "It is so", "where": "Table 1", "notebook": "01_x", "metric": "share",
    "paper": {"value": "0.9 | 0.8", "source": "Table 1", "kind": "index"}, "judged": "from 0.9",
    "evidence": [{"record": "01_x/e1", "key": "metrics.a.b", "label": "share",
                  "format": "{:.0%}", "reproduced": ">= 0.9", "partly": ">= 0.5"}],
}


def write(repo, *entries):
    apart = [copy.deepcopy(entry) for entry in entries]  # of the same, YAML writes an alias
    (repo.folder / "claims.yaml").write_text(yaml.safe_dump(apart))


def changed(**changes):
    return {**copy.deepcopy(CLAIM), **changes}


def with_evidence(**changes):
    return changed(evidence=[{**CLAIM["evidence"][0], **changes}])


@pytest.fixture
def clone(repo, monkeypatch):
    """A repository with one claim, whose runs write the committed records."""
    monkeypatch.setenv("NSLIB_OUTPUT", str(repo.folder))
    repo.notebook("01_x", "seed: int = 0")
    repo.presets({"01_x": {"seed": 0}}, {"01_x": {"seed": 1}})
    write(repo, CLAIM)
    return repo


def record(value, seed=0, name="e1", **timing):
    companion.begin("01_x", {"seed": seed}).record(name, {}, {"a": {"b": value}}, timing)


@pytest.mark.parametrize(("value", "verdict"), [
    (0.95, "reproduced"), (0.9, "reproduced"), (0.6, "partly"), (0.5, "partly"),
    (0.49, "not reproduced"), (None, "not run yet"),
])
def test_the_verdict_follows_the_thresholds(clone, value, verdict):
    record(value)
    assert claims.judge(claims.load()[0]).verdict == verdict


@pytest.mark.parametrize(("threshold", "value", "reached"), [
    (">= 1", 1, True), ("> 1", 1, False), ("<= 1e-3", 0.001, True), ("< 0.5", 0.5, False),
    ("<= -2", -3, True), ("<=1", 0.5, True),
])
def test_thresholds(threshold, value, reached):
    assert claims._reaches(value, threshold) is reached


def test_without_a_record_it_is_not_run_yet(clone):
    result = claims.judge(claims.load()[0])
    assert result.verdict == "not run yet"
    assert claims.ours(result) == "–"


def test_the_paper_preset_comes_before_the_quick_one(clone):
    record(0.1)
    assert claims.ours(claims.judge(CLAIM)) == "share: 10% (quick)"
    record(0.95, seed=1)
    result = claims.judge(CLAIM)
    assert claims.ours(result) == "share: 95% (paper)"
    assert result.verdict == "reproduced"


def test_evidence_without_a_threshold_is_shown_and_not_judged(clone):
    record(0.2)
    beside = {"record": "01_x/e2", "key": "metrics.a.b", "label": "ours"}
    claim = changed(evidence=[*CLAIM["evidence"], beside])
    assert claims.judge(claim).verdict == "not reproduced"
    record(1.0)
    companion.begin("01_x", {"seed": 0}).record("e2", {}, {"a": {"b": 0.1}})
    write(clone, claim)
    result = claims.judge(claims.load()[0])
    assert result.verdict == "reproduced"
    assert claims.ours(result) == "share: 100% (quick); ours: 0.1 (quick)"
    page = pages.reproducing([result], clone.folder)
    assert "- ours: ours: 0.1 (quick preset): beside the claim, not judged [record" in page
    assert claims.judge(changed(evidence=[beside])).verdict == "not run yet"


@pytest.mark.parametrize(("values", "verdict"), [
    ((1, 1), "reproduced"), ((1, 0), "partly"), ((0, 0), "not reproduced"),
    ((0.6, 0), "partly"), ((1, None), "not run yet"), ((1,), "not run yet"),
])
def test_several_values_make_one_verdict(clone, values, verdict):
    for name, value in zip(("e1", "e2"), values, strict=False):
        record(value, name=name)
    evidence = [{**CLAIM["evidence"][0], "record": f"01_x/{name}"} for name in ("e1", "e2")]
    assert claims.judge(changed(evidence=evidence)).verdict == verdict


def test_readings_have_verdicts_of_their_own(clone):
    values = {"e1": 0.95, "e2": 0.1, "e3": 0.2}
    for name, value in values.items():
        record(value, name=name)
    readings = {"e1": "as published", "e2": "best", "e3": "best"}
    evidence = [{**CLAIM["evidence"][0], "record": f"01_x/{name}", "reading": reading}
                for name, reading in readings.items()]
    del evidence[2]["reproduced"], evidence[2]["partly"]
    write(clone, changed(evidence=evidence))
    result = claims.judge(claims.load()[0])
    assert result.readings == {"as published": "reproduced", "best": "not reproduced"}
    assert result.verdict == "partly"
    assert claims.ours(result) == (
        "as published: share: 95% (quick); best: share: 10% (quick); share: 20% (quick)")
    words = "**partly** (as published: reproduced; best: not reproduced)"
    assert f"| {words} |" in pages.table([result])
    page = pages.reproducing([result], clone.folder)
    assert f"- verdict: {words}" in page and "- ours, best: share: 10%" in page
    assert claims.judge(CLAIM).readings == {}
    assert "| **reproduced** |" in pages.table([claims.judge(CLAIM)])


def test_a_reading_without_its_value_is_not_run_yet(clone):
    record(0.95)
    evidence = [{**CLAIM["evidence"][0], "reading": "one"},
                {**CLAIM["evidence"][0], "record": "01_x/e2", "reading": "two"}]
    result = claims.judge(changed(evidence=evidence))
    assert result.readings == {"one": "reproduced", "two": "not run yet"}
    assert result.verdict == "not run yet"


def test_a_spread_stands_beside_its_value(clone):
    record(1, speedup=12.0, speedup_spread=[9.5, 21.25], wrong=[1, 2, 3], none=None, nothing=None)
    claim = with_evidence(key="timing.speedup", spread="timing.speedup_spread", format="{:.1f}×")
    write(clone, claim)
    assert claims.ours(claims.judge(claims.load()[0])) == "share: 12.0× (9.5× to 21.2×) (quick)"
    for spread in ("timing.wrong", "timing.none", "timing.speedup"):
        with pytest.raises(ValueError, match="C1: e1.json: timing.*expected two numbers"):
            claims.judge(with_evidence(key="timing.speedup", spread=spread))
    with pytest.raises(ValueError, match="did you mean 'speedup_spread'"):
        claims.judge(with_evidence(key="timing.speedup", spread="timing.speedup_spred"))
    never = claims.judge(with_evidence(key="timing.none", spread="timing.nothing"))
    assert never.verdict == "not run yet"


def test_measured_times_can_be_judged(clone):
    record(1, speedup=12.0)
    claim = with_evidence(key="timing.speedup", reproduced=">= 4", format="{:.0f}×")
    assert claims.ours(claims.judge(claim)) == "share: 12× (quick)"


@pytest.mark.parametrize(("claim", "message"), [
    (changed(verdict="reproduced"), "C1: key: found 'verdict'"),
    (changed(judgd="x"), "did you mean 'judged'"),
    ({k: v for k, v in CLAIM.items() if k != "metric"}, "C1: found no metric"),
    (changed(metric=" "), "metric: found ' ', expected text"),
    (changed(paper={"value": "1", "source": "T"}), "paper: found no kind"),
    (changed(paper={"value": "1", "source": "T", "kind": "tabel"}), "did you mean 'table'"),
    (changed(notebook="01_y"), "did you mean '01_x'"),
    (changed(status="planed"), "did you mean 'planned'"),
    (changed(evidence={}), "evidence: found {}, expected a list"),
    (with_evidence(record="e1"), "expected NN_notebook/record"),
    (with_evidence(record="01_x/../e1"), "expected NN_notebook/record"),
    (with_evidence(key="config.a"), "expected metrics.name"),
    (with_evidence(reproduced="about 1"), "reproduced: found 'about 1'"),
    (with_evidence(partly=0.5), "partly: found 0.5"),
    (with_evidence(format="{:.0q}"), "format: found '{:.0q}'"),
    (with_evidence(value=3), "key: found 'value'"),
    (with_evidence(reading=" "), "reading: found ' ', expected text"),
    (with_evidence(spread="config.a"), "spread: found 'config.a', expected metrics.name"),
    ("text", "claim 1: found 'text'"),
])
def test_an_entry_that_is_not_valid_is_refused(clone, claim, message):
    write(clone, claim)
    with pytest.raises(ValueError, match=message):
        claims.load()


def test_ids_are_unique(clone):
    write(clone, CLAIM, CLAIM)
    with pytest.raises(ValueError, match="C1: found this id twice"):
        claims.load()


def test_a_planned_notebook_need_not_exist(clone):
    write(clone, changed(notebook="09_later", status="planned"), changed(id="C2", notebook=None))
    assert [claim["notebook"] for claim in claims.load()] == ["09_later", None]


@pytest.mark.parametrize(("key", "message"), [
    ("metrics.a.c", "key: found 'c'"), ("metrics.aa", "did you mean 'a'"),
    ("metrics.a", "expected a number"),
])
def test_a_pointer_into_a_record_must_hit_a_number(clone, key, message):
    record(0.5)
    with pytest.raises((ValueError, TypeError), match=message):
        claims.judge(with_evidence(key=key))


def test_the_pages_change_with_the_record_and_only_then(clone):
    root = clone.folder

    def stale():
        return pages.stale([claims.judge(claim) for claim in claims.load()], root)

    assert {path.name for path in stale()} == {"README.md", "REPRODUCING.md", "verdicts.json"}
    (root / "results").mkdir(exist_ok=True)
    for path, text in stale().items():
        path.write_text(text)
    assert stale() == {}
    record(0.95)
    assert {path.name for path in stale()} == {"README.md", "REPRODUCING.md", "verdicts.json"}
    readme = stale()[root / "README.md"]
    assert readme.startswith("head\n<!-- claims:begin -->\n| claim | paper | ours | verdict |\n")
    assert readme.endswith("<!-- claims:end -->\ntail\n")
    assert ("| **C1** It is so | 0.9 \\| 0.8 (from a public index of the paper) | "
            "share: 95% (quick) | **reproduced** |\n") in readme
    guide = stale()[root / "REPRODUCING.md"]
    assert ("| C1 | [01_x](notebooks/01_x.ipynb) | `nslib run 01_x --preset paper` | 0.1 / 2 |"
            in guide)


def test_the_readme_needs_its_markers(clone):
    (clone.folder / "README.md").write_text("no markers\n")
    with pytest.raises(ValueError, match="claims:begin"):
        pages.stale([claims.judge(CLAIM)], clone.folder)


def test_the_projects_own_claims_are_valid():
    root = Path(__file__).parents[2]
    loaded = claims.load(root)
    assert {f"C{number}" for number in range(1, 10)} <= {claim["id"] for claim in loaded}
    for claim in loaded:
        claims.judge(claim, root)
