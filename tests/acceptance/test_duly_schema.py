"""``duly schema``: what an editor is given."""

from __future__ import annotations

import pytest

from acceptance.command import duly


@pytest.mark.parametrize("kind", ["rule", "noun", "directory", "settings", "calendar"])
def test_each_kind_of_file_has_a_schema(kind, workspace):
    """The answer is one JSON document, of a draft that editors understand."""
    answer = duly("schema", kind, "--home", workspace).json
    assert answer["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert answer["additionalProperties"] is False


def test_a_rule_is_what_is_meant_without_a_word(workspace):
    """The schema of rules knows the words of this workspace."""
    answer = duly("schema", "--home", workspace).json
    assert answer["title"] == "A rule of Duly"
    assert answer["properties"]["watch"]["enum"] == ["cases", "complaints", "customers", "orders"]


def test_an_unknown_kind_is_a_slip_of_whoever_typed_it(workspace):
    """The kinds that there are, are named."""
    done = duly("schema", "template", "--home", workspace)
    assert done.code == 2
    assert "'template' is not one of 'rule', 'noun', 'directory', 'settings', 'calendar'" in done.err
