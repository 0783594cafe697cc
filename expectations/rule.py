"""The base of our own expectations: rules over a whole table, with an answer that names the offenders."""

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple

import pandas as pd
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine.execution_engine import ExecutionEngine
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

EXAMPLES = 20
"""Number of offenders that a result names; also what Great Expectations' own results name."""


class Verdict(NamedTuple):
    """What a rule found.

    Attributes:
        checked: number of things (photos, persons or classes) that were looked at.
        offenders: what is wrong, in words, by the key of the thing it is wrong with.
    """

    checked: int
    offenders: "pd.Series[str]"


class TableRows(TableMetricProvider):
    """The metric that hands a rule its table, so that the rule may be any pandas expression."""

    metric_name = "table.rows"

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,  # noqa: N805 - Great Expectations turns it into a class method
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: dict[str, object],
        **_: object,
    ) -> pd.DataFrame:
        return execution_engine.get_compute_domain(metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE)[0]


class Rule(BatchExpectation):
    """An expectation that judges a table with one pandas expression, `judge`."""

    column: str
    """The column that the rule is about; its section of the report."""

    metric_dependencies: ClassVar[tuple[str, ...]] = (TableRows.metric_name,)

    @abstractmethod
    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Look at a table, shape (rows, columns); missing values are other expectations' business."""

    def _validate(
        self,
        metrics: dict[str, pd.DataFrame],
        runtime_configuration: dict[str, object] | None = None,
        execution_engine: ExecutionEngine[Any] | None = None,
    ) -> dict[str, object]:
        del runtime_configuration, execution_engine
        checked, offenders = self.judge(metrics[TableRows.metric_name])
        return {
            "success": offenders.empty,
            "result": {
                "element_count": checked,
                "unexpected_count": len(offenders),
                "unexpected_percent": 100 * len(offenders) / checked if checked else 0.0,
                "partial_unexpected_list": [f"{key} ({what})" for key, what in offenders.head(EXAMPLES).items()],
            },
        }
