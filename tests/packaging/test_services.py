"""The service databases that tests run on are real, and their absence is said."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from services import fresh_database


@pytest.mark.parametrize("fixture", ["postgresql_url", "mariadb_url"])
def test_a_test_gets_an_empty_database_of_its_own(fixture, request):
    """A database fixture gives an empty database that takes tables."""
    engine = sa.create_engine(request.getfixturevalue(fixture), poolclass=sa.NullPool)
    assert sa.inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE orders (id integer)"))
    assert sa.inspect(engine).get_table_names() == ["orders"]


def test_a_missing_service_skips_the_test_and_says_what_is_missing(monkeypatch):
    """Where services are not required, a missing one skips its tests with a reason."""
    monkeypatch.delenv("DULY_REQUIRE_SERVICES", raising=False)
    nobody = "postgresql+psycopg://postgres@127.0.0.1:1/postgres"
    with pytest.raises(pytest.skip.Exception, match=r"^no PostgreSQL answers on 127\.0\.0\.1:1$"):
        next(fresh_database(nobody, "PostgreSQL", ""))


def test_a_missing_service_fails_the_test_where_services_are_required(monkeypatch):
    """Where DULY_REQUIRE_SERVICES=1, a missing service is a failure and not a skip."""
    monkeypatch.setenv("DULY_REQUIRE_SERVICES", "1")
    nobody = "mysql+pymysql://root@127.0.0.1:1/mysql"
    with pytest.raises(pytest.fail.Exception, match=r"^no MariaDB answers on 127\.0\.0\.1:1, and DULY_REQUIRE"):
        next(fresh_database(nobody, "MariaDB", ""))
