"""The sandbox in which templates are read and rendered: none breaks out of it, and none runs for ages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from duly.rules import spoken

MAX_RANGE = 1000
"""How far a template may count: enough for any list that a person reads."""
MAX_TURNS = 20_000
"""Turns of all loops of one rendering, with its calls and what its filters go through: some 20 ms."""
MAX_CHARACTERS = 1_000_000
"""Characters that one rendering may make, also those that it throws away."""
MAX_BITS = 256
"""Of a product; the amounts of a shop stay under 64."""

_CHARACTERS_A_TURN, _ITEMS_A_TURN = 1000, 10
"""As much of a text, and of a list, as a filter goes through while a loop turns once."""
_TURNS, _INPUT, _TEXT, _SHOWN = "turns of a loop", "input of a filter", "text of a filter", "text shown"
"""Filters that no template can name, for their spaces: `_Metered` puts them in."""

_REPEATING_FILTERS = ("batch", "center", "format", "indent", "slice", "wordwrap")
_REPEATING_GLOBALS = ("cycler", "joiner", "lipsum", "namespace")
_TEXT_METHODS = frozenset(
    {
        *("capitalize", "casefold", "lower", "swapcase", "title", "upper"),
        *("count", "endswith", "find", "index", "rfind", "rindex", "startswith"),
        *("isalpha", "isdigit", "islower", "isnumeric", "istitle", "isupper"),
        *("lstrip", "removeprefix", "removesuffix", "rstrip", "strip"),
        *("partition", "rpartition", "rsplit", "split", "splitlines"),
    }
)


def environment() -> jinja2.Environment:
    """Make the sandbox in which templates are read and rendered.

    An unknown name is an error, values are immutable, no template reads another file, what multiplies a text (``*`` on
    texts, long ranges, padding) is gone, and every rendering has a budget of turns and of characters.
    """
    env = _Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False, finalize=_shown
    )
    for name in _REPEATING_FILTERS:
        del env.filters[name]
    for name in _REPEATING_GLOBALS:
        del env.globals[name]
    env.globals["range"] = _short_range
    own = {"date": spoken.date, "time": spoken.time, "join": _join, "replace": _replace}
    env.filters.update({**own, _TURNS: _turns, _INPUT: _input, _TEXT: _text, _SHOWN: _shown})
    return env


class _Budget:
    """What one rendering may still take."""

    def __init__(self) -> None:
        self._turns = MAX_TURNS
        self._characters = MAX_CHARACTERS

    def turn(self, count: int = 1) -> None:
        self._turns -= count
        if self._turns < 0:
            raise SecurityError(f"its loops turn more than {MAX_TURNS:,} times: make it simpler")

    def write(self, count: int) -> None:
        self._characters -= count
        if self._characters < 0:
            raise SecurityError(f"it makes more than {MAX_CHARACTERS:,} characters on its way: make it simpler")


class _Context(Context):
    """The values of one rendering, and its budget."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.budget = _Budget()

    def derived(self, locals: dict[str, Any] | None = None) -> Context:  # noqa: A002 - Jinja's own name
        context = super().derived(locals)
        if isinstance(context, _Context):
            context.budget = self.budget
        return context


class _Environment(ImmutableSandboxedEnvironment):
    """A sandbox in which a short template cannot ask for a long text, or for a long time."""

    context_class = _Context
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "+":
            if isinstance(left, Sized) and isinstance(right, Sized):
                _budget(context).write(len(left) + len(right))
        elif operator == "**" or not (_is_number(left) and _is_number(right)):
            raise SecurityError(f"“{operator}” works on numbers only, and “**” not at all: write the text out")
        elif operator == "*" and _bits(left) + _bits(right) > MAX_BITS:
            raise SecurityError("it multiplies to a number that is too long")
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, called: Any, /, *args: Any, **kwargs: Any) -> Any:
        _budget(context).turn()
        if isinstance(called, LoopContext) and args:
            args = (_turns(context, args[0]), *args[1:])
        return super().call(context, called, *args, **kwargs)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, str):
            return attr in _TEXT_METHODS
        return not isinstance(obj, int | float | bytes) and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Leave ``str.format`` to `is_safe_attribute`, which refuses it: ``{:>1000000}`` pads."""

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        metered: nodes.Template = _Metered().visit(source)
        metered.set_environment(self)
        return super()._generate(metered, *args, **kwargs)


class _Metered(NodeTransformer):
    """Has every loop, filter and piece of text of a template draw on the budget of its rendering."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - Jinja's own naming
        self.generic_visit(node)
        node.iter = _through(_TURNS, node.iter)
        return node

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:  # noqa: N802 - Jinja's own naming
        self.generic_visit(node)
        if node.node is not None:
            node.node = _through(_INPUT, node.node)
        return _through(_TEXT, node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - Jinja's own naming
        self.generic_visit(node)
        node.nodes = [_through(_SHOWN, part) for part in node.nodes]
        return node

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Node:  # noqa: N802 - Jinja's own naming
        # As a constant it is weighed by `finalize`, which template data goes past.
        return nodes.Const(node.data, lineno=node.lineno)


def _through(name: str, node: nodes.Node) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _budget(context: Context) -> _Budget:
    assert isinstance(context, _Context)  # noqa: S101 - `_Environment` makes no other
    return context.budget


@jinja2.pass_context
def _turns(context: Context, items: Iterable[Any]) -> Iterator[Any]:
    budget = _budget(context)
    for item in items:
        budget.turn()
        yield item


@jinja2.pass_context
def _input(context: Context, value: Any) -> Any:
    if isinstance(value, Undefined):
        return value
    if isinstance(value, Iterator):
        return _turns(context, value)
    if isinstance(value, str):
        _budget(context).turn(1 + len(value) // _CHARACTERS_A_TURN)
    elif isinstance(value, Sized):
        _budget(context).turn(1 + len(value) // _ITEMS_A_TURN)
    return value


@jinja2.pass_context
def _text(context: Context, value: Any) -> Any:
    if isinstance(value, str):
        _budget(context).write(len(value))
    return value


@jinja2.pass_context
def _shown(context: Context, value: Any) -> str:
    text = str(value)
    _budget(context).write(len(text))
    return text


@jinja2.pass_context
def _join(context: Context, items: Iterable[Any], between: str = "") -> str:
    """Join texts; the budget is asked before the long text is made."""
    texts = [str(item) for item in items]
    _budget(context).write(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


@jinja2.pass_context
def _replace(context: Context, text: object, old: str, new: str, count: int = -1) -> str:
    """Put ``new`` in the place of ``old``; the budget is asked before the long text is made."""
    within = str(text)
    _budget(context).write(within.count(old) * len(new))
    return within.replace(old, new, count)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _bits(value: float) -> int:
    return value.bit_length() if isinstance(value, int) else 0


def _short_range(*bounds: int) -> range:
    counted = range(*bounds)
    if len(counted) > MAX_RANGE:
        raise SecurityError(f"a template counts to {MAX_RANGE} at most")
    return counted
