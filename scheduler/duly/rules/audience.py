"""Who hears, as a step writes it."""

from __future__ import annotations

from duly.rules.model import Audience, AudienceKind

_WORDS = {"owner": AudienceKind.OWNER, "in charge": AudienceKind.IN_CHARGE, "told": AudienceKind.TOLD}


def parse_audience(text: str) -> Audience:
    """Read whom a step names: ``customer``, ``logistics on duty``, ``manager of logistics``, ``in charge``.

    Raises
    ------
    ValueError: with a sentence, when part of it is missing.
    """
    written = " ".join(text.split())
    if not written:
        raise ValueError("this names nobody; write “customer”, “TEAM on duty” or “ROLE of TEAM”")
    if written in _WORDS:
        return Audience(written, _WORDS[written])
    if " or " in f" {written} " or " and " in f" {written} ":
        raise ValueError(f"“{written}” names two audiences; write a second step")
    if written == "on duty" or written.endswith(" on duty"):
        name = written.removesuffix("on duty").strip()
        return _named(written, AudienceKind.ON_DUTY, name, "“on duty” needs a team; write “TEAM on duty”")
    if written == "next shift" or written.startswith("next shift "):
        name = written.removeprefix("next shift").strip()
        name = name.removeprefix("of").strip() if name == "of" or name.startswith("of ") else ""
        return _named(written, AudienceKind.NEXT_SHIFT, name, "“next shift” needs a team; write “next shift of TEAM”")
    role, of, name = f" {written} ".partition(" of ")
    if of:
        role, name = role.strip(), name.strip()
        if not role or not name:
            raise ValueError(f"“{written}” lacks a word; write “ROLE of TEAM”")
        return Audience(written, AudienceKind.ROLE, name, role)
    return Audience(written, AudienceKind.NAME, written)


def _named(written: str, kind: AudienceKind, name: str, cure: str) -> Audience:
    if not name:
        raise ValueError(cure)
    return Audience(written, kind, name)
