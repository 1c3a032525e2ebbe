"""From a template and a record to the final words: sandboxed, with bounded output."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import jinja2

from duly.rules.words import Words, split_subject

LONGEST = 65_536
"""Characters of one message; e-mail bodies of service desks stay well under 10,000."""


class Line(SimpleNamespace):
    """One record of a grouped message: templates say ``line.order``."""


class ComposeError(Exception):
    """A template that cannot give words for this record; the sentence names the template and the cure."""


class TooLong(ComposeError):  # noqa: N818 - said of a template, in a sentence
    """A template that renders more than a message may hold."""


@dataclass(frozen=True, slots=True)
class Composed:
    """The final words of one message."""

    subject: str
    body: str


class Composer:
    """Writes messages.

    Parameters
    ----------
    words: the templates of the workspace.
    default_lang: the language of those whose own language has no template.
    """

    def __init__(self, words: Words, default_lang: str) -> None:
        self._words = words
        self._default_lang = default_lang

    def compose(self, template: str, channel: str, lang: str, values: Mapping[str, Any], zone: ZoneInfo) -> Composed:
        """Write one message.

        Parameters
        ----------
        template: its name, as a step's ``text`` gives it.
        channel: the name of the channel it leaves through.
        lang: the recipient's language.
        values: what the template may name; plain values only, and lists of `Line`.
        zone: in which its times are shown.

        Raises
        ------
        ComposeError: when there is no such template, or it cannot be rendered; `TooLong` when it renders too much.
        """
        found = self._words.find(template, channel, lang, self._default_lang)
        if found is None:
            raise ComposeError(f"there is no template “{template}”: add notifications/{template}.j2")
        shown = {name: _local(value, zone) for name, value in {**values, "lang": lang or self._default_lang}.items()}
        try:
            subject, body = split_subject(_bounded(found.compiled.generate(shown)))
        except ComposeError as error:
            raise type(error)(f"{found.path} {error}") from None
        except jinja2.UndefinedError as error:
            said = _without_values(str(error.message), shown)
            raise ComposeError(f"{found.path}: {said}: name a field of the noun") from None
        except Exception as error:  # noqa: BLE001 - a template can bring anything about
            said = _without_values(str(error), shown) if isinstance(error, jinja2.TemplateError) else ""
            raise ComposeError(f"{found.path} cannot be rendered: {said or type(error).__name__}") from None
        return Composed(_storable(subject), _storable(body))


def _without_values(said: str, shown: Mapping[str, Any]) -> str:
    """Leave out of a sentence what the record holds: an error quotes the value it stumbles over."""
    for value in _plain(shown.values()):
        if isinstance(value, str | int) and str(value):
            said = re.sub(rf"(?<!\w){re.escape(str(value))}(?!\w)", "…", said)
    return said


def _plain(values: Iterable[Any]) -> Iterator[Any]:
    """Go through values, and through those of the lines among them."""
    for value in values:
        lines = [each for each in value if isinstance(each, Line)] if isinstance(value, list) else []
        if lines:
            yield from _plain(each for line in lines for each in vars(line).values())
        else:
            yield value


def _local(value: Any, zone: ZoneInfo) -> Any:
    """Show the instants among values in a zone."""
    match value:
        case dt.datetime():
            return value.astimezone(zone).replace(tzinfo=None)
        case Line():
            return Line(**{name: _local(each, zone) for name, each in vars(value).items()})
        case list():
            return [_local(each, zone) for each in value]
    return value


def _storable(text: str) -> str:
    """Leave out what a database or the wire cannot hold: the character zero, and halves of a character."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def _bounded(chunks: Any) -> str:
    length, kept = 0, []
    for chunk in chunks:
        length += len(chunk)
        if length > LONGEST:
            raise TooLong(f"renders more than {LONGEST:,} characters: shorten it")
        kept.append(chunk)
    return "".join(kept).strip("\n")
