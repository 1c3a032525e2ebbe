"""The files of a workspace: where each kind stands, and their texts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from duly.rules.problem import Problems
from duly.rules.yaml import read_text

SETTINGS = "config/duly.yaml"
DIRECTORY = "config/directory.yaml"
VOCABULARY = "config/vocabulary"
CALENDARS = "config/calendars"
NOTIFICATIONS = "notifications"
RULES = "rules"

YAML_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder with ``config/``, ``rules/`` and ``notifications/``."""

    home: Path

    def text(self, path: str, problems: Problems) -> str | None:
        """Read one file, named relative to the workspace; ``None``, and a problem, when it cannot be read."""
        return read_text(self.home / path, path, problems)

    def texts(self, folder: str, problems: Problems, endings: tuple[str, ...] = ("",)) -> dict[str, str]:
        """Read the files of a folder and its folders, by path; those that cannot be read become problems.

        Hidden files and folders, and what editors leave beside a file, are none of the workspace's.
        """
        found: dict[str, str] = {}
        for path in self.paths(folder, endings):
            text = self.text(path, problems)
            if text is not None:
                found[path] = text
        return found

    def paths(self, folder: str, endings: tuple[str, ...] = ("",)) -> list[str]:
        """List the files of a folder and its folders, relative to the workspace."""
        files = (file.relative_to(self.home) for file in (self.home / folder).rglob("*") if not file.is_dir())
        return sorted(file.as_posix() for file in files if not _is_hidden(file) and file.name.endswith(endings))


def rule_id(path: str) -> str:
    """Return the rule's identity: its path under ``rules/``, without the ending."""
    return path.removeprefix(f"{RULES}/").rpartition(".")[0]


def template_name(path: str) -> str:
    """Return how rules call the template in the file at ``path``, whatever its channel and language."""
    folder, slash, file = path.removeprefix(f"{NOTIFICATIONS}/").rpartition("/")
    return folder + slash + file.partition(".")[0]


def _is_hidden(file: Path) -> bool:
    return any(part.startswith(".") for part in file.parts) or file.name.endswith("~")
