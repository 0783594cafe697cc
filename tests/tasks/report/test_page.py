import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.data_folder.local import LocalFolder
from tasks.metrics import macro_f1
from tasks.report.page import Page, duration, make_page, render
from tasks.report.provenance import splits_persons
from tasks.report.run import RunTables
from tasks.report.scores import score_rows
from tasks.report.step import make_report
from tasks.store import Artifact, Ledger

SECTIONS = ["scores", "classes", "curves", "shares", "data", "faces", "predictions", "suspects", "steps", "provenance"]


def test_page_refers_to_nothing_outside_itself(html: str) -> None:
    references = re.findall(r"""(?:href|src|srcset|action|data)\s*=\s*["']?([^"'\s>]+)|url\(([^)]+)\)|@import""", html)
    assert references
    assert all(one.startswith(("#", "data:image/jpeg;base64,")) for pair in references for one in pair if one)
    assert "://" not in html
    assert "<script" not in html


def test_sections_come_in_the_order_in_which_they_are_read(html: str) -> None:
    assert re.findall(r'<section id="(\w+)">', html) == SECTIONS
    assert re.findall(r'<li><a href="#(\w+)">', html) == SECTIONS


def test_headline_is_the_official_score_of_the_out_of_fold_predictions(
    html: str, catalog: pd.DataFrame, predicted: np.ndarray
) -> None:
    score = macro_f1(catalog["class"].dropna().to_numpy(dtype=np.int64), predicted)
    assert f"<strong>{score:.3f}</strong> macro F1, out of fold" in html


@pytest.mark.parametrize(
    "fact",
    [
        "<dt>held-out photos</dt><dd>84</dd>",
        "<dt>persons</dt><dd>12</dd>",
        "<dt>folds</dt><dd>2</dd>",
        "<dt>evaluation photos</dt><dd>10</dd>",
        "<dt>backbone</dt><dd>tiny_net</dd>",
        "<dt>data checks met</dt><dd>2 of 5</dd>",
        "<dt>labels in doubt</dt><dd>2</dd>",
    ],
)
def test_headline_states(html: str, fact: str) -> None:
    assert fact in html


def test_confusion_matrix_says_what_was_taken_for_what(html: str) -> None:
    assert 'title="mask male &lt;30 taken for incorrect male &lt;30: 2 of 10">2</td>' in html
    assert 'title="mask male &lt;30 taken for mask male &lt;30: 7 of 10">7</td>' in html


def test_curves_describe_the_kept_epoch(html: str) -> None:
    for fold in (0, 1):
        assert f'aria-label="Fold {fold}: 3 epochs, epoch 2 was kept, with a held-out loss of 0.400"' in html


def test_training_of_one_epoch_has_no_curves(run: RunTables, data: LocalFolder) -> None:
    histories = {fold: history.head(1) for fold, history in run.histories.items()}
    html = render(make_page(replace(run, histories=histories), data))
    assert re.findall(r'<section id="(\w+)">', html) == [name for name in SECTIONS if name != "curves"]
    assert "#curves" not in html


def test_failed_check_says_what_its_severity_means(html: str) -> None:
    assert "warning, which should be looked at:" in html
    assert "3 classes are &lt;rare&gt;." in html


def test_report_says_where_the_data_docs_of_each_validation_lie(html: str, artifacts: dict[str, Artifact]) -> None:
    for name in ("validate", "validate-faces"):
        assert f"{name}: <code>{artifacts[name].root}/data_docs/index.html</code>" in html


def test_most_doubtful_label_stands_first(html: str) -> None:
    suspects = html[html.index('<section id="suspects">') :]
    assert suspects.index("1.3% for female") < suspects.index("20.0% for &lt;30")


def test_names_are_escaped(html: str) -> None:
    assert "laptop &lt;i&gt;&amp;" in html
    assert "000_male_&lt;b&gt;&amp;_22" in html
    assert "<i>&" not in html
    assert "<b>" not in html
    assert "found by &lt;i&gt;" in html


def test_every_artifact_is_traced_to_its_folder(html: str, artifacts: dict[str, Artifact]) -> None:
    assert all(f"<code>{artifact.root}</code>" in html for artifact in artifacts.values())


def test_ids_are_unique(html: str) -> None:
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_svg_uses_the_colours_of_the_page(page: Page) -> None:
    assert "var(--blue)" in page.curves[0]
    assert "#00000" not in page.curves[0]


def test_same_run_gives_the_same_bytes(
    ledger: Ledger, artifacts: dict[str, Artifact], html: str, run: RunTables, data: LocalFolder
) -> None:
    report = make_report(ledger, data, artifacts, run.experiment)
    assert report.path("report.html").read_text() == html


def test_folds_that_share_persons_are_called_a_leak(page: Page, run: RunTables) -> None:
    assert not page.leaks
    assert splits_persons(replace(run, train=run.train.assign(fold=run.train.index % 2)))
    assert "These scores are too good." in render(replace(page, leaks=True))


def test_sizes_are_drawn_with_the_rule_that_was_applied(html: str) -> None:
    assert 'aria-label="Sizes of 82 boxes around faces; undersized is below width 61 px and height 93 px"' in html


def test_run_without_suspects_says_so(page: Page) -> None:
    assert "contradict no label" in render(replace(page, gallery=replace(page.gallery, suspects=[])))


def test_scores_in_the_summary_are_by_fold_and_then_of_all(page: Page) -> None:
    rows = score_rows(page.scores)
    assert [(row["held out"], row["photos"]) for row in rows] == [("fold 0", 42), ("fold 1", 42), ("all folds", 84)]
    assert rows[-1]["macro F1"] == pytest.approx(page.scores.overall.macro_f1, abs=1e-4)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (125, "2 min 05 s"), (3725, "1 h 02 min")]
)
def test_duration_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
