"""The roundup of a rule file."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf

from duly.rules.audience import parse_audience
from duly.rules.by import parse_by
from duly.rules.condition import read_conditions
from duly.rules.model import By
from duly.rules.problem import Problems
from duly.rules.reader import Reader, describe
from duly.rules.roundup import BARS, PIE, REPORT, XLSX, Roundup, Section
from duly.rules.yaml import Mapping, Node, Scalar
from duly.time.period import Period

NOT_BESIDE = ("steps", "done", "due", "pause", "rest", "cover")
"""Keys of a rule that only a ladder has a use for."""

_PARTS = ("list", "sort", "measure", "per", "chart")
_KEYS = ("tell", "by", "text", "each", "period", "attach", "empty", "sections", *_PARTS)
_SECTION_KEYS = ("title", "watch", "where", "except", "clock", *_PARTS)
_NEEDS = {"sort": "list", "per": "measure", "chart": "per"}


def read_roundup(rule: Reader, problems: Problems) -> Roundup | None:
    """Read the ``roundup`` of a rule.

    Parameters
    ----------
    rule: the rule's own keys, of which those of a ladder are refused.
    problems: takes what is wrong.
    """
    for key in NOT_BESIDE:
        if rule.has(key):
            message = f"a roundup has no ladder, so it has no “{key}”"
            problems.add("R030", rule.key_mark(key), message, f"delete “{key}”, or write a rule of its own")
    mapping = rule.mapping("roundup")
    return None if mapping is None else _RoundupReader(mapping, problems).read()


class _RoundupReader:
    def __init__(self, mapping: Mapping, problems: Problems) -> None:
        self.reader = Reader(mapping, problems, "R", _KEYS)
        self.problems = problems

    def read(self) -> Roundup | None:
        reader = self.reader
        written = reader.texts("tell", required=True)
        audiences = [(text, audience) for text in written if (audience := reader.parse_scalar(text, parse_audience))]
        empty = reader.choice("empty", ("send", "skip"), default="send")
        roundup = Roundup(
            tell=tuple(audience for _, audience in audiences),
            sections=self._sections(),
            by=self._by(),
            text=reader.text("text", default=REPORT).strip(),
            each=" ".join(reader.text("each").split()),
            period=reader.parse("period", Period.parse),
            attach=reader.choice("attach", (XLSX,)),
            empty=empty == "send",
            marks={
                **reader.marks(),
                **{f"tell.{place}": text.mark for place, (text, _) in enumerate(audiences)},
                "": reader.map.mark,
            },
        )
        reader.finish()
        return roundup if roundup.tell and roundup.sections else None

    def _by(self) -> By:
        texts = self.reader.texts("by")
        entries = (self.reader.parse_scalar(text, lambda written: parse_by([written])) for text in texts)
        return tuple(fallbacks for by in entries if by for fallbacks in by)

    def _sections(self) -> tuple[Section, ...]:
        reader = self.reader
        if not reader.has("sections"):
            return (_section(reader, {"title": "", "watch": "", "clock": ""}, self.problems),)
        for key in _PARTS:
            if reader.has(key):
                message = f"“{key}” stands beside “sections”"
                self.problems.add("R031", reader.key_mark(key), message, "move it into one of them")
        nodes = reader.items("sections")
        if not nodes:
            self.problems.add("R003", reader.mark("sections"), "“sections” is empty", "add a section")
        return tuple(section for node in nodes if (section := self._section(node)) is not None)

    def _section(self, node: Node) -> Section | None:
        if not isinstance(node, Mapping):
            if not (isinstance(node, Scalar) and node.spoilt):
                cure = "write it like “{title: Orders, watch: orders, list: [order, customer]}”"
                self.problems.add("R003", node.mark, f"a section must be a mapping, not {describe(node)}", cure)
            return None
        reader = Reader(node, self.problems, "R", _SECTION_KEYS)
        told = {key: " ".join(reader.text(key).split()) for key in ("title", "watch", "clock")}
        section = _section(reader, told, self.problems)
        reader.finish()
        return section


def _section(reader: Reader, told: MappingOf[str, str], problems: Problems) -> Section:
    if not reader.has("list") and not reader.has("measure"):
        message = "nothing is told: there is neither a list nor a measure"
        problems.add("R031", reader.map.mark, message, "add “list: [FIELD, …]” or “measure: [MEASURE, …]”")
    for key, needed in _NEEDS.items():
        if reader.has(key) and not reader.has(needed):
            problems.add("R031", reader.key_mark(key), f"“{key}” without “{needed}”", f"add “{needed}: …”")
    own = {"where", "except"} & reader.keys  # of a roundup without sections they are the rule's
    return Section(
        title=told["title"],
        watch=told["watch"],
        where=read_conditions(reader.texts("where"), problems) if own else (),
        except_=read_conditions(reader.texts("except"), problems) if own else (),
        clock=told["clock"],
        list=_words(reader, "list"),
        sort=_words(reader, "sort"),
        measure=_words(reader, "measure"),
        per=" ".join(reader.text("per").split()),
        chart=reader.choice("chart", (BARS, PIE)),
        marks={**reader.marks(), "": reader.map.mark},
    )


def _words(reader: Reader, key: str) -> tuple[str, ...]:
    return tuple(" ".join(text.value.split()) for text in reader.texts(key))
