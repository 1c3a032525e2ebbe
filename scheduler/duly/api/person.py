"""Whom a message is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be told: a person of the record, or one of the staff.

    Parameters
    ----------
    id: stable within its kind (``lin`` in the directory, ``customer`` of a record).
    name: how a message addresses them.
    staff: whether they are in the directory.
    lang: language of the words they get (``zh``, ``ko``, ``en``); empty for the default.
    zone: IANA name of their zone; empty for the record's, else the directory's.
    addresses: kind of address (``phone``, ``email``, ``chat``) to address.
    by: the channels they prefer, as written in the directory (``chat else sms``); empty for the default.
    rest: their own hours of rest (``22:00-07:00``); empty for none beyond the rule's.
    refuses: channels they have opted out of.
    """

    id: str
    name: str = ""
    staff: bool = False
    lang: str = ""
    zone: str = ""
    addresses: Mapping[str, str] = field(default_factory=dict, hash=False)
    by: str = ""
    rest: str = ""
    refuses: frozenset[str] = frozenset()
