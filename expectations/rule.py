"""The base of our own expectations: rules over a whole table, with an answer that names the offenders."""

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple

import pandas as pd
from great_expectations.core import ExpectationValidationResult
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine.execution_engine import ExecutionEngine
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.render.components import LegacyRendererType, RenderedStringTemplateContent
from great_expectations.render.renderer.renderer import renderer

LISTED = 1_000
"""Number of offenders that a result lists; how many there are is counted in full."""


class Verdict(NamedTuple):
    """What a rule found.

    Attributes:
        checked: number of things (photos, persons or classes) that were looked at.
        offenders: what is wrong, in words, by the key of the thing it is wrong with.
        others: the photo that each offender is too like, in the same order, where that is what is wrong.
    """

    checked: int
    offenders: "pd.Series[str]"
    others: "pd.Series[str] | None" = None


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

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    def _prescriptive_renderer(
        cls,
        configuration: ExpectationConfiguration | None = None,
        result: ExpectationValidationResult | None = None,
        runtime_configuration: dict[str, object] | None = None,
    ) -> list[RenderedStringTemplateContent]:
        """What Great Expectations' own Data Docs say of a rule that is not `worded`: what it is, and its bounds."""
        del runtime_configuration
        known = result.expectation_config if result else configuration
        kwargs = known.kwargs if known else {}
        given = [f"({name}: {value})" for name, value in kwargs.items() if name not in ("column", "batch_id")]
        words = " ".join([(cls.__doc__ or "").split("\n")[0], *given])
        return [RenderedStringTemplateContent({"template": "$words", "params": {"words": words}, "styling": {}})]

    def _validate(
        self,
        metrics: dict[str, pd.DataFrame],
        runtime_configuration: dict[str, object] | None = None,
        execution_engine: ExecutionEngine[Any] | None = None,
    ) -> dict[str, object]:
        del runtime_configuration, execution_engine
        checked, offenders, others = self.judge(metrics[TableRows.metric_name])
        listed = offenders.head(LISTED)
        likes = [None] * len(listed) if others is None else others.head(LISTED).tolist()
        return {
            "success": offenders.empty,
            "result": {
                "element_count": checked,
                "unexpected_count": len(offenders),
                "unexpected_percent": 100 * len(offenders) / checked if checked else 0.0,
                "partial_unexpected_list": [
                    [str(key), str(what), other] for key, what, other in zip(listed.index, listed, likes, strict=True)
                ],
            },
        }
