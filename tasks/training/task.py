"""The door of the training step."""

from prefect.artifacts import create_table_artifact

from tasks.door import as_state, reporting_to_prefect, step_task
from tasks.store import ArtifactRef, open_ledger
from tasks.training.settings import TrainingSettings
from tasks.training.step import train_fold


@step_task(name="training", task_run_name="training-fold-{fold}")
def training_task(
    catalog: ArtifactRef, crops: ArtifactRef, folds: ArtifactRef, fold: int, settings: TrainingSettings
) -> ArtifactRef:
    """Train the model of one fold, and let it look at the photos it has not seen."""
    ledger = open_ledger()
    with reporting_to_prefect(f"fold-{fold}-progress"):
        artifact = train_fold(ledger, ledger.get(catalog), ledger.get(crops), ledger.get(folds), fold, settings)
    facts = artifact.manifest.summary
    rows = [{"figure": name, "value": str(facts[name])} for name in facts]
    create_table_artifact(rows, key=f"fold-{fold}", description=f"The model of fold {fold}, on the photos it held out")
    return as_state(artifact)
