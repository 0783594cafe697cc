"""What a rule finds in a table that is written by hand."""

import pandas as pd

from expectations.rule import Rule


def found(rule: Rule, **columns: list[object]) -> tuple[int, dict[str, str]]:
    """Number of those that were looked at, and what is wrong with each that breaks the rule."""
    checked, offenders, others = rule.judge(pd.DataFrame(columns))
    assert offenders.index.is_unique
    assert others is None or len(others) == len(offenders)
    return checked, {str(key): words for key, words in offenders.items()}
