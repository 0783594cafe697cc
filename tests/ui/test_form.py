"""The forms that start runs."""

import pytest
from pydantic import BaseModel

from flows.params import CropParams, EnsembleParams, RetrainParams, SubmitParams, ValidateParams
from flows.shipped import FOLDER, shipped_experiments
from tasks.store.runs import find_ended, list_runs
from tests.server.stack import Stack, wait_for
from tests.ui.desktop import Desktop
from tests.ui.form import StartedRun, open_form

FORMS: dict[str, type[BaseModel]] = {
    "retrain": RetrainParams,
    "validate-data": ValidateParams,
    "crop-faces": CropParams,
    "ensemble": EnsembleParams,
    "submit": SubmitParams,
}


@pytest.mark.parametrize("deployment", FORMS)
def test_every_field_of_a_form_says_what_it_is(desktop: Desktop, deployment: str) -> None:
    form = open_form(desktop, deployment)
    fields = [name.replace("_", " ").title() for name in FORMS[deployment].model_fields]
    wait_for(lambda: list(form.texts()) == ["params", *fields], 30)  # they appear one after another
    assert [title for title, text in form.texts().items() if not text] == []


def test_form_of_a_fold_says_that_it_is_not_for_people(desktop: Desktop) -> None:
    page = desktop.open("/deployments")
    page.get_by_role("link", name="train-fold", exact=True).first.click()
    desktop.tab("Description")
    page.get_by_text("Not for people.").wait_for()


def test_form_offers_the_experiments_that_ship(desktop: Desktop) -> None:
    form = open_form(desktop, "retrain")
    assert form.options("Experiment") == shipped_experiments()
    form.page.keyboard.press("Escape")
    assert form.options("Champion") == ["if better", "never"]


def test_form_refuses_what_cannot_be(stack: Stack, desktop: Desktop) -> None:
    with stack.client() as client:
        before = len(client.read_flow_runs())
    form = open_form(desktop, "retrain")
    form.is_refused("'data' is a required property")
    form.write("Data", "s3://key:secret@bucket/photos")
    form.is_refused("does not match")
    form.write("Data", "photos")
    form.add("Overrides", "epochs")
    form.is_refused("'epochs' does not match")
    form = open_form(desktop, "ensemble")
    form.add("Runs", "latest")
    form.is_refused("is too short")
    with stack.client() as client:
        assert len(client.read_flow_runs()) == before


def test_form_starts_a_real_retrain(stack: Stack, started: StartedRun) -> None:
    run = stack.read(started.id)
    assert run.parameters["params"]["data"] == "photos"
    manifest = find_ended(stack.store, "latest")
    assert (manifest.flow, manifest.experiment, manifest.state) == ("retrain", "sample", "completed")
    assert {"fold-0", "fold-1", "submission", "report"} <= set(manifest.artifacts)


def test_form_takes_the_path_of_an_experiment_of_ones_own(stack: Stack, desktop: Desktop, started: StartedRun) -> None:
    del started  # two runs at once would only be slow
    (stack.folder / "mine.yaml").write_text((FOLDER / "sample.yaml").read_text())
    form = open_form(desktop, "validate-data")
    form.write("Data", "photos")
    form.field("Experiment").get_by_role("button", name="path of a YAML file").click()
    form.write("Experiment", "mine.yaml")
    assert stack.wait(form.submit().id).state_name == "Completed"
    runs = [run for run in list_runs(stack.store).values() if run]
    assert [run.experiment for run in runs if run.flow == "validate-data"] == ["mine"]
