"""The words that ship: whole in three languages, and short where length is paid for."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from duly.engine.composer import Composer
from duly.rules.problem import Problems
from duly.rules.words import Words, read_words

REPOSITORY = Path(__file__).resolve().parents[2]
LANGUAGES = ("zh", "ko", "en")
TO_CUSTOMERS = {"care/holiday", "orders/unpaid"}
WITHOUT_MAIL = {"orders/unpaid"}  # its rule sends no mail
AROUND = {"duly/as-of"}  # put around other words, whatever the channel
# 3GPP TS 23.038, 6.2.1: what fits into seven bits; one character beyond it makes the message UCS-2.
GSM_7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
NAMES = {"zh": "欧阳若曦", "ko": "황보혜진", "en": "Hannah Thompson"}
HOLIDAY = {"holiday": "Chinese New Year (Spring Festival)", "first": dt.date(2026, 2, 16), "last": dt.date(2026, 2, 23)}


@cache
def words() -> Words:
    """Read the shipped templates; there must be nothing to complain of."""
    problems = Problems()
    files = (REPOSITORY / "notifications").rglob("*.j2")
    read = read_words({str(path.relative_to(REPOSITORY)): path.read_text() for path in files}, problems)
    assert [problem.render() for problem in problems.all] == []
    return read


def composed(name: str, channel: str, lang: str):
    """Compose words for one made-up order, complaint and customer."""
    at = dt.datetime(2026, 9, 27, 6, 0, tzinfo=dt.UTC)
    values = {"order": 1234567, "complaint": 1234567, "customer": NAMES[lang], "name": NAMES[lang]}
    values |= {"key": 1234567, "rule": "Paid orders ship within 72 hours", "rule_id": "orders/ship-within-72h"}
    values |= {"handed_to": "Grace Wang", "count": 12345, "reason": "over 500 messages an hour"}
    values |= {"words": "Order 7 is late.", "since": at}
    values |= {"until": at, "as_of": at, "group": "logistics", "empty": False, "report": "Repairs\nleak: done 7"}
    values |= {"summary": "Repairs: done 1,294, completion 84.19 %"}
    values |= {"whom": NAMES[lang], "number": "+8613800000001", "task": 12}
    values |= {"clock": at, "due": at + dt.timedelta(hours=72), **HOLIDAY}
    return Composer(words(), "en").compose(name, channel, lang, values, ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_text_is_there_in_each_language(lang):
    """No customer or member of staff gets words in a language that is not theirs."""
    here = words()
    for name in here.names:
        assert f"{name}.{lang}" in here.templates
        assert name in AROUND or f"{name}.sms.{lang}" in here.templates
        assert name in WITHOUT_MAIL | AROUND or f"{name}.email.{lang}" in here.templates


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_text_message_fits_into_one_segment(lang):
    """With long names and numbers, Chinese and Korean take 70 characters at most, English 160 of seven bits."""
    for name in set(words().names) - AROUND:
        body = composed(name, "sms", lang).body
        if lang == "en":
            assert set(body) <= GSM_7, body
            assert len(body) <= 160, body
        else:
            assert len(body.encode("utf-16-le")) // 2 <= 70, body


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_mail_has_a_subject_and_nothing_else_has(lang):
    """Mail begins with a subject of one short line; chat and text messages have none."""
    for name in set(words().names) - WITHOUT_MAIL - AROUND:
        mail = composed(name, "email", lang)
        assert 0 < len(mail.subject) <= 78
        assert mail.body
        assert composed(name, "chat", lang).subject == ""
        assert composed(name, "sms", lang).subject == ""


def test_a_time_is_shown_as_the_reader_s_wall_shows_it():
    """A due time in words is local, and said in the reader's language."""
    assert "9月30日 14:00" in composed("orders/late", "chat", "zh").body
    assert "9월 30일 14:00" in composed("orders/late", "chat", "ko").body
    assert "30 Sep 14:00" in composed("orders/late", "chat", "en").body


def test_a_holiday_goes_by_its_name_in_each_language():
    """The calendar's English name of a holiday reaches nobody who reads Chinese or Korean."""
    assert "春节期间（2月16日至2月23日）" in composed("care/holiday", "chat", "zh").body
    assert "춘절(2월 16일~2월 23일)" in composed("care/holiday", "chat", "ko").body
    assert "Chinese New Year (Spring Festival), 16 Feb to 23 Feb" in composed("care/holiday", "chat", "en").body


@pytest.mark.parametrize("name", sorted(TO_CUSTOMERS))
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_customer_without_a_name_is_greeted_all_the_same(name, lang):
    """Where the record has no name, no gap is left where it would stand."""
    at = dt.datetime(2026, 9, 27, 6, 0, tzinfo=dt.UTC)
    values = {"order": 7, "name": "", "clock": at, **HOLIDAY}
    body = Composer(words(), "en").compose(name, "chat", lang, values, ZoneInfo("Asia/Shanghai")).body
    assert body.startswith({"zh": "您好！", "ko": "안녕하세요.", "en": "Hello!"}[lang])
