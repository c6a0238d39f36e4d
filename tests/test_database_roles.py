"""Tests of the database roles that Docker Compose sets up, on a real PostgreSQL server."""

import os
import subprocess
from pathlib import Path

import pytest

from postgres import PostgreSQL
from projects import LEVELS, Ladder
from tools import installed, passes

PASSWORDS = {
    "SERVICE_DB_PASSWORD": "s3rvice",
    "MLFLOW_DB_PASSWORD": 'it\'s "quoted" \\ $HOME',
    "RETRAINING_DB_PASSWORD": "l00p",
}
ROLES = {"service": "predictions", "mlflow": "mlflow", "retraining": "predictions"}


class Roles:
    """The roles on a server, each with its password."""

    def __init__(self, server: PostgreSQL, folder: Path) -> None:
        self.server = server
        self.folder = folder

    def create(self) -> None:
        """Run the scripts in their order, as the image of PostgreSQL and make apply do."""
        superuser = {"PGUSER": "tester", "PGPASSWORD": self.server.password}
        for script in sorted(self.folder.glob("*.sh")):
            finished = subprocess.run(
                ["sh", str(script)],
                env=os.environ | self.address() | superuser | PASSWORDS,
                capture_output=True,
                text=True,
            )
            assert finished.returncode == 0, finished.stderr

    def address(self) -> dict[str, str]:
        """Return the variables by which psql finds the server."""
        return {"PGHOST": "127.0.0.1", "PGPORT": str(self.server.port)}

    def run(self, role: str, sql: str, database: str | None = None) -> str:
        """Return what psql prints for a statement of a role, or its error."""
        secret = PASSWORDS[f"{role.upper()}_DB_PASSWORD"]
        finished = subprocess.run(
            [installed("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql],
            env=os.environ
            | self.address()
            | {"PGUSER": role, "PGPASSWORD": secret, "PGDATABASE": database or ROLES[role]},
            capture_output=True,
            text=True,
        )
        return finished.stderr if finished.returncode else finished.stdout.strip()


@pytest.fixture(scope="module")
def roles(ladder: Ladder, server: PostgreSQL) -> Roles:
    """Return the roles of a project at the highest level, created twice."""
    installed("psql")
    made = Roles(server, ladder.fresh(max(LEVELS)) / "deploy/compose/postgres")
    made.create()
    made.run("service", "create table before (id int); insert into before values (1)")
    made.create()
    made.run("service", "create table predictions (id int); insert into predictions values (2)")
    made.run("retraining", "create table decisions (id int)")
    return made


def test_each_role_logs_in_to_its_own_database(roles: Roles) -> None:
    for role in ROLES:
        assert roles.run(role, "select current_user") == role
        assert (
            roles.run(
                role,
                "select rolsuper or rolcreatedb or rolcreaterole or rolreplication "
                "from pg_roles where rolname = current_user",
            )
            == "f"
        )


@pytest.mark.parametrize(
    ("role", "database"),
    [("service", "mlflow"), ("mlflow", "predictions"), ("retraining", "mlflow")],
)
def test_no_role_reaches_the_database_of_another_program(
    roles: Roles, role: str, database: str
) -> None:
    assert "permission denied for database" in roles.run(role, "select 1", database)


def test_the_loop_reads_the_prediction_log_and_cannot_change_it(roles: Roles) -> None:
    assert roles.run("retraining", "select id from before") == "1"
    assert roles.run("retraining", "select id from predictions") == "2"
    for sql in (
        "insert into predictions values (3)",
        "update predictions set id = 3",
        "delete from predictions",
        "drop table predictions",
    ):
        assert "ERROR" in roles.run("retraining", sql)
    assert roles.run("service", "select id from predictions") == "2"


def test_the_service_cannot_reach_the_loop_s_tables(roles: Roles) -> None:
    for sql in ("select * from decisions", "insert into decisions values (1)"):
        assert "permission denied" in roles.run("service", sql)


def test_a_changed_password_is_taken_by_the_next_run(
    roles: Roles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PASSWORDS, "SERVICE_DB_PASSWORD", "another")
    assert "password authentication failed" in roles.run("service", "select 1")
    roles.create()
    assert roles.run("service", "select 1") == "1"
    monkeypatch.undo()
    roles.create()


def test_scripts_are_valid_in_a_plain_shell(roles: Roles) -> None:
    for script in roles.folder.glob("*.sh"):
        passes("sh", "-n", str(script))
