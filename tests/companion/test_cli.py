"""The command nslib: exit codes, messages, and notebooks really executed in small repositories."""

import json
import os
import signal
import subprocess
import sys
import time

import nbformat
import pytest

from companion import bench, cli, execution

CHECKED = "from companion.run import begin"
CELLS = (
    f"{CHECKED}\nrun = begin('01_x', globals())",
    "import os, sys\nprint(sys.executable)\nprint(os.getcwd())\nprint(os.environ['MPLBACKEND'])",
    "os.write(2, b'on stderr\\n')",
    "run.record('e1', {}, {'count': count}).name",
)
PARAMETERS = "word: str = 'a'\ncount: int = 1\nshare: float = 0.5\nnames: list = []"


@pytest.fixture
def clone(repo):
    repo.presets({"01_x": {"word": "a", "count": 1}}, {"01_x": {"word": "a", "count": 5}})
    repo.notebook("01_x", PARAMETERS, *CELLS)
    return repo


def outputs(path):
    nb = nbformat.read(path, as_version=4)
    return "".join(output.get("text", "") for cell in nb.cells if cell.cell_type == "code"
                   for output in cell.outputs)


def test_a_run_writes_below_the_repository(clone, monkeypatch, capfd):
    """Without an activated environment: this Python, the notebooks folder, the quick preset."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    before = (clone.folder / "notebooks" / "01_x.ipynb").read_bytes()
    assert cli.main(["run", "01_x"]) == 0
    executed = clone.folder / "build" / "notebooks" / "quick" / "01_x.ipynb"
    printed = outputs(executed).splitlines()
    assert printed[0] == sys.executable
    assert printed[1] == str(clone.folder / "notebooks")
    assert "Agg" not in printed[2]
    record = clone.folder / "build" / "results" / "quick" / "01_x" / "e1.json"
    assert json.loads(record.read_text())["metrics"] == {"count": 1}
    logs = clone.folder / "build" / "logs" / "quick"
    assert sorted(path.name for path in logs.iterdir()) == ["01_x.lock", "01_x.log"]
    assert "Executing Cell 1" in (logs / "01_x.log").read_text()
    assert (clone.folder / "notebooks" / "01_x.ipynb").read_bytes() == before
    told = capfd.readouterr().err
    assert "01_x: running (quick, about 0.1 min)" in told
    assert "01_x: done in" in told
    lines = [line for line in told.splitlines() if not line.startswith("01_x: ")]
    assert lines == ["on stderr"]


def test_changed_parameters_go_to_the_custom_folder(clone):
    assert cli.main(["run", "01_x", "-p", "count", "7", "-p", "word", "b"]) == 0
    custom = clone.folder / "build" / "custom"
    assert (custom / "notebooks" / "01_x.ipynb").is_file()
    record = custom / "results" / "custom" / "01_x" / "e1.json"
    assert json.loads(record.read_text())["metrics"] == {"count": 7}
    assert not (clone.folder / "results").exists()


def test_the_preset_asked_for_wins_where_both_have_the_same_parameters(clone, monkeypatch):
    """As for a notebook whose quick run is that of the paper: copy and records are the paper's."""
    monkeypatch.setenv("NSLIB_PRESET", "quick")
    clone.presets({"01_x": {"word": "a", "count": 1}}, {"01_x": {"word": "a", "count": 1}})
    assert cli.main(["run", "01_x", "--preset", "paper"]) == 0
    assert (clone.folder / "build" / "notebooks" / "paper" / "01_x.ipynb").is_file()
    assert (clone.folder / "build" / "results" / "paper" / "01_x" / "e1.json").is_file()
    assert not (clone.folder / "build" / "results" / "quick").exists()


def test_parameters_of_another_preset_are_that_preset(clone):
    assert cli.main(["run", "01_x", "--preset", "paper", "-p", "count", "1"]) == 0
    assert (clone.folder / "build" / "notebooks" / "quick" / "01_x.ipynb").is_file()
    assert (clone.folder / "build" / "results" / "quick" / "01_x" / "e1.json").is_file()


def test_out_takes_everything(clone, tmp_path):
    out = tmp_path / "out"
    assert cli.main(["run", "all", "--out", str(out)]) == 0
    assert (out / "notebooks" / "quick" / "01_x.ipynb").is_file()
    assert (out / "results" / "quick" / "01_x" / "e1.json").is_file()
    assert not (clone.folder / "results").exists()
    assert not (clone.folder / "build").exists()


def test_a_run_leaves_no_record_of_an_earlier_one(clone):
    old = clone.folder / "build" / "results" / "quick" / "01_x" / "gone.json"
    old.parent.mkdir(parents=True)
    old.write_text("{}")
    assert cli.main(["run", "01_x"]) == 0
    assert [path.name for path in old.parent.iterdir()] == ["e1.json"]


def test_all_ends_with_the_notebooks_that_show_the_claims(clone, capfd):
    clone.presets({"00_start": {}, "01_x": {"word": "a", "count": 1}}, {})
    clone.notebook("00_start", None, "from companion import claims\nclaims.load()")
    assert cli.main(["run", "all"]) == 0
    told = capfd.readouterr().err
    assert 0 < told.index("01_x: done") < told.index("00_start: running")


def test_a_failed_notebook_is_kept_and_the_others_still_run(clone, capfd, monkeypatch):
    monkeypatch.setattr(execution, "PROGRESS_SECONDS", 0)
    clone.presets({"01_x": {"word": "a", "count": 1}, "02_bad": {}, "03_dead": {}}, {})
    clone.notebook("02_bad", None, "print('so far')", "raise KeyError('no such thing')")
    clone.notebook("03_dead", None, "import os\nos._exit(1)")
    assert cli.main(["run", "02_bad", "03_dead", "01_x"]) == 1
    told = capfd.readouterr().err
    assert "02_bad: cell 2\n" in told
    assert "KeyError: 'no such thing'" in told
    assert "2 of 3 notebooks failed: 02_bad, 03_dead" in told
    for name in ("02_bad", "03_dead"):
        partial = clone.folder / "build" / "logs" / "quick" / f"{name}.ipynb"
        assert partial.is_file()
        assert f"{name}.ipynb" in told
        assert not (clone.folder / "build" / "notebooks" / "quick" / f"{name}.ipynb").exists()
    assert "so far" in outputs(clone.folder / "build" / "logs" / "quick" / "02_bad.ipynb")
    assert (clone.folder / "build" / "notebooks" / "quick" / "01_x.ipynb").is_file()


@pytest.fixture
def started(clone, tmp_path):
    """A run in a process of its own whose notebook has printed and now waits; killed at the end."""
    clone.presets({"01_x": {"word": "a", "count": 1}}, {"01_x": {"word": "a", "count": 5}})
    clone.notebook("01_x", PARAMETERS, "print('so far')",
                   "import os, pathlib, time\n"
                   f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
                   f"pathlib.Path({str(tmp_path / 'waits')!r}).touch()\n"
                   "while count == 1: time.sleep(0.05)")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "companion.cli", "run", "01_x"], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=clone.folder,
        env={**os.environ, "TMPDIR": str(temporary)},
        # a background job of a shell would hand down that Ctrl-C is ignored
        preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL)
                            for number in (signal.SIGINT, signal.SIGHUP)],
    )
    try:
        while not (tmp_path / "waits").exists():
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_run_names_its_partial_notebook_and_leaves_nothing_behind(
    started, clone, tmp_path, number
):
    started.send_signal(number)
    _, told = started.communicate()
    assert started.returncode == 130
    partial = clone.folder / "build" / "logs" / "quick" / "01_x.ipynb"
    assert told.splitlines()[1:] == [
        f"01_x: stopped; partial notebook: {partial.relative_to(clone.folder)}"
    ]
    assert "so far" in outputs(partial)
    assert not (clone.folder / "build" / "notebooks" / "quick" / "01_x.ipynb").exists()
    assert [path.name for path in (tmp_path / "temporary").glob("nslib-*")] == []


def test_a_second_run_of_the_same_copy_is_refused_until_the_first_is_gone(
    started, clone, capsys, tmp_path, monkeypatch
):
    """The first is gone when its kernel is: that writes the records. What it left is cleared."""
    kernel = int((tmp_path / "pid").read_text())
    log = clone.folder / "build" / "logs" / "quick" / "01_x.log"
    before = log.read_text()
    monkeypatch.setattr(cli, "PATIENCE", 0.1)
    assert cli.main(["run", "01_x"]) == 2
    told = capsys.readouterr().err
    assert "nslib: error: 01_x: found another run of it under way" in told
    assert "--out" in told
    assert log.read_text() == before
    changed = ["run", "01_x", "-p", "count", "2"]
    assert cli.main(changed) == 0
    assert cli.main(["run", "01_x", "--preset", "paper", "--out", str(tmp_path / "out")]) == 0
    os.kill(kernel, signal.SIGSTOP)
    started.kill()
    started.wait()  # its pipes stay open: the kernel has them
    assert cli.main(["run", "01_x"]) == 2
    os.kill(kernel, signal.SIGCONT)
    monkeypatch.setattr(cli, "PATIENCE", 20)
    half = clone.folder / "build" / "results" / "quick" / "01_x" / ".e1.json.ab12cd34.part"
    half.parent.mkdir(parents=True)
    half.touch()
    clone.notebook("01_x", PARAMETERS, "count")
    assert cli.main(["run", "01_x"]) == 0
    assert not half.exists()


SMALL_FILES = """if True:
    import resource, sys
    from companion import cli
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
    sys.exit(cli.main(["run", "01_x"]))"""


def test_a_full_disk_is_said_with_the_path_and_cuts_no_notebook_short(clone):
    """No file may pass 16 kB, as many as fit a disk that is full."""
    clone.notebook("01_x", PARAMETERS, *CELLS[:1], "print('much\\n' * 9000)", CELLS[-1])
    done = subprocess.run([sys.executable, "-c", SMALL_FILES, "16384"], capture_output=True,
                          text=True, cwd=clone.folder)
    partial = clone.folder / "build" / "logs" / "quick" / "01_x.ipynb"
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"nslib: error: {partial}: File too large"
    assert "Traceback" not in done.stderr
    assert nbformat.read(partial, as_version=4).cells
    assert sorted(path.name for path in partial.parent.iterdir()) == [
        "01_x.ipynb", "01_x.lock", "01_x.log"
    ]
    assert not (clone.folder / "build" / "notebooks" / "quick" / "01_x.ipynb").exists()


def test_a_folder_that_takes_no_file_is_said_in_words(clone, capsys):
    (clone.folder / "build").write_text("a file where the folder should be")
    assert cli.main(["run", "01_x"]) == 2
    assert f"nslib: error: {clone.folder / 'build'}" in capsys.readouterr().err


def test_an_output_folder_that_is_read_only_starts_nothing(clone, capsys, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    assert cli.main(["run", "01_x"]) == 2
    assert "expected a folder that can be written" in capsys.readouterr().err
    assert not (clone.folder / "build" / "logs" / "quick" / "01_x.log").exists()


def test_a_page_that_cannot_be_written_is_said_in_words(clone, capsys, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", "README.md")

    monkeypatch.setattr(cli.files, "write", refuse)
    assert cli.main(["refresh", "claims"]) == 2
    assert "nslib: error: README.md: Permission denied\n" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "message"), [
    (["01_y"], "notebook: found '01_y'"),
    (["01_x", "al"], "did you mean 'all'"),
    (["all", "01_y"], "notebook: found '01_y'"),
    (["01_x", "--preset", "qick"], "did you mean 'quick'"),
    (["01_x", "-p", "wrod", "b"], "did you mean 'word'"),
    (["01_x", "-p", "count", "many"], "count: found 'many' of type str, expected int"),
    (["01_x", "-p", "count", "1.5"], "expected int"),
    (["01_x", "-p", "word", "false"], "found False of type bool, expected str"),
    (["01_x", "-p", "count", "[1"], "-p count:"),
    (["01_x", "-p", "count", "[" * 50_000], "-p count: found more than 50 lists"),
    (["01_x", "-p", "count", "0x" + "f" * 5000], "count: found an int of 20000 bits"),
    (["01_x", "-p", "share", "1" + "0" * 400], "share: found an int of 1329 bits"),
    (["01_x", "-p", "share", ".nan"], "share: found nan, expected a finite number"),
    (["01_x", "-p", "names", "[2024-01-01]"], "names[0]: found datetime.date"),
    (["01_x", "-p", "n" * 5000, "1"], "expected word, count, share, names"),
    (["01_x", "-p", "count", "1", "-p", "word", "b", "-p", "count", "2"],
     "-p count: found it twice"),
    (["01_x", "--out", "/dev/null"], "nslib: error: /dev/null"),
    (["01_x", "--out", "/dev/null/sub"], "nslib: error: /dev/null/sub"),
], ids=lambda value: None if isinstance(value, str) else " ".join(value)[:40])
def test_wrong_usage_starts_nothing(clone, capsys, arguments, message):
    assert cli.main(["run", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (clone.folder / "build").exists()


@pytest.mark.parametrize("arguments", [[], ["rnu"], ["run"], ["run", "01_x", "-p", "count"]])
def test_a_command_line_that_cannot_be_read(clone, capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    assert "usage: nslib" in capsys.readouterr().err


def test_an_output_folder_that_is_a_loop_of_links(clone, capsys):
    loop = clone.folder / "loop"
    loop.symlink_to(loop)
    assert cli.main(["run", "01_x", "--out", str(loop)]) == 2
    assert str(loop) in capsys.readouterr().err


def test_outside_a_clone(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("NSLIB_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    for arguments in (["list"], ["run", "all"], ["claims"], ["figures"], ["verify"],
                      ["refresh", "all"]):
        assert cli.main(arguments) == 2
        assert "inside a clone" in capsys.readouterr().err


def test_list(clone, capsys):
    assert cli.main(["list"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split("  ")[0] == "notebook"
    assert row.split() == ["01_x", "A", "title", "2.1", "0.1", "/", "2"]


def test_list_and_claims_import_neither_plotting_nor_jupyter(clone):
    code = """if True:
        import sys
        from companion import cli
        assert cli.main(["list"]) == cli.main(["claims"]) == 0
        heavy = {"matplotlib", "seaborn", "papermill", "nbformat", "jupyter_client", "IPython"}
        assert not heavy & sys.modules.keys()"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_claims_are_stale_then_current_then_not_valid(clone, capsys):
    claim = """- {id: C1, claim: It is so, where: T, notebook: 01_x, metric: m, judged: j,
   paper: {value: v, source: s, kind: table}, evidence: []}
"""
    (clone.folder / "claims.yaml").write_text(claim)
    assert cli.main(["claims", "--check"]) == 1
    assert "README.md is stale" in capsys.readouterr().err
    assert not (clone.folder / "REPRODUCING.md").exists()
    assert cli.main(["claims"]) == 0
    assert "C1   not run yet     It is so" in capsys.readouterr().out
    assert cli.main(["claims", "--check"]) == 1
    assert cli.main(["refresh", "claims"]) == 0
    assert (clone.folder / "results" / "verdicts.json").is_file()
    assert cli.main(["claims", "--check"]) == 0
    (clone.folder / "claims.yaml").write_text(claim.replace("judged", "jugded"))
    assert cli.main(["claims", "--check"]) == 1
    assert "did you mean 'judged'" in capsys.readouterr().err


def test_benches_are_listed_and_named(monkeypatch, tmp_path, capsys):
    (tmp_path / "bench_fast.py").write_text('"""How fast it is."""\n')
    monkeypatch.setattr(bench, "__file__", str(tmp_path / "__init__.py"))
    assert cli.main(["bench"]) == 0
    assert capsys.readouterr().out == "fast        How fast it is.\n"
    assert cli.main(["bench", "fsat"]) == 2
    assert "did you mean 'fast'" in capsys.readouterr().err


def test_a_bench_gets_its_arguments(monkeypatch):
    monkeypatch.setattr(bench, "get", lambda name: lambda argv: [name, *argv])
    assert cli.main(["bench", "search", "--official", "x", "-n", "3"]) == [
        "search", "--official", "x", "-n", "3"
    ]


def test_every_bench_of_the_project_says_what_it_measures():
    for name, summary in bench.available().items():
        assert summary.endswith("."), name
        assert callable(bench.get(name))
