"""What a rule is bound to: the vocabulary, the people, the words and the channels of a workspace."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from duly.rules.directory import Directory
from duly.rules.model import HOLD_DEFAULT, Rate
from duly.rules.noun import Noun
from duly.rules.words import Words
from duly.time.calendar import Calendar, built_in
from duly.time.window import Window


@dataclass(frozen=True)
class Surroundings:
    """Everything outside its own file that a rule names.

    Parameters
    ----------
    nouns: the vocabulary, by name.
    broken_nouns: names of nouns whose file has errors.
    calendars: the workspace's own calendars, by name; built-in ones go by their country code.
    channels: names of the channels in ``config/duly.yaml``.
    broken_channels: why a channel cannot be used, by name.
    writable: names of the sources that have a connection for writing.
    broken_texts: files with errors, by the name of the template.
    hold: above how many messages a rule holds that does not say so itself; ``None`` for never.
    rest: when people of a record are left alone, unless a rule says otherwise.
    lang: the language of those whose own is not known.
    leap_day: where 29 February falls in common years.
    """

    nouns: Mapping[str, Noun]
    directory: Directory
    words: Words
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    channels: Collection[str] = ()
    broken_nouns: Collection[str] = ()
    broken_channels: Mapping[str, str] = field(default_factory=dict)
    writable: Collection[str] = ()
    broken_texts: Mapping[str, str] = field(default_factory=dict)
    hold: Rate | None = HOLD_DEFAULT
    rest: Window | None = None
    lang: str = ""
    leap_day: str = "28 February"

    def calendar(self, name: str) -> Calendar:
        """Return the calendar that a rule calls ``name``.

        Raises
        ------
        ValueError: with a sentence, when there is none.
        """
        return self.calendars[name] if name in self.calendars else built_in(name)
