"""The words of ``notifications/``: templates by name, channel and language."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import jinja2
from jinja2 import meta, nodes

from duly.rules.problem import Mark, Problems
from duly.rules.sandbox import environment

FOLDER = "notifications/"
ENDING = ".j2"

_FILE_NAME = re.compile(r"(?P<name>(?:[\w-]+/)*[\w-]+)(?:\.[\w-]+){0,2}")
_SUBJECT = re.compile(r"Subject:[ \t]*(?P<subject>\S[^\n]*)\n[ \t]*\n(?P<body>.*)", re.DOTALL)
_BORROWED = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)


@dataclass(frozen=True, slots=True)
class Template:
    """One file of ``notifications/``.

    Parameters
    ----------
    name: how rules call it (``orders/late``).
    variant: the name with channel and language, as the file has them (``orders/late.sms.zh``).
    path: relative to the workspace.
    text: the file.
    compiled: the same, ready to render.
    undeclared: the names it uses, each with the first place.
    of_lines: the names that it uses of each of the ``lines`` of a grouped message, each with the first place.
    """

    name: str
    variant: str
    path: str
    text: str = field(repr=False)
    compiled: jinja2.Template = field(repr=False, compare=False)
    undeclared: Mapping[str, Mark] = field(repr=False, compare=False)
    of_lines: Mapping[str, Mark] = field(repr=False, compare=False, default_factory=dict)


@dataclass(frozen=True, slots=True)
class Words:
    """All templates of a workspace, by variant."""

    templates: Mapping[str, Template] = field(default_factory=dict)

    def __contains__(self, name: object) -> bool:
        """Tell whether there is any template of this name."""
        return any(template.name == name for template in self.templates.values())

    @property
    def names(self) -> list[str]:
        """The names that rules may use."""
        return sorted({template.name for template in self.templates.values()})

    def variants(self, name: str) -> list[Template]:
        """Return every template of ``name``, in the order of their file names."""
        return [self.templates[key] for key in sorted(self.templates) if self.templates[key].name == name]

    def find(self, name: str, channel: str, lang: str, default_lang: str = "") -> Template | None:
        """Return the words of ``name`` for a channel and a language, or ``None``.

        The closest wins: ``name.channel.lang``, ``name.lang``, ``name.channel``, ``name``; then the same in
        ``default_lang``.
        """
        for language in (lang, default_lang):
            for parts in ((name, channel, language), (name, language), (name, channel), (name,)):
                found = self.templates.get(".".join(parts)) if all(parts) else None
                if found:
                    return found
        return None

    def undeclared(self, name: str) -> dict[str, Mark]:
        """Return the names that the variants of ``name`` use without setting them, each with the first place."""
        found: dict[str, Mark] = {}
        for template in self.variants(name):
            found = {**template.undeclared, **found}
        return found


def read_words(files: Mapping[str, str], problems: Problems) -> Words:
    """Read the templates of a workspace.

    Parameters
    ----------
    files: the text of each file, by its path relative to the workspace (``notifications/orders/late.sms.zh.j2``).
    problems: takes what is wrong; a template that cannot be read is left out.
    """
    env = environment()
    read = (_read(path, files[path], env, problems) for path in sorted(files))
    return Words({template.variant: template for template in read if template})


def split_subject(rendered: str) -> tuple[str, str]:
    """Split rendered words into subject and body.

    A first line ``Subject: …`` followed by an empty line is the subject, always one line; else the subject is empty.
    """
    plain = rendered.replace("\r\n", "\n").strip("\n")
    found = _SUBJECT.match(plain)
    if not found:
        return "", plain
    return " ".join(found["subject"].split()), found["body"].strip("\n")


def _read(path: str, text: str, env: jinja2.Environment, problems: Problems) -> Template | None:
    problems.lines(path, text)
    variant = path.removeprefix(FOLDER).removesuffix(ENDING)
    file_name = _FILE_NAME.fullmatch(variant)
    if not (file_name and path.endswith(ENDING)):
        cure = "name it like late.j2, late.zh.j2, late.sms.j2 or late.sms.zh.j2"
        problems.add("T004", Mark(path), "the file name is no template's", cure)
        return None
    try:
        tree = env.parse(text)
        compiled = env.from_string(text)
    except jinja2.TemplateSyntaxError as error:
        problems.add(
            "T001", Mark(path, error.lineno), f"the template cannot be read: {(error.message or '').rstrip('.')}"
        )
        return None
    except (SyntaxError, RecursionError, MemoryError, ValueError):  # what Python's own compiler cannot stomach
        problems.add(
            "T001", Mark(path), "the template is nested too deeply, or holds too long a number", "make it simpler"
        )
        return None
    borrowed = next(tree.find_all(_BORROWED), None)
    if borrowed is not None:
        message = "a template reads no other file"
        problems.add("T001", Mark(path, borrowed.lineno), message, "write the words here")
        return None
    names = meta.find_undeclared_variables(tree) - set(env.globals)
    undeclared = dict(_places(_first_lines(tree.find_all(nodes.Name), names), text, path))
    of_lines = dict(_places(_of_lines(tree), text, path))
    return Template(file_name["name"], variant, path, text, compiled, undeclared, of_lines)


def _first_lines(found: Iterable[nodes.Name], names: Collection[str]) -> dict[str, int]:
    first: dict[str, int] = {}
    for node in found:
        if node.name in names:
            first[node.name] = min(node.lineno, first.get(node.name, node.lineno))
    return first


def _of_lines(tree: nodes.Template) -> dict[str, int]:
    """Find what is asked of each line, in loops over ``lines``: name and line of the file."""
    first: dict[str, int] = {}
    for loop in tree.find_all(nodes.For):
        if not (_is_lines(loop.iter) and isinstance(loop.target, nodes.Name)):
            continue
        for asked in loop.find_all(nodes.Getattr):
            if isinstance(asked.node, nodes.Name) and asked.node.name == loop.target.name:
                first[asked.attr] = min(asked.lineno, first.get(asked.attr, asked.lineno))
    return first


def _is_lines(node: nodes.Node) -> bool:
    while isinstance(node, nodes.Filter) and node.node is not None:
        node = node.node
    return isinstance(node, nodes.Name) and node.name == "lines"


def _places(first: Mapping[str, int], text: str, path: str) -> Iterator[tuple[str, Mark]]:
    """Give each name with the first place at which the template uses it."""
    lines = re.split("\r\n|\r|\n", text)
    for name in sorted(first):
        found = re.search(rf"\b{re.escape(name)}\b", lines[first[name] - 1])
        yield name, Mark(path, first[name], found.start() + 1 if found else 1)
