import re

import great_expectations as gx
from great_expectations.expectations.expectation import Expectation
from great_expectations.render.renderer.page_renderer import ExpectationSuitePageRenderer
from great_expectations.render.view import DefaultJinjaPageView

from expectations.class_rules import ExpectNoRareClass
from expectations.wording import Words, worded

RARE = ExpectNoRareClass(column="class", min_ratio=0.25)


def page(expectation: Expectation) -> str:
    """What Great Expectations' own Data Docs say of an expectation."""
    suite = gx.ExpectationSuite("some", expectations=[expectation])
    rendered: str = DefaultJinjaPageView().render(ExpectationSuitePageRenderer().render(suite))
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", rendered))


def test_suite_of_ours_reads_well_in_data_docs_that_are_not_ours() -> None:
    text = page(worded("class_ratio", RARE.copy(), Words("No class is rare.", "are rare", "Add photos.")))
    assert "No class is rare." in text
    assert "expect_no_rare_class" not in text


def test_rule_without_words_says_what_it_is_and_its_bounds() -> None:
    text = page(RARE)
    assert "The rarest class is not too rare beside the commonest. (min_ratio: 0.25)" in text
    assert "expect_no_rare_class" not in text
