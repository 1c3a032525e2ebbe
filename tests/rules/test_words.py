"""The words of notifications/: finding them, reading them, and what a template cannot do."""

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duly.rules.problem import Problems
from duly.rules.sandbox import environment
from duly.rules.words import read_words, split_subject


def words_of(**files):
    """Read templates, named with “__” for “.”, without problems."""
    problems = Problems()
    words = read_words(
        {f"notifications/orders/{name.replace('__', '.')}.j2": text for name, text in files.items()}, problems
    )
    assert problems.all == []
    return words


def problem_of(text, path="notifications/late.j2"):
    """Read one template that must be refused, and give its problem as people see it."""
    problems = Problems()
    assert read_words({path: text}, problems).templates == {}
    [problem] = problems.all
    return f"{problem.mark} {problem.code} {problem.sentence}"


def render(text, **values):
    """Render a text in the sandbox."""
    return environment().from_string(text).render(values)


EVERY = ("late__sms__ko", "late__ko", "late__sms__zh", "late__zh", "late__sms", "late")


@pytest.mark.parametrize(
    ("present", "found"),
    [
        (EVERY, "late.sms.ko"),
        (EVERY[1:], "late.ko"),
        (("late__sms", "late", "late__sms__zh", "late__zh"), "late.sms"),
        (("late", "late__sms__zh", "late__zh"), "late"),
        (("late__sms__zh", "late__zh"), "late.sms.zh"),
        (("late__zh", "late__email__zh"), "late.zh"),
        (("late__email", "late__en"), None),
        (("later",), None),
    ],
)
def test_closest_words_win(present, found):
    """Channel and language, then language, then channel, then neither; and only then the default language."""
    template = words_of(**dict.fromkeys(present, "x")).find("orders/late", "sms", "ko", "zh")
    assert (template and template.variant) == (found and f"orders/{found}")


def test_words_without_a_language():
    """A recipient without a language gets the default's words."""
    words = words_of(late__zh="中", late="plain")
    assert words.find("orders/late", "sms", "", "zh").text == "plain"
    assert words_of(late__zh="中").find("orders/late", "sms", "", "zh").text == "中"
    assert words_of(late__zh="中").find("orders/late", "sms", "") is None


def test_names_and_variants():
    """Rules name a template without its channel and language."""
    words = words_of(late__zh="a", late="b", paid__sms__en="c")
    assert words.names == ["orders/late", "orders/paid"]
    assert "orders/late" in words
    assert "orders/late.zh" not in words
    assert [template.path for template in words.variants("orders/late")] == [
        "notifications/orders/late.j2",
        "notifications/orders/late.zh.j2",
    ]


def test_undeclared_names_have_places():
    """What a template needs from the record is listed over all variants, each with the first place."""
    words = words_of(
        late__en="{% set greeting = 'Hi' %}{{ greeting }}\n{{ order }}, {{ customer }} {{ order }}",
        late__zh="{% for n in range(3) %}{{ n }}{% endfor %}\r\n 订单 {{ order }} {{ amount|upper }}\n",
        other="{{ elsewhere }}",
    )
    undeclared = words.undeclared("orders/late")
    assert {name: str(mark).rpartition("late.")[2] for name, mark in undeclared.items()} == {
        "order": "en.j2:2:4",
        "customer": "en.j2:2:17",
        "amount": "zh.j2:2:20",
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "a\n{{ order",
            ":2:1 T001 the template cannot be read: unexpected end of template, expected 'end of print statement'",
        ),
        ("\n{% if x %}", ":2:1 T001 the template cannot be read: "),
        ("{{ order|upcase }}", ":1:1 T001 the template cannot be read: No filter named 'upcase'"),
        ("x\n\n{% include 'other' %}", ":3:1 T001 a template reads no other file; write the words here"),
        ("{% extends 'other' %}", ":1:1 T001 a template reads no other file; write the words here"),
        ("{% import 'other' as o %}", ":1:1 T001 a template reads no other file; write the words here"),
        ("{% from 'other' import x %}", ":1:1 T001 a template reads no other file; write the words here"),
        (
            "{% if x %}" * 200 + "{% endif %}" * 200,
            ":1:1 T001 the template is nested too deeply, or holds too long a number; make it simpler",
        ),
        (
            "{{ " + "9" * 5000 + " }}",
            ":1:1 T001 the template is nested too deeply, or holds too long a number; make it simpler",
        ),
    ],
)
def test_template_that_cannot_be_read_is_shown(text, problem):
    """A slip in a template becomes a problem at its line."""
    assert problem_of(text).removeprefix("notifications/late.j2").startswith(problem)


@pytest.mark.parametrize("name", ["late.txt", "late.sms.zh.tw.j2", "la te.j2", ".j2", "late..j2", "orders//late.j2"])
def test_file_name_is_checked(name):
    """A file that is named like no template says how templates are named."""
    assert problem_of("x", f"notifications/{name}") == (
        f"notifications/{name}:1:1 T004 the file name is no template's; "
        "name it like late.j2, late.zh.j2, late.sms.j2 or late.sms.zh.j2"
    )


def test_one_broken_template_stops_only_itself():
    """The other templates of a workspace are read all the same."""
    problems = Problems()
    words = read_words({"notifications/a.j2": "{{", "notifications/b.j2": "fine"}, problems)
    assert words.names == ["b"]
    assert len(problems.all) == 1


def test_unknown_name_is_an_error():
    """A name that the record lacks is never rendered as nothing."""
    with pytest.raises(jinja2.UndefinedError, match="'amount' is undefined"):
        render("{{ amount }}")


def test_blocks_leave_no_lines():
    """A line that holds only a block does not show up in the message."""
    assert render("a\n  {% if yes %}\nb\n  {% endif %}\nc", yes=True) == "a\nb\nc"


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'x' * 200000000 }}",
        "{{ n * name }}",
        "{{ [0] * 100000000 }}",
        "{{ 9 ** 9 ** 9 ** 9 }}",
        "{{ '%200000000d' % 1 }}",
        "{{ '{:>200000000}'.format(1) }}",
        "{{ name.ljust(200000000) }}",
        "{{ name.replace('', name) }}",
        "{{ (5).to_bytes(200000000) }}",
        "{% for i in range(200000000) %}x{% endfor %}",
        "{% for i in range(0, 200000000, 1) %}x{% endfor %}",
        "{{ name.__class__.__mro__ }}",
        "{{ people.clear() }}",
        "{{ people.update({}) }}",
    ],
)
def test_bombs_and_break_outs_are_refused(text):
    """What would make a long text by one operator or method, or look behind the values, is refused at once."""
    with pytest.raises((jinja2.exceptions.SecurityError, jinja2.UndefinedError)):
        render(text, n=200_000_000, name="Lin", people={})


@pytest.mark.parametrize("name", ["center(9)", "indent(9)", "format(9)", "wordwrap(9)", "batch(9)", "slice(9)"])
def test_padding_filters_are_gone(name):
    """Filters that pad are unknown, so they are found when the file is read."""
    assert "No filter named" in problem_of(f"{{{{ x|{name} }}}}")


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("{{ amount * 2 }} {{ 7 % 4 }}", "25.0 3"),
        ("{{ name.upper() }} {{ name.split('i')[0] }} {{ name|replace('L', 'l') }}", "LIN L lin"),
        ("{{ name ~ '!' }}{{ ' x ' in name }}", "Lin!False"),
        ("{% for key, value in people.items() %}{{ key }}={{ value }};{% endfor %}", "a=1;b=2;"),
        ("{{ people.get('c', 'none') }} {{ people|length }} {{ [3, 1]|sort|join(',') }}", "none 2 1,3"),
        ("{% for i in range(3) %}{{ loop.index }}{% endfor %}", "123"),
    ],
)
def test_ordinary_words_work(text, rendered):
    """What desk leads need of Jinja is there."""
    assert render(text, amount=12.5, name="Lin", people={"a": 1, "b": 2}) == rendered


@pytest.mark.parametrize(
    ("rendered", "subject", "body"),
    [
        ("Subject: Late: A-17\n\nDear Lin,\nsorry.\n", "Late: A-17", "Dear Lin,\nsorry."),
        ("\n\nSubject:订单迟了\n  \n您好\n", "订单迟了", "您好"),
        ("Subject: x\r\n\r\ny\r\nz", "x", "y\nz"),
        ("Subject: not one\nno empty line", "", "Subject: not one\nno empty line"),
        ("Subject:\n\nbody", "", "Subject:\n\nbody"),
        ("Dear Lin\n\nSubject: x\n\ny", "", "Dear Lin\n\nSubject: x\n\ny"),
        ("subject: x\n\ny", "", "subject: x\n\ny"),
        ("Subject: a\rBcc: everybody@x.example\n\nb", "a Bcc: everybody@x.example", "b"),
        ("Subject: a\u2028X-Evil: 1\x0b2\x85\n\nb", "a X-Evil: 1 2", "b"),
        ("", "", ""),
    ],
)
def test_subject_is_split_off(rendered, subject, body):
    """A first line “Subject: …” before an empty line is the subject; nothing in it can begin another header."""
    assert split_subject(rendered) == (subject, body)


@given(st.text(alphabet="Subject: \r\n\x0b\u2028ax", max_size=40))
def test_subject_is_always_one_line(rendered):
    """Whatever is rendered, the subject has no line break of any kind."""
    subject, _ = split_subject(rendered)
    assert subject.splitlines() in ([], [subject])


@given(st.text(alphabet="{}%#-'\"|()[].,:~ \nabif0for in set=endmacro", max_size=60))
def test_any_template_is_read_or_refused(text):
    """Whatever stands in a template, reading it ends in a template or in one problem, never in a traceback."""
    problems = Problems()
    words = read_words({"notifications/late.j2": text}, problems)
    assert bool(words.templates) != bool(problems.errors)
    for problem in problems.all:
        assert problem.code == "T001"
        assert problem.render()
