"""The shop's people: its agents, and its customers in China, Korea and a few other countries."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from duly.demo.life import hours

T = TypeVar("T")

AGENTS = (
    {"id": 1, "name": "林娜", "team": "after-sales"},
    {"id": 2, "name": "梅芳", "team": "logistics"},
    {"id": 3, "name": "周敏", "team": "after-sales"},
    {"id": 4, "name": "한지우", "team": "after-sales"},
)
"""The shop's numbers for the staff of the shipped directory."""

AGENT_IDS = (1, 2, 4)
"""Who looks after customers: 3 is their supervisor."""

ZH_FAMILY = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾萧田董潘袁蔡蒋余"
ZH_GIVEN = (
    "伟 芳 娜 敏 静 丽 强 磊 洋 艳 勇 杰 娟 涛 明 超 霞 平 刚 桂英 秀兰 建华 志强 秀英 海燕 晓明 雪梅 子涵 梓萱 "
    "浩然 宇轩 欣怡 思远 嘉怡 俊杰 一诺 诗涵 文博 雨桐 佳琪 晨曦 若曦 国庆 春燕 小龙 丽华 玉兰 婷婷 天宇 梦琪"
)
KO_FAMILY = "김 이 박 최 정 강 조 윤 장 임 한 오 서 신 권 황 안 송 류 홍"
KO_GIVEN = (
    "민준 서연 도윤 지우 서준 하은 예준 지민 시우 수아 주원 하윤 지호 서현 준서 민서 지훈 유진 현우 은지 성민 혜진 "
    "동현 미영 정훈 수진 영호 지영 상우 보람"
)
EN_GIVEN = (
    "Oliver Amelia George Isla Noah Ava Harry Freya Leo Grace Emma Liam Sophia Mason Chloe Ethan Zoe Lucas Ruby Owen "
    "Hannah Daniel Alice Samuel Nora Thomas Ella Adam Maya Henry"
)
EN_FAMILY = (
    "Smith Jones Taylor Brown Williams Evans Walker Wright Robinson Thompson White Hughes Edwards Green Hall Wood "
    "Harris Clarke Patel Khan Lewis Baker Turner Hill Cooper Morris Ward Moore Carter O’Neill"
)
NEEDS = ("prefers chat", "delivers to the office", "wants an invoice", "large furniture", "calls after 19:00 only")


def _chinese(rng: random.Random) -> str:
    return rng.choice(ZH_FAMILY) + rng.choice(ZH_GIVEN.split())


def _korean(rng: random.Random) -> str:
    return rng.choice(KO_FAMILY.split()) + rng.choice(KO_GIVEN.split())


def _english(rng: random.Random) -> str:
    return f"{rng.choice(EN_GIVEN.split())} {rng.choice(EN_FAMILY.split())}"


@dataclass(frozen=True, slots=True)
class Country:
    """Where customers live, and what follows from it.

    ``phone`` is a pattern for a customer's number that no telephone has: 12x is no mobile prefix in China, 010-0000 is
    not given out in Korea, 07700 900xxx (Ofcom) and 555-01xx (NANPA) are kept free for fiction.
    """

    code: str
    share: float
    lang: str
    zone: str
    currency: str
    phone: Callable[[int], str]
    chat: str
    name: Callable[[random.Random], str]


COUNTRIES = (
    Country("CN", 0.72, "zh", "Asia/Shanghai", "CNY", lambda n: f"+8612000{n:06}", "wechat", _chinese),
    Country("KR", 0.20, "ko", "Asia/Seoul", "KRW", lambda n: f"+82100000{n % 10000:04}", "kakao", _korean),
    Country("GB", 0.04, "en", "Europe/London", "GBP", lambda n: f"+447700900{n % 1000:03}", "whatsapp", _english),
    Country(
        "US",
        0.03,
        "en",
        "America/New_York",
        "USD",
        lambda n: f"+1{200 + n // 100 % 700}55501{n % 100:02}",
        "whatsapp",
        _english,
    ),
    Country("CA", 0.01, "en", "America/Toronto", "CAD", lambda n: f"+141655501{n % 100:02}", "whatsapp", _english),
)


@dataclass(frozen=True, slots=True)
class Customer:
    """What the shop's life needs to know of a customer."""

    number: int
    name: str
    lang: str
    currency: str
    agent_id: int | None


def customer(rng: random.Random, number: int, start: datetime, *, active: bool) -> tuple[Customer, dict[str, object]]:
    """Make up one customer who joined before ``start``: who it is, and its row."""
    country = rng.choices(COUNTRIES, [each.share for each in COUNTRIES])[0]
    name = country.name(rng)
    joined = start - hours(rng, 30 * 24, 1000 * 24)
    born = date(1955, 1, 1) + timedelta(days=rng.randrange(50 * 365))
    agent_id = _mostly(rng, 0.97, rng.choice(AGENT_IDS))
    row = {
        "id": number,
        "name": name,
        "phone": _mostly(rng, 0.94, country.phone(number)),
        "chat": _mostly(rng, 0.93, f"{country.chat}:c{number}"),
        "email": _mostly(rng, 0.85, f"c{number}@mail.example"),
        "lang": _mostly(rng, 0.98, country.lang),
        "tz": _mostly(rng, 0.97, country.zone),
        "country": _mostly(rng, 0.98, country.code),
        "born_on": _mostly(rng, 0.8, born),
        "member": _mostly(rng, 0.95, int(rng.random() < 0.25)),
        "created_at": joined,
        "first_contact_at": joined + hours(rng, 1, 150),
        "last_contact_at": start - hours(rng, 24, 25 * 24),
        "agent_id": agent_id,
        "needs": _mostly(rng, 0.1, rng.choice(NEEDS)),
        "quiet": _mostly(rng, 0.03, rng.choice(("22:00-08:00", "12:00-14:00", "21:00-10:30"))),
        "no_sms": _mostly(rng, 0.9, int(rng.random() < 0.03)),
        "no_marketing": _mostly(rng, 0.9, int(rng.random() < 0.1)),
        "active": int(active),
    }
    return Customer(number, name, country.lang, country.currency, agent_id), row


def _mostly(rng: random.Random, share: float, value: T) -> T | None:
    return value if rng.random() < share else None
