"""``duly facts``: the words that rules may use, for people who read no SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console

from duly.cli.desk import Desk, open_desk
from duly.cli.options import home_option, json_option
from duly.cli.screen import clean, meter, number, screen, show_json, table
from duly.cli.stop import FINE, USAGE, Stop
from duly.engine.assembly import assemble
from duly.engine.source import SourceDown
from duly.engine.sql_source import SqlSource
from duly.ledger.ledger import Ledger
from duly.rules.glossary import Word, about, glossary
from duly.rules.noun import Noun
from duly.rules.problem import Problems, suggest_or_list
from duly.rules.survey import count_facts, example
from duly.rules.workspace import Workspace
from duly.time.clock import SystemClock

LONGEST_EXAMPLE = 40
_TITLES = {
    "facts": "Facts, for conditions",
    "times": "Times, for clocks",
    "fields": "Fields, for comparisons and words",
}


@click.command(short_help="List the words that rules may use.")
@click.argument("noun", metavar="[NOUN]", required=False)
@click.option("--live", is_flag=True, help="Also ask the service database: how many, and an example of each.")
@home_option
@json_option
def facts(home: Path, noun: str | None, *, live: bool, as_json: bool) -> int:
    """List the words that rules may use of NOUN: what each means, and which rules use it.

    Without NOUN every noun is listed.
    """
    desk = open_desk(home, SystemClock().now())
    chosen = [_find(desk, noun)] if noun else list(desk.snapshot.nouns.values())
    sheets = [_sheet(desk, each) for each in chosen]
    if live:
        _survey(desk, sheets)
    if as_json:
        answer = [_as_json(sheet) for sheet in sheets]
        show_json(answer[0] if noun else answer)
    elif noun:
        _show(sheets[0], screen())
    else:
        _list(sheets, desk, screen())
    return FINE


@dataclass
class _Sheet:
    """One noun.

    Parameters
    ----------
    about: the remark at the head of its file.
    total: how many records there are; ``None`` where nobody has asked.
    seen: a count or an example of each word, by section and name.
    """

    noun: Noun
    about: str
    words: list[Word]
    rules: list[str]
    total: int | None = None
    seen: Mapping[tuple[str, str], str | int] = field(default_factory=dict)


def _find(desk: Desk, written: str) -> Noun:
    nouns = desk.snapshot.nouns
    for noun in nouns.values():
        if written in {noun.name, noun.one}:
            return noun
    if written in desk.snapshot.around.broken_nouns:
        raise Stop(f"the vocabulary of “{written}” has errors: “duly check” shows them")
    cure = suggest_or_list(written, nouns) or "see config/vocabulary/"
    raise Stop(f"there is no noun “{written}”: {cure}", USAGE)


def _sheet(desk: Desk, noun: Noun) -> _Sheet:
    snapshot = desk.snapshot
    text = Workspace(snapshot.home).text(noun.path, Problems()) or ""
    rules = [bound for _, bound in sorted(snapshot.rules.items()) if bound.noun.name == noun.name]
    words = glossary(noun, text, rules, snapshot.words)
    return _Sheet(noun, about(text), words, [bound.rule.id for bound in rules])


def _survey(desk: Desk, sheets: list[_Sheet]) -> None:
    sources = assemble(desk.snapshot, desk.plugins, Ledger("sqlite://"), Problems()).house.sources
    with meter("questions", sum(len(sheet.words) for sheet in sheets)) as note:
        for sheet in sheets:
            source = sources[sheet.noun.source]
            if isinstance(source, SqlSource):
                try:
                    _ask(sheet, source, desk.now)
                except SourceDown as down:
                    raise Stop(str(down)) from None
            note(len(sheet.words))


def _ask(sheet: _Sheet, source: SqlSource, now: dt.datetime) -> None:
    noun = sheet.noun
    ((total, *counts),) = source.ask(noun, count_facts(noun), now)
    seen: dict[tuple[str, str], str | int] = {
        ("facts", fact): int(count or 0) for fact, count in zip(noun.facts, counts, strict=True)
    }
    for word in sheet.words:
        if word.section in {"times", "fields"} and word.sql:
            for (value,) in source.ask(noun, example(noun, word.sql), now):
                seen[word.section, word.name] = str(value)
    sheet.total, sheet.seen = total, seen


def _list(sheets: list[_Sheet], desk: Desk, console: Console) -> None:
    rows = table("noun", "what it is", "facts", "times", "fields", "rules", right=("facts", "times", "fields", "rules"))
    rows.columns[1].no_wrap = False
    for sheet in sheets:
        noun = sheet.noun
        told = sheet.about or f"from {noun.source}"
        told = told if sheet.total is None else f"{number(sheet.total, noun.one, noun.name)}. {told}"
        figures = (noun.facts, noun.times, noun.fields, sheet.rules)
        rows.add_row(clean(noun.name), clean(told), *(f"{len(each):,}" for each in figures))
    console.print(rows if sheets else "There is no vocabulary yet: add a noun to config/vocabulary/.")
    for broken in sorted(desk.snapshot.around.broken_nouns):
        console.print(clean(f"{broken} has errors: “duly check” shows them", "red"))


def _show(sheet: _Sheet, console: Console) -> None:
    noun = sheet.noun
    head = noun.name if sheet.total is None else f"{noun.name}: {number(sheet.total, noun.one, noun.name)}"
    console.print(clean(head, "bold"))
    if sheet.about:
        console.print(clean(sheet.about))
    for section in dict.fromkeys(word.section for word in sheet.words):
        title = _TITLES.get(section, section.capitalize())
        headings = (title, "now", "what it means", "used by") if sheet.seen else (title, "what it means", "used by")
        rows = table(*headings, wrap=("what it means", "used by"))
        for word in sheet.words:
            if word.section == section:
                now = [clean(_now(sheet, word))] if sheet.seen else []
                rows.add_row(clean(word.name), *now, clean(word.means, "dim"), clean(", ".join(word.used_by)))
        console.print()
        console.print(rows)


def _now(sheet: _Sheet, word: Word) -> str:
    seen = sheet.seen.get((word.section, word.name), "")
    if isinstance(seen, int):
        return f"{seen:,}"
    return seen if len(seen) <= LONGEST_EXAMPLE else f"{seen[:LONGEST_EXAMPLE]}…"


def _as_json(sheet: _Sheet) -> dict[str, object]:
    noun = sheet.noun
    words = [
        {
            "kind": word.section,
            "name": word.name,
            "means": word.means,
            "sql": word.sql,
            "used_by": list(word.used_by),
            **({"now": sheet.seen.get((word.section, word.name))} if sheet.total is not None else {}),
        }
        for word in sheet.words
    ]
    asked = {} if sheet.total is None else {"records": sheet.total}
    return {
        "noun": noun.name,
        "one": noun.one,
        "source": noun.source,
        "about": sheet.about,
        "rules": sheet.rules,
        **asked,
        "words": words,
    }
