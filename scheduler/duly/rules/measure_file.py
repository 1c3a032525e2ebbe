"""The measures of one file of the vocabulary."""

from __future__ import annotations

from collections.abc import Iterable

from duly.rules import yaml
from duly.rules.measure import Measure, Reckoning
from duly.rules.noun import Noun
from duly.rules.problem import Problems, suggest_or_list
from duly.rules.reader import Reader, describe

SHARE_PLACES = 1
AVERAGE_PLACES = 1

_RECKONINGS = tuple(reckoning.value for reckoning in Reckoning)
_SAMPLE = "write {count: yes, on: TIME}, {count: FACT, on: TIME} or {share: this / that}"


def read_measure(name: str, value: yaml.Node, problems: Problems) -> Measure | None:
    """Read one measure: ``{count: repaired, on: reported_at}``.

    Parameters
    ----------
    name: what rules call it.
    value: what stands under its name.
    problems: takes what is wrong.

    Returns
    -------
    ``None`` when it cannot be read. What it names is held against the noun by `check_measures`.
    """
    if not isinstance(value, yaml.Mapping):
        problems.add("V003", value.mark, f"the measure “{name}” must be a mapping, not {describe(value)}", _SAMPLE)
        return None
    reader = Reader(value, problems, "V", (*_RECKONINGS, "on", "places"))
    reader.finish()
    given = [key for key in value if key in _RECKONINGS]
    if not given:
        reader.problem("002", value.mark, f"the measure “{name}” says nothing", _SAMPLE)
        return None
    for key in given[1:]:
        reader.problem("006", reader.key_mark(key), f"“{key}” beside “{given[0]}”", "a measure has one of them")
    reckoning = Reckoning(given[0])
    written = reader.text(given[0])
    on = reader.text("on")
    places = reader.whole("places")
    if places is not None and reckoning is Reckoning.COUNT:
        reader.problem("006", reader.key_mark("places"), "a count has no places", "delete it")
    if reckoning is Reckoning.SHARE:
        if on:
            reader.problem("006", reader.key_mark("on"), "“on” beside “share”", "its two measures have theirs")
        return _share(name, reader, written, SHARE_PLACES if places is None else places)
    if reckoning is Reckoning.AVERAGE and places is None:
        places = AVERAGE_PLACES
    of = "" if reckoning is Reckoning.COUNT and written == "yes" else written
    return Measure(name, reckoning, of=of, on=on, places=places)


def _share(name: str, reader: Reader, written: str, places: int) -> Measure | None:
    parts = [" ".join(part.split()) for part in written.split("/")]
    if len(parts) != 2 or not all(parts):
        if written:
            message = f"“{written}” is not a share of two measures"
            reader.problem("004", reader.mark("share"), message, "write it like “done / reported”")
        return None
    return Measure(name, Reckoning.SHARE, part=parts[0], whole=parts[1], places=places)


def check_measures(noun: Noun, problems: Problems) -> None:
    """Note what a noun's measures name that it does not have."""
    for measure in noun.measures.values():
        _Check(measure, noun, problems).check()


class _Check:
    def __init__(self, measure: Measure, noun: Noun, problems: Problems) -> None:
        self.measure = measure
        self.noun = noun
        self.problems = problems

    def check(self) -> None:
        measure = self.measure
        if measure.reckoning is Reckoning.SHARE:
            self._share()
            return
        if measure.reckoning is Reckoning.COUNT:
            if measure.of and measure.of not in self.noun.facts:
                self._unknown("fact", measure.of, self.noun.facts)
        else:
            self._amount()
        self._on()

    def _share(self) -> None:
        for part in (self.measure.part, self.measure.whole):
            other = self.noun.measures.get(part)
            if other is None:
                self._unknown("measure", part, [name for name in self.noun.measures if name != self.measure.name])
            elif other.reckoning in (Reckoning.SHARE, Reckoning.AVERAGE):
                message = f"“{part}” is itself {'an average' if other.reckoning is Reckoning.AVERAGE else 'a share'}"
                self._problem("006", "share", message, "divide counts or sums")

    def _amount(self) -> None:
        kind, field = self.measure.reckoning.value, self.noun.fields.get(self.measure.of)
        if field is None:
            self._unknown("field", self.measure.of, self.noun.fields)
        elif field.kind not in {"number", "money"}:
            message = f"“{field.name}” is not a number, so it has no {kind}"
            self._problem("006", kind, message, "give the field “kind: number”")
        elif field.currency:
            message = f"“{field.name}” may be in several currencies, which do not add up"
            self._problem("006", kind, message, "take a field without “currency”, in the shop’s own")

    def _on(self) -> None:
        measure, times = self.measure, self.noun.times
        if measure.on not in times:
            if measure.on:
                self._unknown("time", measure.on, times, "on")
            else:
                message = f"the measure “{measure.name}” does not say which time puts a record into a period"
                self._problem("002", "", message, "add “on: …” with a time of the noun")

    def _unknown(self, what: str, name: str, known: Iterable[str], key: str = "") -> None:
        cure = suggest_or_list(name, known) or "add it to the file"
        self._problem("005", key or self.measure.reckoning.value, f"unknown {what} “{name}”", cure)

    def _problem(self, number: str, key: str, message: str, cure: str) -> None:
        path = f"measures.{self.measure.name}"
        self.problems.add(f"V{number}", self.noun.marks[f"{path}.{key}" if key else path], message, cure)
