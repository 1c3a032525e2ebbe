"""A workspace as it stands: read, checked, bound and immutable."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from duly.rules.bind import BoundRule, bind
from duly.rules.calendar_file import read_calendars
from duly.rules.directory import Directory
from duly.rules.directory_file import read_directory
from duly.rules.model import Rule
from duly.rules.noun import Noun
from duly.rules.noun_file import read_noun
from duly.rules.problem import Mark, Problem, Problems, suggest_or_list
from duly.rules.rule_file import ACTIONS, draft_rule
from duly.rules.settings import Settings, read_settings
from duly.rules.surroundings import Surroundings
from duly.rules.words import Words, read_words
from duly.rules.workspace import (
    CALENDARS,
    DIRECTORY,
    NOTIFICATIONS,
    RULES,
    SETTINGS,
    VOCABULARY,
    YAML_ENDINGS,
    Workspace,
    rule_id,
    template_name,
)
from duly.time.calendar import Calendar


@dataclass(frozen=True)
class Snapshot:
    """Everything that the files of a workspace say.

    Parameters
    ----------
    rules: what can run, by id.
    broken: what cannot, by id, each with its errors.
    nouns: the vocabulary that can be used, by name.
    doings: names of the actions that steps may take besides ``tell``.
    """

    home: Path
    settings: Settings
    directory: Directory
    words: Words
    calendars: Mapping[str, Calendar]
    nouns: Mapping[str, Noun]
    rules: Mapping[str, BoundRule]
    broken: Mapping[str, tuple[Problem, ...]]
    doings: Collection[str]
    around: Surroundings = field(repr=False)

    def bind_text(self, id: str, text: str) -> BoundRule | None:
        """Bind a version of the rule ``id`` that the ledger has kept to today's vocabulary, people and words.

        Returns
        -------
        ``None`` when the version cannot be asked for any more: a fact, field, time or noun of it is gone. People,
        words and channels that are gone do not stop it: an audience that is empty finds somebody (law 13).
        """
        problems = Problems()
        rule = draft_rule(text, id, f"{RULES}/{id}.yaml", problems, self.doings)
        return None if rule is None or problems.errors else bind(rule, self.around, problems)


def load_workspace(
    home: Path,
    doings: Collection[str] = ACTIONS,
    channel_kinds: Collection[str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> tuple[Snapshot | None, Problems]:
    """Read a whole workspace.

    Parameters
    ----------
    home: its folder.
    doings: names of the actions that steps may take besides ``tell``.
    channel_kinds: names of the channel plugins that are there: a rule that names a channel of another kind is broken.
        ``None`` leaves that unchecked.
    environ: where ``{env: NAME}`` looks; ``None`` for the process's own.

    Returns
    -------
    The snapshot, and every problem of every file. A broken rule, template, calendar or noun stops only what needs it;
    without readable settings and a readable directory nothing can run, and there is no snapshot.
    """
    return _Loader(Workspace(home), doings, channel_kinds, os.environ if environ is None else environ).load()


class _Loader:
    def __init__(
        self,
        workspace: Workspace,
        doings: Collection[str],
        channel_kinds: Collection[str] | None,
        environ: Mapping[str, str],
    ) -> None:
        self.workspace = workspace
        self.doings = frozenset(doings)
        self.channel_kinds = channel_kinds
        self.environ = environ
        self.problems = Problems()
        self.broken_nouns: set[str] = set()

    def load(self) -> tuple[Snapshot | None, Problems]:
        settings = self._settings()
        written = self.workspace.texts(CALENDARS, self.problems, YAML_ENDINGS)
        calendars = read_calendars(written, self.problems, self.workspace.texts(CALENDARS, self.problems, (".ics",)))
        directory = self._directory(calendars)
        words = read_words(self.workspace.texts(NOTIFICATIONS, self.problems), self.problems)
        nouns = self._nouns(settings)
        drafts = self._drafts()
        if settings is None or directory is None:
            for _, found in drafts.values():
                self.problems.extend(found.all)
            return None, self.problems
        self._check_names(settings, directory)
        around = Surroundings(
            nouns=nouns,
            directory=directory,
            words=words,
            calendars=calendars,
            channels=frozenset(settings.channels),
            broken_nouns=frozenset(self.broken_nouns),
            broken_channels=self._broken_channels(settings),
            broken_texts=self._broken_texts(),
            writable=frozenset(name for name, source in settings.sources.items() if source.write is not None),
            hold=settings.hold,
            rest=settings.rest,
            lang=settings.lang,
            leap_day=settings.leap_day,
        )
        rules, broken = self._bind(drafts, around)
        snapshot = Snapshot(
            home=self.workspace.home,
            settings=settings,
            directory=directory,
            words=words,
            calendars=calendars,
            nouns=nouns,
            rules=rules,
            broken=broken,
            doings=self.doings,
            around=around,
        )
        return snapshot, self.problems

    def _settings(self) -> Settings | None:
        text = self.workspace.text(SETTINGS, self.problems)
        home = self.workspace.home
        return None if text is None else read_settings(text, SETTINGS, home, self.environ, self.problems)

    def _directory(self, calendars: Mapping[str, Calendar]) -> Directory | None:
        text = self.workspace.text(DIRECTORY, self.problems)
        return None if text is None else read_directory(text, DIRECTORY, calendars, self.problems)

    def _nouns(self, settings: Settings | None) -> dict[str, Noun]:
        nouns: dict[str, Noun] = {}
        for path in self.workspace.paths(VOCABULARY, YAML_ENDINGS):
            text = self.workspace.text(path, self.problems)
            noun = None if text is None else read_noun(text, path, self.problems)
            if noun is None:
                self.broken_nouns.add(Path(path).stem)
            elif noun.name in nouns:
                message = f"{nouns[noun.name].path} defines “{noun.name}” already"
                self.problems.add("V006", noun.marks["noun"], message, "rename one of the two")
            elif settings is not None and noun.source not in settings.sources:
                cure = suggest_or_list(noun.source, settings.sources) or f"add it to {SETTINGS}"
                self.problems.add("V005", noun.marks["source"], f"unknown source “{noun.source}”", cure)
                self.broken_nouns.add(noun.name)
            else:
                nouns[noun.name] = noun
        return nouns

    def _drafts(self) -> dict[str, tuple[Rule | None, Problems]]:
        """Read every rule file, each with its own problems."""
        drafts: dict[str, tuple[Rule | None, Problems]] = {}
        for path in self.workspace.paths(RULES, YAML_ENDINGS):
            found = self.problems.branch()
            text = self.workspace.text(path, found)
            name = rule_id(path)
            rule = None if text is None else draft_rule(text, name, path, found, self.doings)
            if name in drafts:
                message = f"another file is the rule “{name}” already"
                drafts[name][1].add("R006", Mark(path), message, "rename one of the two")
                drafts[name][1].extend(found.all)
            else:
                drafts[name] = rule, found
        self._check_former(drafts)
        return drafts

    def _check_former(self, drafts: Mapping[str, tuple[Rule | None, Problems]]) -> None:
        """Refuse a ``was`` that takes over the history of a rule which is still there, or which another took over."""
        heirs: dict[str, str] = {}
        for name, (rule, found) in drafts.items():
            if rule is None or not rule.was:
                continue
            if rule.was in drafts:
                message = f"the rule “{rule.was}” is still there"
                found.add("R006", rule.marks["was"], message, "delete its file, or this line")
            elif rule.was in heirs:
                message = f"the rule “{heirs[rule.was]}” was “{rule.was}” too"
                found.add("R006", rule.marks["was"], message, "let one of the two begin anew")
            heirs.setdefault(rule.was, name)

    def _bind(
        self, drafts: Mapping[str, tuple[Rule | None, Problems]], around: Surroundings
    ) -> tuple[dict[str, BoundRule], dict[str, tuple[Problem, ...]]]:
        rules: dict[str, BoundRule] = {}
        broken: dict[str, tuple[Problem, ...]] = {}
        for name, (rule, found) in drafts.items():
            bound = None if rule is None else bind(rule, around, found)
            errors = tuple(found.errors)
            if bound is None or errors:
                broken[name] = errors
            else:
                rules[name] = bound
            self.problems.extend(found.all)
        return rules, broken

    def _check_names(self, settings: Settings, directory: Directory) -> None:
        """Check what the settings and the directory name in each other."""
        if settings.operator and settings.operator not in directory.staff:
            cure = suggest_or_list(settings.operator, directory.staff)
            self.problems.add("C005", settings.marks["operator"], f"unknown operator “{settings.operator}”", cure)
        for channel in (channel for fallbacks in settings.by for channel in fallbacks):
            self._check_channel(channel, settings, "C005", settings.marks["by"])
        for name, staff in directory.staff.items():
            for channel in staff.person.by.split():
                if channel != "else":
                    self._check_channel(channel, settings, "D005", directory.marks[f"people.{name}.by"])

    def _check_channel(self, name: str, settings: Settings, code: str, mark: Mark) -> None:
        if name not in settings.channels:
            cure = suggest_or_list(name, settings.channels) or f"add it to {SETTINGS}"
            self.problems.add(code, mark, f"unknown channel “{name}”", cure)

    def _broken_texts(self) -> dict[str, str]:
        """Find the templates that cannot be read: the file of each, by name."""
        paths = sorted({problem.mark.path for problem in self.problems.errors}, reverse=True)
        return {template_name(path): path for path in paths if path.startswith(f"{NOTIFICATIONS}/")}

    def _broken_channels(self, settings: Settings) -> dict[str, str]:
        """Find the channels that lack a secret, or whose plugin is not there; whoever sets them up says why."""
        kinds, broken = self.channel_kinds, {}
        for name, channel in settings.channels.items():
            if channel.lacks:
                broken[name] = channel.lacks
            elif kinds is not None and channel.kind not in kinds:
                broken[name] = "its plugin is not there"
        return broken
