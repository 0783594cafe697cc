"""The pages of a suite, put together from Great Expectations' own building blocks."""

from collections.abc import Callable, Collection, Sequence
from functools import partial

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
PICTURES = "pictures.html"
"""The page of pictures, beside index.html."""
# Great Expectations' button "Failed Only" hides what has these classes.
MET_ROW = "hide-succeeded-validation-target-child"
MET_SECTION = "hide-succeeded-validations-column-section-target-child"

Cell = RenderedComponentContent | Sequence[RenderedComponentContent]
Row = list[Cell]


def results_document(suite: str, outcomes: Sequence[Outcome], pictured: Collection[str]) -> RenderedDocumentContent:
    """The page that tells what became of every expectation of `suite`; it links to what the `pictured` ones show."""
    failed = sum(not outcome.success for outcome in outcomes)
    return RenderedDocumentContent(
        _sections(
            f"{failed} of {len(outcomes)} expectations failed." if failed else f"All {len(outcomes)} expectations met.",
            ["Status", "Severity", "Expectation", "Unexpected"],
            partial(_result_row, pictured),
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


def _result_row(pictured: Collection[str], outcome: Outcome) -> Row:
    counts = "" if outcome.unit == "catalog" else f"{outcome.unexpected:,} of {outcome.checked:,} {outcome.unit}"
    finding = _finding(outcome)
    if outcome.expectation in pictured:
        finding.append(_link("In pictures", f"../{PICTURES}#{outcome.expectation}"))
    return [_status(outcome), _severity(outcome), finding, _text(counts)]


def _status(outcome: Outcome) -> Cell:
    if not outcome.success:
        return _text("failed", "span", "text-danger")
    met = _text("met", "span", "text-success")
    met.styling = {"parent": {"classes": [MET_ROW]}}
    return met


def _severity(outcome: Outcome) -> Cell:
    """The severity as a badge, in colour only if the expectation failed."""
    return _text(outcome.severity, "span", "badge", "badge-light" if outcome.success else BADGES[outcome.severity])


def _finding(outcome: Outcome) -> list[RenderedComponentContent]:
    """What is expected; if it failed also what was found, and examples."""
    expected: list[RenderedComponentContent] = [_text(outcome.rule), _text(outcome.expectation, "code")]
    if outcome.success:
        return expected
    examples = RenderedTableContent(
        [[_text(example)] for example in outcome.examples],
        header_row=["Examples"],
        styling={"body": {"classes": ["table-bordered", "table-sm", "mt-2"]}},
    )
    found = _text(outcome.message, "p", "text-danger", "font-weight-bold", "mb-0")
    return [*expected, found, *([examples] if outcome.examples else [])]


def _link(words: str, target: str) -> RenderedStringTemplateContent:
    """A link to a page of ours."""
    link = _text(words, "a")
    link.string_template["styling"]["attributes"] = {"href": target}
    return link


def _text(words: str, tag: str = "span", *classes: str) -> RenderedStringTemplateContent:
    """Words of ours or of the data; as a parameter they are escaped."""
    return RenderedStringTemplateContent(
        {"template": "$words", "params": {"words": words}, "tag": tag, "styling": {"classes": list(classes)}}
    )
