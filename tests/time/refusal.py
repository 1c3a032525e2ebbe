"""What a parser says to a text that it does not take."""

from __future__ import annotations


def refusal(parse, text):
    """Return the sentence with which `parse` refuses `text`, or nothing where it takes it; any other error is one."""
    try:
        parse(text)
    except ValueError as error:
        assert str(error).isprintable()  # noqa: PT017 - most texts are refused, but not all
        return str(error) or "(silence)"
    return ""
