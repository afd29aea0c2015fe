"""Values of options, each with the place it came from: the command line, a file, the default."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import UserError, suggest
from harness.options.option import Command, Option, PathOrName, Source, SourcedValue
from harness.options.table import options_of
from harness.toml_file import BadToml, line_of_field, parse, read_text

LABORATORY_FILE = "snapgate.toml"
PROJECT_FILE = "pyproject.toml"

_NOTHING = SourcedValue(None, Source("default"))


def read_settings(start: Path, root: Path) -> dict[str, SourcedValue]:
    """Options that files set: those of the nearest ``snapgate.toml`` over a project's.

    Paths in a file begin where the file is.

    Args:
        start: Where the search begins.
        root: Where it ends outside of a repository; begins, if that is not above ``start``.

    Raises:
        UserError: If a file is not TOML, or sets an unknown option or a wrong type.
    """
    folders = search_folders(start, root)
    return {
        **_first_table([folder / PROJECT_FILE for folder in folders], ("tool", "snapgate")),
        **_first_table([folder / LABORATORY_FILE for folder in folders], ()),
    }


def search_folders(start: Path, root: Path) -> tuple[Path, ...]:
    """Folders from a start upward to its repository's root, or to ``root`` where it is in none.

    Nobody else's folder above a repository, or above the folder that work is done in, is asked:
    what it says may name programs to run.
    """
    start = start if start.is_relative_to(root) else root
    upward = (start, *start.parents)
    end = next((folder for folder in upward if (folder / ".git").exists()), root)
    return upward[: upward.index(end) + 1]


def _first_table(files: Iterable[Path], keys: tuple[str, ...]) -> dict[str, SourcedValue]:
    for file in filter(Path.is_file, files):
        table: Any = _read_toml(file)
        for key in keys:
            table = table.get(key, {}) if isinstance(table, dict) else {}
        if not isinstance(table, dict):
            raise UserError(
                f"{file} sets {'.'.join(keys)} = {table!r}; it takes a table: [{'.'.join(keys)}]."
            )
        if table or not keys:
            return dict(_checked(file, table))
    return {}


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return parse(read_text(file))
    except (BadToml, UnicodeDecodeError) as error:
        raise UserError(f"{file} is not TOML ({error}); correct that line.") from error
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}); change its mode.") from error


def _checked(file: Path, table: dict[str, Any]) -> Iterator[tuple[str, SourcedValue]]:
    known = {name: option for name, option in options_of("suites").items() if option.is_setting}
    for name, value in table.items():
        if name not in known:
            raise UserError(
                f"{file} sets {name!r}, which is no option; {suggest(name, known)}"
                f"{_where(file, name)}."
            )
        option = known[name]
        _check(file, option, value)
        several = option.arity != "one"
        placed = [_placed(file, option, one) for one in (value if several else [value])]
        yield name, SourcedValue(placed if several else placed[0], Source("file", str(file)))


def _check(file: Path, option: Option, value: Any) -> None:
    wanted = option.type if option.type in (int, bool) else str
    several = option.arity != "one"
    values = value if several else [value]
    is_right = isinstance(values, list) and all(type(one) is wanted for one in values)
    if not is_right or (option.arity == "pair" and len(values) != 2):
        kind = {"one": "", "many": "a list of ", "pair": "a list of 2 "}[option.arity]
        raise UserError(
            f"{file} sets {option.name} = {value!r}; it takes {kind}{wanted.__name__} values"
            f"{_where(file, option.name)}."
        )
    choices = option.allowed()
    for one in values:
        if choices and one not in choices:
            raise UserError(
                f"{file} sets {option.name} = {one!r}; {suggest(one, choices)}"
                f"{_where(file, option.name)}."
            )


def _where(file: Path, name: str) -> str:
    """Line of an option; a project's file has other tables, too, and is not searched."""
    return line_of_field(read_text(file), "", 1, name) if file.name == LABORATORY_FILE else ""


def _placed(file: Path, option: Option, value: Any) -> Any:
    if option.type in (Path, PathOrName):
        _refuse_no_path(file, option, value)
    if option.type is Path:
        try:
            return file.parent / Path(value).expanduser()
        except RuntimeError as error:
            raise UserError(
                f"{file} sets {option.name} = {value!r}, and this machine has no such user; write "
                "the folder out."
            ) from error
    if option.type is PathOrName and (file.parent / value).exists():
        return str(file.parent / value)
    return value


def _refuse_no_path(file: Path, option: Option, value: str) -> None:
    """Refuse what no file system takes; nothing need be there."""
    try:
        (file.parent / value).lstat()
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno != errno.ENAMETOOLONG:
            return
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(
            f"{file} sets {option.name} to {len(value)} characters that are no path ({reason}); "
            f"correct it{_where(file, option.name)}."
        ) from error


@dataclass(frozen=True, eq=False)
class Values(Mapping[str, Any]):
    """All options of a command by name; one without value is None.

    Attributes:
        command: Command that takes them.
        found: Value of each option with its source.
    """

    command: Command
    found: Mapping[str, SourcedValue]

    def __getitem__(self, name: str) -> Any:
        return self.found[name].value

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def source(self, name: str) -> Source:
        """Where a value came from."""
        return self.found[name].source

    def typed(self) -> dict[str, Any]:
        """What the command line says."""
        return {name: self[name] for name in self if self.source(name).kind == "command line"}

    def given(self) -> dict[str, Any]:
        """What somebody says, on the command line, in a file or in the environment."""
        return {name: self[name] for name in self if self.source(name).kind != "default"}

    def unless_typed(self, *names: str) -> Values:
        """Without what does not matter here: only who typed it has to be told.

        Args:
            names: Of options that do not matter; a file that sets them serves other commands.
        """
        untyped = set(names) - self.typed().keys()
        return replace(self, found={**self.found, **dict.fromkeys(untyped, _NOTHING)})

    def by_default(self, name: str) -> Values:
        """With what one option is where no file says anything, unless it was typed."""
        if name in self.typed():
            return self
        value = options_of(self.command)[name].default_for(self.command)
        return replace(self, found={**self.found, name: SourcedValue(value, Source("default"))})

    def with_absolute_paths(self) -> Values:
        """The same wherever they are read: paths begin at this process's folder."""
        placed = {
            name: replace(one, value=one.value.absolute()) if isinstance(one.value, Path) else one
            for name, one in self.found.items()
        }
        return replace(self, found=placed)

    def over_environment(self, variables: Mapping[str, SourcedValue]) -> Values:
        """With values of environment variables where nobody says anything else.

        Args:
            variables: Value of each variable, by name of the option.
        """
        used = {name: one for name, one in variables.items() if name not in self.given()}
        return replace(self, found={**self.found, **used})


def resolve(
    command: Command, typed: Mapping[str, Any], start: Path = Path(), root: Path = Path()
) -> Values:
    """The command line over the laboratory's files over defaults.

    Args:
        command: Command that takes the options.
        typed: What the command line says; absent or None where it says nothing.
        start: Where the search for files begins.
        root: Where relative defaults begin, and where the search ends outside of a repository.

    Raises:
        UserError: If a file is not TOML, or sets an unknown option or a wrong type.
    """
    settings = read_settings(start.absolute(), root.absolute())
    found = {}
    for name, option in options_of(command).items():
        value = typed.get(name)
        if value is not None:
            found[name] = SourcedValue(value, Source("command line"))
        elif option.is_setting and name in settings:
            found[name] = settings[name]
        else:
            default = option.default_for(command)
            at = root / default if isinstance(default, Path) else default
            found[name] = SourcedValue(at, Source("default"))
    return Values(command, found)
