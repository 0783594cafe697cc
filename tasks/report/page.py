"""The page: what is on it, and how it becomes HTML."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tasks.classes import AGE_GROUPS, GENDERS, STATES
from tasks.data_folder import DataFolder
from tasks.report.data import SEVERITIES, Checks, list_checks, list_figures
from tasks.report.faces import Faces, show_faces
from tasks.report.gallery import Gallery, pick_photos
from tasks.report.plots import ages_plot, learning_curves, shares_plot
from tasks.report.provenance import Provenance, headline_settings, splits_persons, trace
from tasks.report.run import RunTables, validations_of
from tasks.report.scores import ScoreView, score_run
from tasks.report.shares import SOURCES, Share, attribute_shares, class_shares
from tasks.report.thumbnails import Thumbnails
from tasks.store import Artifact

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Page:
    """All that the template prints.

    Attributes:
        experiment: name of the experiment.
        settings: settings that tell experiments apart, by name.
        train_photos: number of photos to train on, held out by a model or not.
        eval_photos: number of photos that were submitted.
        leaks: whether scores are too good, because persons lie in several folds.
        scores: scores of the models on photos that they have not seen.
        curves: learning curves by fold.
        attribute_shares: shares of values by attribute.
        class_shares: shares of classes.
        share_plots: both drawn.
        figures: figures of the data set, names and values.
        ages: persons by age, drawn.
        checks: what the expectations found.
        data_docs: where the Data Docs of each validation lie in the store, by its name.
        faces: how boxes were found.
        gallery: photos to look at.
        suspects: number of labels in doubt.
        provenance: where the results come from.
    """

    experiment: str
    settings: dict[str, str]
    train_photos: int
    eval_photos: int
    leaks: bool
    scores: ScoreView
    curves: dict[int, Markup]
    attribute_shares: dict[str, list[Share]]
    class_shares: list[Share]
    share_plots: list[Markup]
    figures: list[tuple[str, str]]
    ages: Markup
    checks: Checks
    data_docs: dict[str, str]
    faces: Faces
    gallery: Gallery
    suspects: int
    provenance: Provenance


@dataclass(frozen=True)
class FacesPage:
    """What the template of a report of nothing but faces prints.

    Attributes:
        experiment: name of the experiment.
        faces: how boxes were found.
    """

    experiment: str
    faces: Faces


def make_page(run: RunTables, data: DataFolder) -> Page:
    """Everything that the report says of a run on the photos of `data`."""
    by_attribute, by_class = attribute_shares(run), class_shares(run)
    thumbnails = Thumbnails(run.artifacts["prepare"])
    of_values = [share for shares in by_attribute.values() for share in shares]
    return Page(
        experiment=run.experiment,
        settings=headline_settings(run),
        train_photos=run.trainable,
        eval_photos=len(run.eval),
        leaks=splits_persons(run),
        scores=score_run(run),
        curves=learning_curves(run.histories),
        attribute_shares=by_attribute,
        class_shares=by_class,
        share_plots=[shares_plot(of_values, "values"), shares_plot(by_class, "classes")],
        figures=list_figures(run),
        ages=ages_plot(run.train.drop_duplicates("person")["age"]),
        checks=list_checks(run, thumbnails),
        data_docs={name: f"{one.root}/data_docs/index.html" for name, one in validations_of(run.artifacts).items()},
        faces=show_faces(data, run.artifacts["catalog"], run.artifacts["faces"]),
        gallery=pick_photos(run, thumbnails),
        suspects=len(run.suspects),
        provenance=trace(run),
    )


def make_faces_page(data: DataFolder, catalog: Artifact, faces: Artifact, experiment: str) -> FacesPage:
    """Everything that there is to say of faces before anything is trained."""
    return FacesPage(experiment, show_faces(data, catalog, faces))


def render(page: Page | FacesPage) -> str:
    """The page as HTML that refers to nothing outside itself."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count="{:,}".format, score="{:.3f}".format, share="{:.1%}".format, percent="{:.0%}".format, duration=duration
    )
    environment.globals.update(
        states=STATES, genders=GENDERS, age_groups=AGE_GROUPS, severities=SEVERITIES, share_sources=SOURCES
    )
    template = "report.html.j2" if isinstance(page, Page) else "faces.html.j2"
    return environment.get_template(template).render(page=page)


def duration(seconds: float) -> str:
    """A stretch of time in words, such as ``2 min 05 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
