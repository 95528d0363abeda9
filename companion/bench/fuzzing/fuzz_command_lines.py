"""The command `nslib` under odd command lines."""

from __future__ import annotations

import contextlib
import io
from functools import cache
from typing import Any

from hypothesis import strategies as st

from companion import cli, notebooks, presets

from .odd_values import Door, judged

NOWHERE = "/dev/null/out"  # below a file: whatever is right up to here ends there
VALUES = ["1", "-1", "0.5", "1e400", ".nan", "[", "[1, 2]", "{a: 1}", "[" * 50_000, "{a: " * 5000,
          "- " * 3000 + "x", "&a [*a]", "a: &a [1]\nb: *a", "1" * 5000, "0x" + "f" * 20_000,
          "!!int ''", "!!bool x", "!!python/name:os.system", "!!binary x", "2024-01-01", "'",
          '"\\UFFFFFFFF"', "x" * 100_000, "", "null", "true", "é", "\udcff", "\x01", "? [a]",
          "a: 1\na: 2", "%FOO\n---", "--- a\n--- b", "[.inf]", "[0x" + "f" * 20_000 + "]", "'04'",
          "als", "|", "\t"]
words = st.one_of(st.sampled_from(VALUES), st.text(max_size=30))
settings_given = st.lists(st.tuples(
    st.one_of(st.integers(0, 40), st.integers(0, 40), words), words), max_size=3)
line_cases = st.one_of(
    st.fixed_dictionaries({
        "notebook": st.one_of(*[st.integers(0, 12)] * 4, st.sampled_from(["all", "04_stabilty"]),
                              words), "settings": settings_given,
        "more": st.lists(st.one_of(st.sampled_from(
            ["--preset", "quick", "paper", "qick", "-p", "--out", "--", "--help", "-", "--pre"]),
            words), max_size=2)}),
    st.fixed_dictionaries({"arguments": st.one_of(
        st.just([]), st.just(["list"]), st.just(["bench"]), st.just(["bench", "fuz"]),
        words.map(lambda text: ["bench", "x" + text]), words.map(lambda text: ["x" + text]),
        words.map(lambda text: ["list", text]), words.map(lambda text: ["claims", "-" + text]))}))


@cache
def known_parameters() -> dict[str, list[str]]:
    """Return the names of every notebook's parameters."""
    return {name: list(presets.parameters(path)) for name, path in notebooks.find().items()}


def command_line(case: dict[str, Any]) -> list[str]:
    """Return the arguments of a case; a run that nothing is wrong with writes to `NOWHERE`."""
    if "arguments" in case:
        return case["arguments"]
    known = known_parameters()
    notebook = case["notebook"]
    notebook = sorted(known)[notebook % len(known)] if isinstance(notebook, int) else notebook
    names = known.get(notebook) or ["seed"]
    given = [part for name, value in case["settings"]
             for part in ("-p", names[name % len(names)] if isinstance(name, int) else name, value)]
    return ["run", notebook, *given, *case["more"], "--out", NOWHERE]


def answer_command_line(case: dict[str, Any]) -> None:
    """Call the command: it does what it says, or exits with 2 and a line that says what is wrong.
    """
    out, err, code = io.StringIO(), io.StringIO(), None
    arguments = command_line(case)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = cli.main(arguments)
        except SystemExit as stopped:  # argparse's own
            code = stopped.code
            assert code == 0 or "usage: nslib" in err.getvalue()
        except Exception as error:
            raise AssertionError(f"{type(error).__name__}: {str(error)[:200]}") from error
    said = err.getvalue()
    assert "Traceback" not in said
    if code == 0:
        assert out.getvalue()
        return
    assert code == 2, code
    if "usage: nslib" in said:
        return
    assert said.startswith("nslib: error: "), said[:200]
    message = said.removeprefix("nslib: error: ")
    names = (NOWHERE, "notebook: ", "preset: ", "bench: ", "-p", "paper.yaml")
    assert message.startswith(names) or message[:2].isdigit(), message[:200]
    if message.startswith("-p") and "settings" in case:
        assert any(part in message for part in (*arguments, "parameter")), message[:200]


DOORS: dict[str, Door] = {"command_line": (line_cases, judged(answer_command_line))}
