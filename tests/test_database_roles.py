"""Tests of the database roles that Docker Compose sets up, on a real PostgreSQL server."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from installation import Installation
from postgres import PostgreSQL
from projects import LEVELS, Ladder, answers_of
from tools import installed

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
        superuser = {
            "PGUSER": "tester",
            "PGPASSWORD": self.server.password,
            "PGDATABASE": "postgres",
        }
        for script in sorted(self.folder.glob("*.sql")):
            finished = subprocess.run(
                [installed("psql"), "--quiet", "--no-psqlrc", "--file", str(script)],
                env=os.environ | self.address() | superuser | PASSWORDS,
                capture_output=True,
                text=True,
            )
            assert finished.returncode == 0, finished.stderr

    def address(self) -> dict[str, str]:
        """Return the variables by which psql finds the server."""
        return {"PGHOST": "127.0.0.1", "PGPORT": str(self.server.port)}

    def url(self, role: str) -> str:
        """Return the URL of the prediction log for a role."""
        secret = PASSWORDS[f"{role.upper()}_DB_PASSWORD"]
        return f"postgresql://{role}:{secret}@127.0.0.1:{self.server.port}/predictions"

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
    made.run("service", "create table after (id int); insert into after values (2)")
    made.run("retraining", "create table own (id int)")
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
    assert roles.run("retraining", "select id from after") == "2"
    for sql in (
        "insert into after values (3)",
        "update after set id = 3",
        "delete from after",
        "drop table after",
    ):
        assert "ERROR" in roles.run("retraining", sql)
    assert roles.run("service", "select id from after") == "2"


def test_the_service_cannot_reach_the_loop_s_tables(roles: Roles) -> None:
    for sql in ("select * from own", "insert into own values (1)"):
        assert "permission denied" in roles.run("service", sql)


def test_the_service_adds_requests_for_a_retraining_and_cannot_change_or_read_them(
    roles: Roles,
) -> None:
    assert roles.run("service", "insert into retraining_requests values ('a', 1, 'ann')") == ""
    for sql in (
        "select * from retraining_requests",
        "update retraining_requests set who = 'bob'",
        "delete from retraining_requests",
    ):
        assert "permission denied" in roles.run("service", sql)
    assert roles.run("retraining", "select who from retraining_requests") == "ann"


def test_a_changed_password_is_taken_by_the_next_run(
    roles: Roles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PASSWORDS, "SERVICE_DB_PASSWORD", "another")
    assert "password authentication failed" in roles.run("service", "select 1")
    roles.create()
    assert roles.run("service", "select 1") == "1"
    monkeypatch.undo()
    roles.create()


def test_the_guide_moves_a_volume_from_before_the_roles(roles: Roles, server: PostgreSQL) -> None:
    roles.run("mlflow", "create table runs (id serial)")
    superuser = [installed("psql"), "-Xq", "-v", "ON_ERROR_STOP=1", server.url]
    before = (
        "ALTER DATABASE {0} OWNER TO tester;\n\\connect {0}\nALTER TABLE {1} OWNER TO tester;\n"
    )
    text = before.format("predictions", "before") + before.format("mlflow", "runs")
    subprocess.run(superuser, input=text, text=True, check=True)
    assert "permission denied" in roles.run("service", "insert into before values (9)")
    guide = (roles.folder.parents[2] / "docs/3-serving.md").read_text(encoding="utf-8")
    (statements,) = re.findall(r"psql <<'SQL'\n(.*?)^SQL$", guide, re.MULTILINE | re.DOTALL)
    subprocess.run(superuser, input=statements, text=True, check=True)
    assert roles.run("service", "insert into before values (9)") == ""
    assert roles.run("mlflow", "insert into runs default values") == ""


# What the service logs, the loop reads, and the reports of both roles sum up.
USING = """
import sys, time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from {package}.experiments.comparison import Trial, compare
from {package}.experiments.plan import Experiment
from {package}.experiments.scores import score_missing
from {package}.retraining.journal import ask, open_journal
from {package}.retraining.observations import training_rows
from {package}.retraining.policy import Data, Policy
from {package}.serving.records import Feedback, Prediction
from {package}.serving.store import open_store

service, loop = sys.argv[1:]
now = time.time()
row = dict(pickup_time="2025-01-01T00:00:00", pickup_zone="3", dropoff_zone="4", distance_miles=1.0)
with closing(open_store(service)) as store:
    made = [
        Prediction(
            str(n), now - 60 * n, "1", "champion", "", row, 2.0,
            shadow_version="2", shadow_prediction=2.5,
        )
        for n in range(6000)
    ]
    store.write(made, [Feedback(one.id, now, 3.0) for one in made])
    score_missing(store)
    plan = Experiment(mode="shadow", name="test")
    trial = Trial(plan, "1", "2", datetime.now(UTC) - timedelta(days=3))
    for day in compare(store, trial, datetime.now(UTC)).days:
        print("day", day.champion, day.challenger)
ask(service, "ann", now)
with closing(open_journal(loop)) as journal:
    print("loop", len(journal.store.outcomes()), journal.latest(), journal.requests()[-1].who)
    today, policy = datetime.now(UTC).date(), Policy(data=Data(max_rows=3000))
    window = today - timedelta(days=6), today
    taught, again = (training_rows(journal.store, *window, policy) for _ in range(2))
    print("taught", 2800 < len(taught.rows) < 3200, taught.of, taught.rows.equals(again.rows))
"""


@pytest.mark.slow
def test_the_service_the_loop_and_the_reports_work_with_their_roles(
    ladder: Ladder, installed: Path, server: PostgreSQL
) -> None:
    installation = Installation(ladder.project(max(LEVELS)), installed)
    roles = Roles(server, installation.project / "deploy/compose/postgres")
    roles.create()
    urls = [roles.url("service"), roles.url("retraining")]
    code = USING.format(package=answers_of(installation.project)["package_name"])
    finished = subprocess.run(
        [installation.python, "-c", code, *urls],
        cwd=installation.project,
        env=installation.environment(),
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    assert "day 1.0 0.5" in finished.stdout
    assert "loop 6000 (0, None) ann" in finished.stdout
    assert "taught True 6000 True" in finished.stdout
    printed = installation.make("monitor", DATABASE_URL=urls[0])
    # 6,000 minutes end now: at night they hold five complete days, later four.
    assert re.search(
        r"MAE 1\.00 \(95% interval 1\.00 to 1\.00\) over the last [45] complete days", printed
    )
