"""How the database of a Prefect server grows: a year of nightly retrains, and what retention leaves of it.

    .venv/bin/python benchmarks/database.py [--quick] [--url postgresql+asyncpg://USER@HOST:PORT/EMPTY_DATABASE]

One retrain of five folds runs for real on a server and workers, small. Its rows are copied, back-dated, for every
night of a year, with the heartbeats, the events of progress bars and the log lines that folds of an hour leave. Events
that live for a day are copied for the last nights only, as a server that runs deletes them every hour. Then a server
starts, as `foldline up` starts it, and deletes what is too old, while the queries of its pages are timed. Without --url
the database is SQLite. Prints a line a figure, `name value goal ok|short`, or without a goal where there is none; exits
1 if one is short.
"""

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa
from orchestration import QUICK, Place, draw, free_port, on_server, server_and_workers, use_server
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from flows.server.keeping import logs, server, start_server
from flows.server.processes import Supervised, end_all
from flows.server.settings import RETENTION_DAYS, SHORT_LIVED

DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
NIGHTS = 365
SHORT_NIGHTS, QUICK_SHORT_NIGHTS = 7, 2
"""Nights whose short-lived events are there when the server starts."""
FOLDS = 5
SMALL = [f"folds.count={FOLDS}", "training.epochs=1", "prepare.height=64", "prepare.width=48", "faces.crop=centre"]
HOUR = 3600
MADE_IN_AN_HOUR = {
    # By each of the six runs; and by each fold, as long as it goes on (tasks/door.py).
    "prefect.flow-run.heartbeat": (FOLDS + 1) * HOUR // 30,
    "prefect.artifact.updated": FOLDS * HOUR // 5,
}
LINES_IN_AN_HOUR = FOLDS * HOUR // 30
OF_A_RUN = ("prefect.flow-run.", "prefect.task-run.", "prefect.artifact", "prefect.worker.submitted", "foldline.")
"""How the names of events begin that a run leaves; the others a server leaves once."""
TABLES = ["flow_run", "flow_run_state", "task_run", "task_run_state", "log", "artifact", "events", "event_resources"]
NUMBER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SPACE = UUID("8d0ac3f4-9f5c-4a7e-9a55-0c1f6f6f2a11")
QUERY_SECONDS = 1.0
VACUUM_WITHIN = 1800.0

Row = dict[str, Any]
Rows = dict[str, list[Row]]


@dataclass(frozen=True)
class Night:
    """The rows that one nightly retrain leaves."""

    lasting: Rows
    """Those that stay until the run is too old."""
    short: Rows
    """Events, and their resources, that live for a day."""

    @cached_property
    def ids(self) -> set[str]:
        """All that is new with each copy."""
        return {str(row["id"]) for part in (self.lasting, self.short) for rows in part.values() for row in rows}

    def copied(self, rows: list[Row], nights: int) -> list[Row]:
        """`rows`, as the run of so many nights ago would have left them."""
        known: dict[str, str] = {}

        def other(match: re.Match[str]) -> str:
            old = match[0]
            if old not in known:
                known[old] = str(uuid5(SPACE, f"{old}/{nights}")) if old in self.ids else old
            return known[old]

        def moved(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
            if isinstance(value, datetime) and value.year > 2000:  # a duration is a date of 1970
                return value - timedelta(days=nights)
            if isinstance(value, UUID):
                return UUID(NUMBER.sub(other, str(value)))
            if isinstance(value, dict | list):
                return json.loads(NUMBER.sub(other, json.dumps(value)))
            return NUMBER.sub(other, value) if isinstance(value, str) else value

        copies = [{name: moved(value) for name, value in row.items()} for row in rows]
        for copy in copies:
            if copy.get("idempotency_key"):
                copy["idempotency_key"] += f"/{nights}"
        return copies


def multiplied(rows: list[Row], count: int, what: str, **links: str) -> list[Row]:
    """So many copies of rows, spread over an hour, each with an `id` of its own, and `links` to others made so."""
    copies = []
    for number in range(count):
        for row in rows:
            new = {**row, "id": type(row["id"])(str(uuid5(SPACE, f"{row['id']}/{what}/{number}")))}
            for name, link in links.items():
                new[name] = type(row[name])(str(uuid5(SPACE, f"{row[name]}/{link}/{number}")))
            for name in {"occurred", "timestamp"} & set(new):
                new[name] += timedelta(seconds=HOUR * number / count)
            copies.append(new)
    return copies


class Database:
    """The database of a server that does not run, or does."""

    def __init__(self, url: str) -> None:
        self.engine = create_async_engine(url, poolclass=NullPool)  # each call has an event loop of its own
        self.tables = sa.MetaData()

    @property
    def postgres(self) -> bool:
        """Whether it is PostgreSQL."""
        return self.engine.dialect.name == "postgresql"

    async def read_night(self) -> Night:
        """The rows of the only run, with what it would have left if its folds had taken an hour each."""
        async with self.engine.connect() as connection:
            await connection.run_sync(self.tables.reflect, only=TABLES)
            rows = {name: await self._read(connection, name) for name in TABLES}
        rows["events"] = [event for event in rows["events"] if event["event"].startswith(OF_A_RUN)]
        resources: dict[str, list[Row]] = {}
        for resource in rows["event_resources"]:
            resources.setdefault(str(resource["event_id"]), []).append(resource)
        kept = [event for event in rows["events"] if event["event"] not in MADE_IN_AN_HOUR]
        rows["log"] += multiplied(rows["log"][-1:], LINES_IN_AN_HOUR, "log")
        parts: list[Rows] = [{**rows, "events": kept, "event_resources": linked(kept, resources)}, {}]
        for name, count in MADE_IN_AN_HOUR.items():
            one = next(event for event in rows["events"] if event["event"] == name)
            part = parts[name in SHORT_LIVED]
            part["events"] = part.get("events", []) + multiplied([one], count, "event")
            more = multiplied(resources[str(one["id"])], count, "resource", event_id="event")
            part["event_resources"] = part.get("event_resources", []) + more
        return Night(*parts)

    async def _read(self, connection: AsyncConnection, name: str) -> list[Row]:
        columns = [column for column in self.tables.tables[name].columns if column.computed is None]
        return [dict(row) for row in (await connection.execute(sa.select(*columns))).mappings()]

    async def write(self, night: Night, part: Rows, nights: int) -> None:
        """Let a part of the night have been so many nights."""
        async with self.engine.connect() as connection:
            if self.postgres:  # runs and their states name each other; SQLite does not look unless it is told to
                await connection.execute(sa.text("SET session_replication_role = replica"))
            for number in range(1, nights + 1):
                for name, rows in part.items():
                    await connection.execute(sa.insert(self.tables.tables[name]), night.copied(rows, number))
                await connection.commit()

    async def too_old(self, now: datetime) -> dict[str, int]:
        """Rows that a server which looks after `now` should delete, by what they are."""
        table = self.tables.tables
        before, day = now - timedelta(days=RETENTION_DAYS), now - timedelta(days=1)
        if not self.postgres:
            before, day = before.replace(tzinfo=None), day.replace(tzinfo=None)
        runs = sa.select(table["flow_run"].c.id)
        wanted = {
            "runs": table["flow_run"].c.end_time < before,
            "events": table["events"].c.occurred < before,
            "event resources": table["event_resources"].c.occurred < before,
            "short-lived events": table["events"].c.event.in_(SHORT_LIVED) & (table["events"].c.occurred < day),
            "logs of no run": table["log"].c.flow_run_id.not_in(runs),
            "artifacts of no run": table["artifact"].c.flow_run_id.not_in(runs),
            "task runs of no run": table["task_run"].c.flow_run_id.not_in(runs),
        }
        async with self.engine.connect() as connection:
            counts = {
                what: await connection.scalar(sa.select(sa.func.count()).where(condition))
                for what, condition in wanted.items()
            }
        return {what: int(count or 0) for what, count in counts.items()}

    async def megabytes(self) -> tuple[float, float]:
        """What the database takes on the disk, and what of it is in use; the rest is used again by what comes."""
        async with self.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            if not self.postgres:
                pages, free, size = [
                    await connection.scalar(sa.text(f"PRAGMA {name}"))
                    for name in ("page_count", "freelist_count", "page_size")
                ]
                return pages * size / 1e6, (pages - free) * size / 1e6
            size = sa.text("SELECT pg_database_size(current_database())")
            before = await connection.scalar(size)
            await connection.execute(sa.text("VACUUM FULL"))
            return before / 1e6, await connection.scalar(size) / 1e6


def linked(events: list[Row], resources: dict[str, list[Row]]) -> list[Row]:
    """The resources of these events."""
    return [resource for event in events for resource in resources.get(str(event["id"]), [])]


def queries(api: str) -> Iterator[tuple[str, float]]:
    """Seconds of what Prefect's pages ask for most."""
    now = datetime.now(UTC)
    week = {"since": (now - timedelta(days=7)).isoformat(), "until": now.isoformat()}
    runs = {"sort": "START_TIME_DESC", "limit": 200}
    (newest,) = ask(f"{api}/flow_runs/filter", {**runs, "limit": 1})[0]
    history = {"history_start": week["since"], "history_end": week["until"], "history_interval_seconds": 86400}
    of_run = {"logs": {"flow_run_id": {"any_": [newest["id"]]}}, "limit": 200}
    for name, body in {
        "flow_runs/filter": runs,
        "flow_runs/count": {},
        "flow_runs/history": history,
        "task_runs/count": {},
        "logs/filter": of_run,
        "artifacts/latest/filter": {"limit": 50},
        "events/filter": {"filter": {"occurred": week}, "limit": 50},
        "events/count-by/day": {"filter": {"occurred": week}, "time_unit": "day", "time_interval": 1},
    }.items():
        yield name, ask(f"{api}/{name}", body)[1]


def ask(url: str, body: object) -> tuple[Any, float]:
    """What the server answers, and after how many seconds."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - our own server
    started = time.perf_counter()
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
        return json.loads(answer.read()), time.perf_counter() - started


def slowest(api: str) -> tuple[float, str]:
    """The slowest of all queries."""
    return max((seconds, name) for name, seconds in queries(api))


def vacuumed(database: Database, port: int) -> dict[str, float]:
    """Start the server, wait until it has deleted what is too old, and ask it meanwhile and afterwards."""
    api = f"http://127.0.0.1:{port}/api"
    now = datetime.now(UTC)
    process = Supervised(server(port), logs())
    try:
        start_server(process, api)
        started = time.perf_counter()
        meanwhile = (0.0, "")
        while any((left := asyncio.run(database.too_old(now))).values()):
            if time.perf_counter() - started > VACUUM_WITHIN:
                break
            meanwhile = max(meanwhile, slowest(api))
            time.sleep(1)
        seconds = time.perf_counter() - started
        after = sorted(slowest(api) for _ in range(3))[1]
        print(f"# slowest meanwhile: {meanwhile[1]}, afterwards: {after[1]}; too old and left: {left}")
    finally:
        end_all([process])
    return {
        "vacuum_s": seconds,
        "rows_too_old": sum(left.values()),
        "slowest_query_meanwhile_s": meanwhile[0],
        "slowest_query_s": after[0],
    }


def measure(place: Place, url: str, short_nights: int) -> dict[str, float]:
    """All figures."""
    with server_and_workers(place, "night"):
        on_server(place)
    database = Database(url)
    night = asyncio.run(database.read_night())
    sizes = [asyncio.run(database.megabytes())[1]]
    for part, nights in ((night.lasting, NIGHTS), (night.short, short_nights)):
        asyncio.run(database.write(night, part, nights))
        sizes.append(asyncio.run(database.megabytes())[1])
    lasting, short = (sum(len(rows) for rows in part.values()) for part in (night.lasting, night.short))
    figures = {
        "rows_a_night": float(lasting),
        "rows_a_night_for_a_day": float(short),
        "mb_a_night": (sizes[1] - sizes[0]) / NIGHTS,
        "mb_a_night_for_a_day": (sizes[2] - sizes[1]) / short_nights,
        "mb_on_disk_before": sizes[2],
    }
    figures |= vacuumed(database, place.port)
    disk, used = asyncio.run(database.megabytes())
    return {**figures, "mb_on_disk_afterwards": disk, "mb_in_use_afterwards": used}


def report(figures: dict[str, float]) -> int:
    """Print the figures; 1 if one is short."""
    goals = {"rows_too_old": 0, "slowest_query_s": QUERY_SECONDS}
    for name, value in figures.items():
        goal = f" <={goals[name]:g} {'ok' if value <= goals[name] else 'short'}" if name in goals else ""
        print(f"{name} {value:.3f}{goal}")
    return int(any(figures[name] > goal for name, goal in goals.items()))


def main() -> int:
    """Print the figures; 1 if one is short."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer nights with events that live for a day")
    parser.add_argument("--url", help="an empty database of PostgreSQL, of a user who may do anything there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        url = options.url or f"sqlite+aiosqlite:///{name}/prefect.db"
        place = Place(Path(name), QUICK, free_port(), SMALL, {DATABASE: url})
        draw(place.data, 12)
        os.environ[DATABASE] = url
        use_server(place)
        return report(measure(place, url, QUICK_SHORT_NIGHTS if options.quick else SHORT_NIGHTS))


if __name__ == "__main__":
    sys.exit(main())
