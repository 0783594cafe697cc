import pandas as pd
import pytest

from tasks.errors import GateError
from tasks.tables import RESULTS
from tasks.validate.gate import check_gate, failures


def result(expectation: str, severity: str, *, success: bool = False) -> dict[str, object]:
    return {
        "suite": "labels",
        "expectation": expectation,
        "column": "age",
        "severity": severity,
        "success": success,
        "unit": "photos",
        "checked": 10,
        "unexpected": 0 if success else 3,
        "example": None if success else "a.jpg (300)",
        "message": "3 of 10 photos are odd, such as a.jpg (300). Mend them.",
    }


def results(*rows: dict[str, object]) -> pd.DataFrame:
    return RESULTS.conform(pd.DataFrame(rows))


WARNING, CRITICAL = result("odd", "warning"), result("wrong", "critical")


def test_gate_lets_pass_what_is_met() -> None:
    check_gate(results(result("wrong", "critical", success=True)), "warning", "index.html")


def test_gate_at_critical_lets_warnings_pass() -> None:
    check_gate(results(WARNING), "critical", "index.html")


def test_gate_that_never_stops_lets_critical_failures_pass() -> None:
    check_gate(results(CRITICAL), "never", "index.html")


def test_gate_names_every_failure_that_stops_it_the_worst_first() -> None:
    with pytest.raises(GateError) as stopped:
        check_gate(results(WARNING, CRITICAL, result("noted", "info")), "warning", "index.html")
    assert str(stopped.value).splitlines() == [
        "2 expectations failed that stop the flow (validation.stop_at=warning):",
        "  - labels, wrong (critical): 3 of 10 photos are odd, such as a.jpg (300). Mend them.",
        "  - labels, odd (warning): 3 of 10 photos are odd, such as a.jpg (300). Mend them.",
        "Read index.html, then mend the data and run again, or set what may pass (validation.severities).",
    ]


def test_failures_are_none_if_all_is_met() -> None:
    assert failures(results(result("wrong", "critical", success=True))).empty
