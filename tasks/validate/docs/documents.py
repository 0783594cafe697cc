"""The pages of a suite, put together from Great Expectations' own building blocks."""

from collections.abc import Callable, Sequence

from great_expectations.render.components import (
    RenderedComponentContent,
    RenderedDocumentContent,
    RenderedHeaderContent,
    RenderedSectionContent,
    RenderedStringTemplateContent,
    RenderedTableContent,
)

from expectations.wording import Outcome

WHOLE_TABLE = "whole table"
BADGES = {"critical": "badge-danger", "warning": "badge-warning", "info": "badge-info"}
"""Bootstrap's badge by severity."""
# Great Expectations' button "Failed Only" hides what has these classes.
MET_ROW = "hide-succeeded-validation-target-child"
MET_SECTION = "hide-succeeded-validations-column-section-target-child"

Cell = RenderedComponentContent | Sequence[RenderedComponentContent]
Row = list[Cell]


def results_document(suite: str, outcomes: Sequence[Outcome]) -> RenderedDocumentContent:
    """The page that tells what became of every expectation of `suite`."""
    failed = sum(not outcome.success for outcome in outcomes)
    return RenderedDocumentContent(
        _sections(
            f"{failed} of {len(outcomes)} expectations failed." if failed else f"All {len(outcomes)} expectations met.",
            ["Status", "Severity", "Expectation", "Unexpected"],
            _result_row,
            outcomes,
        ),
        renderer_type="ValidationResultsPageRenderer",
        page_title=f"Results of {suite}",
    )


def suite_document(suite: str, outcomes: Sequence[Outcome]) -> RenderedDocumentContent:
    """The page that tells what `suite` expects."""
    return RenderedDocumentContent(
        _sections(
            f"{len(outcomes)} expectations. What their failure means is set by name (validation.severities).",
            ["Name", "Severity", "Expectation"],
            _expectation_row,
            outcomes,
        ),
        renderer_type="ExpectationSuitePageRenderer",
        page_title=f"Expectations of {suite}",
    )


def _sections(
    summary: str, header: list[str], row: Callable[[Outcome], Row], outcomes: Sequence[Outcome]
) -> list[RenderedSectionContent]:
    """An overview, then a section for every column with a table of its expectations."""
    columns: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        columns.setdefault(outcome.column or WHOLE_TABLE, []).append(outcome)
    return [
        RenderedSectionContent([_header("Overview"), _summary(summary)], "Overview"),
        *(
            RenderedSectionContent([_header(column), _table(header, row, judged)], column)
            for column, judged in columns.items()
        ),
    ]


def _header(title: str) -> RenderedHeaderContent:
    return RenderedHeaderContent(
        _text(title, "h5", "m-0"), styling={"classes": ["col-12"], "header": {"classes": ["alert", "alert-secondary"]}}
    )


def _summary(words: str) -> RenderedStringTemplateContent:
    summary = _text(words)
    summary.styling = {"classes": ["col-12", "mb-4"]}
    return summary


def _table(header: list[str], row: Callable[[Outcome], Row], outcomes: list[Outcome]) -> RenderedTableContent:
    hidden = [MET_SECTION] if all(outcome.success for outcome in outcomes) else []
    return RenderedTableContent(
        [row(outcome) for outcome in outcomes],
        header_row=header,
        styling={"classes": ["col-12", "table-responsive", *hidden], "body": {"classes": ["table"]}},
    )


def _expectation_row(outcome: Outcome) -> Row:
    return [_text(outcome.expectation, "code"), _text(outcome.severity), _text(outcome.rule)]


def _result_row(outcome: Outcome) -> Row:
    counts = f"{outcome.unexpected:,} of {outcome.checked:,} {outcome.unit}"
    return [_status(outcome), _severity(outcome), _finding(outcome), _text("" if outcome.unit == "catalog" else counts)]


def _status(outcome: Outcome) -> Cell:
    if not outcome.success:
        return _text("failed", "span", "text-danger")
    met = _text("met", "span", "text-success")
    met.styling = {"parent": {"classes": [MET_ROW]}}
    return met


def _severity(outcome: Outcome) -> Cell:
    """The severity as a badge, in colour only if the expectation failed."""
    return _text(outcome.severity, "span", "badge", "badge-light" if outcome.success else BADGES[outcome.severity])


def _finding(outcome: Outcome) -> Cell:
    """What is expected; if it failed also what was found, and examples."""
    expected = [_text(outcome.rule), _text(outcome.expectation, "code")]
    if outcome.success:
        return expected
    examples = RenderedTableContent(
        [[_text(example)] for example in outcome.examples],
        header_row=["Examples"],
        styling={"body": {"classes": ["table-bordered", "table-sm", "mt-2"]}},
    )
    found = _text(outcome.message, "p", "text-danger", "font-weight-bold", "mb-0")
    return [*expected, found, *([examples] if outcome.examples else [])]


def _text(words: str, tag: str = "span", *classes: str) -> RenderedStringTemplateContent:
    """Words of ours or of the data; as a parameter they are escaped."""
    return RenderedStringTemplateContent(
        {"template": "$words", "params": {"words": words}, "tag": tag, "styling": {"classes": list(classes)}}
    )
