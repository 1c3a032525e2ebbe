"""How Python values lie in the ledger."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import sqlalchemy as sa

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Instant(sa.types.TypeDecorator[dt.datetime]):
    """An aware instant, kept as an integer of microseconds since 1970 in UTC: the same in every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002
        """Turn an aware datetime into microseconds."""
        if value is None:
            return None
        since = value - EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> dt.datetime | None:  # noqa: ARG002
        """Turn microseconds into an aware datetime in UTC."""
        return None if value is None else EPOCH + dt.timedelta(microseconds=value)


class Json(sa.types.TypeDecorator[Any]):
    """A plain value as JSON text; what JSON lacks (decimals, dates) becomes its text."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        """Write the value as compact JSON."""
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        """Read the value back."""
        return None if value is None else json.loads(value)


Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""SQLite gives row numbers of its own only to a column declared INTEGER."""
