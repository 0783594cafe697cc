"""The pages of a run, and of all else that the server has."""

from uuid import UUID

import pytest
from playwright.sync_api import expect
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import Artifact

from tasks.door import REUSED
from tasks.labels.task import SHOWN
from tasks.store.runs import find_ended
from tests.server.stack import Stack, small_retrain
from tests.ui.desktop import Desktop
from tests.ui.form import StartedRun

PAGES = (
    "/",
    "/dashboard",
    "/runs",
    "/flows",
    "/deployments",
    "/work-pools",
    "/blocks",
    "/variables",
    "/automations",
    "/events",
    "/concurrency-limits",
    "/artifacts",
    "/settings",
)


def artifacts(stack: Stack, *runs: UUID) -> list[Artifact]:
    wanted = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=list(runs)))
    with stack.client() as client:
        return list(client.read_artifacts(artifact_filter=wanted))


def test_page_of_a_run_shows_its_folds(desktop: Desktop, started: StartedRun) -> None:
    page = desktop.open(started.path)
    expect(page.locator("canvas").first).to_be_visible()
    desktop.tab("Subflow Runs")
    for fold in ("train-fold-0", "train-fold-1"):
        expect(page.get_by_role("link", name=fold)).to_be_visible()
    desktop.picture("server-run", 870, shows=page.get_by_role("link", name="train-fold-0"))


def test_page_of_a_run_says_how_to_fetch_what_it_has_made(stack: Stack, desktop: Desktop, started: StartedRun) -> None:
    page = desktop.open(started.path)
    desktop.tab("Artifacts")
    page.get_by_text("results", exact=True).click()
    run = find_ended(stack.store, "latest").run
    command = f"link {run} report.html"
    said = page.get_by_text(f"foldline {command}")
    desktop.picture("server-results", 430, shows=said)
    assert "report.html\n" in stack.cli(*command.split())


def test_artifacts_hold_no_link_that_a_browser_cannot_open(stack: Stack, started: StartedRun) -> None:
    told = [str(one.data) for one in artifacts(stack, started.id) if one.type == "markdown"]
    assert told
    assert [text for text in told if "](" in text or "X-Amz" in text] == []


def test_tables_are_small(stack: Stack, started: StartedRun) -> None:
    folds = [child.id for child in stack.children(started.id)]
    tables = {one.key: str(one.data) for one in artifacts(stack, started.id, *folds) if one.type == "table"}
    validations = {f"validation-of-{subject}-failures" for subject in ("data", "faces", "folds", "submission")}
    assert {"catalog", "faces", "fold-0", "fold-1", "scores", "suspects"} | validations == set(tables)
    assert [key for key, rows in tables.items() if rows.count("{") > SHOWN] == []


def test_progress_of_long_steps_ends_at_100(stack: Stack, started: StartedRun) -> None:
    folds = [child.id for child in stack.children(started.id)]
    ends = {one.key: one.data for one in artifacts(stack, started.id, *folds) if one.type == "progress"}
    assert {"faces-progress", "fold-0-progress", "fold-1-progress"} <= set(ends)
    assert set(ends.values()) == {100.0}


def test_steps_that_were_reused_are_named_so(stack: Stack, desktop: Desktop, started: StartedRun) -> None:
    del started
    params = small_retrain() | {"data": "photos"}
    again = stack.wait(stack.submit("retrain/retrain", **params))
    page = desktop.open(f"/runs/flow-run/{again.id}")
    desktop.tab("Task Runs")
    expect(page.get_by_text(REUSED, exact=True).first).to_be_visible()


def test_schedule_is_there_and_paused(desktop: Desktop) -> None:
    page = desktop.open("/deployments")
    page.get_by_role("link", name="retrain", exact=True).first.click()
    schedule = page.locator(".deployment-schedule-card").filter(has_text="nightly").first
    expect(schedule.get_by_role("switch")).not_to_be_checked()
    desktop.picture("server-schedule", 330, shows=schedule)


@pytest.mark.parametrize("path", PAGES)
def test_pages_call_nobody(desktop: Desktop, path: str) -> None:
    page = desktop.open(path)
    assert "/v2" not in page.url
    assert {f"http://{host}" for host in desktop.called} == {desktop.url}
