"""A laboratory's file is found from a folder below it, and says what holds where nobody types."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.options.values import read_settings, search_folders


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a folder for work in it, below a folder of somebody else's."""
    root = tmp_path / "elsewhere" / "repository"
    (root / "work" / "deep").mkdir(parents=True)
    (root / ".git").mkdir()
    return root


def settings(start: Path, root: Path | None = None) -> dict[str, tuple[object, str]]:
    """Values and names of the files that they are from."""
    found = read_settings(start, root or start)
    return {name: (one.value, Path(one.source.place).name) for name, one in found.items()}


def test_files_are_found_from_below_and_not_beyond_the_repository(repository: Path) -> None:
    (repository.parent / "snapgate.toml").write_text("runs = 20")
    assert settings(repository / "work" / "deep") == {}
    (repository / "snapgate.toml").write_text("runs = 10")
    assert settings(repository / "work" / "deep") == {"runs": (10, "snapgate.toml")}


def test_a_worktree_is_a_repository_too(repository: Path) -> None:
    (repository / "work" / ".git").write_text("gitdir: elsewhere")
    (repository / "snapgate.toml").write_text("runs = 10")
    assert settings(repository / "work" / "deep") == {}


def test_outside_of_a_repository_nobody_elses_folder_is_asked(tmp_path: Path) -> None:
    """What a file names may be a program to run."""
    (tmp_path / "snapgate.toml").write_text('adb = "theirs"')
    work = tmp_path / "work"
    work.mkdir()
    assert settings(work) == {}
    assert settings(work, root=tmp_path) == {"adb": (tmp_path / "theirs", "snapgate.toml")}


def test_a_session_from_another_folder_reads_the_files_of_its_root(
    repository: Path, tmp_path: Path
) -> None:
    assert search_folders(tmp_path, repository / "work") == (repository / "work", repository)


def test_the_nearest_file_of_each_kind_holds(repository: Path) -> None:
    (repository / "snapgate.toml").write_text("runs = 10\nscenes = 10")
    (repository / "work" / "snapgate.toml").write_text("runs = 20")
    (repository / "pyproject.toml").write_text("[tool.snapgate]\ncooldown = 5")
    (repository / "work" / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100")
    assert settings(repository / "work") == {
        "runs": (20, "snapgate.toml"),
        "cooldown": (5, "pyproject.toml"),
    }


def test_each_option_is_layered_by_itself(repository: Path) -> None:
    """However near the project's file is."""
    (repository / "snapgate.toml").write_text("runs = 10")
    (repository / "work" / "pyproject.toml").write_text("[tool.snapgate]\nruns = 20\nscenes = 9")
    assert settings(repository / "work") == {
        "runs": (10, "snapgate.toml"),
        "scenes": (9, "pyproject.toml"),
    }


def test_paths_start_where_the_file_is(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/lab")
    (repository / "weights").mkdir()
    (repository / "snapgate.toml").write_text(
        'build_dir = "build"\nqnn_dir = "~/sdk"\nadb = "/usr/bin/adb"\n'
        'checkpoint = "weights"\ncompare = ["weights", "c0ffee42"]'
    )
    assert {name: value for name, (value, _) in settings(repository / "work").items()} == {
        "build_dir": repository / "build",
        "qnn_dir": Path("/home/lab/sdk"),
        "adb": Path("/usr/bin/adb"),
        "checkpoint": str(repository / "weights"),
        "compare": [str(repository / "weights"), "c0ffee42"],
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("smoke = true", "sets 'smoke', which is no option"),
        ('compare = ["one"]', r"sets compare = \['one'\]; it takes a list of 2 str values"),
        ('adb_host = "lab3"', "sets adb_host = 'lab3'; it takes a list of str values"),
        (
            f'checkpoint = "{"x" * 5000}"',
            r"sets checkpoint to 5000 characters that are no path .*\(line 1: check",
        ),
        (
            'results = "a\\u0000b"',
            r"sets results to 3 characters that are no path \(embedded null byte\)",
        ),
        ('adb = "~nobody-of-that-name/adb"', "sets adb = .*, and this machine has no such user"),
        ('target = "fone"', r"sets target = 'fone'; did you mean phone\?"),
    ],
)
def test_a_mistake_names_its_file(repository: Path, text: str, sentence: str) -> None:
    (repository / "snapgate.toml").write_text(text)
    with pytest.raises(UserError, match=rf"^{repository}/snapgate.toml {sentence}"):
        read_settings(repository, repository)


def test_a_file_of_a_windows_editor_is_read(repository: Path) -> None:
    (repository / "snapgate.toml").write_text("runs = 10", encoding="utf-8-sig")
    assert settings(repository) == {"runs": (10, "snapgate.toml")}


@pytest.mark.parametrize("text", ["[tool.other]\nsnapgate = 3", "tool = 3", ""])
def test_a_project_without_a_table_says_nothing(repository: Path, text: str) -> None:
    (repository / "pyproject.toml").write_text(text)
    assert settings(repository) == {}


def test_settings_that_are_no_table_are_refused(repository: Path) -> None:
    (repository / "pyproject.toml").write_text("[tool]\nsnapgate = 3")
    with pytest.raises(UserError, match=r"sets tool\.snapgate = 3; it takes a table: \[tool\."):
        settings(repository)
