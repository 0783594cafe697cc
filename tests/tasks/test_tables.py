from pathlib import Path

import pandas as pd
import pytest

from tasks.errors import DataError
from tasks.tables import FOLDS, TABLES, Table

ROWS = pd.DataFrame({"fold": [0, 1], "photo": ["a", "b"], "person": ["x", None], "extra": [1, 2]})


def test_written_table_reads_back_with_its_columns_in_order_and_of_their_types(tmp_path: Path) -> None:
    FOLDS.write(ROWS, tmp_path / "folds.parquet")
    table = FOLDS.read(tmp_path / "folds.parquet")
    assert list(table) == ["photo", "person", "fold"]
    assert [str(dtype) for dtype in table.dtypes] == ["str", "str", "int16"]
    assert table["person"].isna().tolist() == [False, True]


def test_missing_column_is_named_and_counted(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"2 columns of the folds table are missing, such as 'photo'"):
        FOLDS.write(ROWS[["fold"]], tmp_path / "folds.parquet")
    assert not list(tmp_path.iterdir())


def test_value_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(DataError, match="folds table has a value of the wrong type"):
        FOLDS.conform(ROWS.assign(fold=["zero", "one"]))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_says_what_a_row_and_each_column_is(table: Table) -> None:
    assert table.row
    assert all(column.meaning for column in table.columns)
    assert len(set(table.column_names)) == len(table.columns)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_can_be_empty(table: Table, tmp_path: Path) -> None:
    table.write(pd.DataFrame(columns=table.column_names), tmp_path / "empty.parquet")
    assert table.read(tmp_path / "empty.parquet").empty
