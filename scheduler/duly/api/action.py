"""The base of every action, and the task it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from duly.api.config import Config as BaseConfig

if TYPE_CHECKING:
    from duly.api.person import Person
    from duly.api.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Tell:
    """A message that an action asks for. ``text`` and ``by`` are the step's own when empty."""

    person: Person
    text: str = ""
    by: str = ""


@dataclass(slots=True)
class Task:
    """One piece of work for an action: a step that came due for a case.

    What the action asks for (`tell`, `hand_to`) is carried out by the host, in one transaction with the verdict: an
    action that fails half-way has done nothing.

    Parameters
    ----------
    id: stable over every attempt.
    rule: the rule's path under ``rules/``.
    audience: whom the step names, as written.
    people: whom that is now.
    holder: who has had the matter so far, if anybody.
    record: the record's fields, by name.
    """

    id: str
    rule: str
    audience: str
    people: Sequence[Person]
    holder: Person | None
    record: Mapping[str, Any]
    told: list[Tell] = field(default_factory=list)
    handed_to: Person | None = None

    def tell(self, person: Person, *, text: str = "", by: str = "") -> None:
        """Ask for a message to ``person``: in the step's own words and channels, unless given here."""
        self.told.append(Tell(person, text, by))

    def hand_to(self, person: Person) -> None:
        """Put the case into ``person``'s hands: from now on it is "in charge"."""
        self.handed_to = person


class Action:
    """Something a step can do besides telling. Subclass it, name it, and register the class."""

    name: ClassVar[str]
    """The word that stands for it in a rule's step (``escalate: …``)."""
    idempotent: ClassVar[bool] = False
    """Whether running the same task twice does no harm."""

    Config: ClassVar[type[BaseConfig]] = BaseConfig

    def __init__(self, config: BaseConfig) -> None:
        self.config = config

    def run(self, task: Task) -> Verdict:
        """Do it, and say what became of it."""
        raise NotImplementedError
