import pytest

from tasks.corrections.csv_file import read_corrections
from tasks.errors import DataError

HEADER = "path,attribute,old,new,why,who,date"
RIGHT = "000020_male_Asian_23,gender,male,female,seen on all photos,Ana,2026-11-26"


def rows_of(*lines: str, header: str = HEADER) -> list[dict[str, str]]:
    content = "\n".join([header, *lines]).encode()
    return read_corrections(content, "mine.csv").to_dict("records")  # type: ignore[return-value]


def complaint(*lines: str, header: str = HEADER) -> str:
    with pytest.raises(DataError) as raised:
        rows_of(*lines, header=header)
    return str(raised.value)


def test_row_says_what_is_wrong_what_is_right_why_who_says_so_and_when() -> None:
    assert rows_of(RIGHT) == [dict(zip(HEADER.split(","), RIGHT.split(","), strict=True))]


def test_file_without_a_row_corrects_nothing() -> None:
    assert rows_of() == []


def test_columns_may_have_any_order_and_others_beside_them() -> None:
    (row,) = rows_of(
        "Ana,000020,gender,male,female,2026-11-26,seen,x", header="who,path,attribute,old,new,date,why,team"
    )
    assert (row["path"], row["who"], row["why"]) == ("000020", "Ana", "seen")


def test_file_may_have_a_byte_order_mark_spaces_and_commas_between_quotes() -> None:
    (row,) = rows_of(' 000020 ,gender, male ,female,"seen, twice",Ana,2026-11-26', header=f"\ufeff{HEADER}")
    assert (row["path"], row["old"], row["why"]) == ("000020", "male", "seen, twice")


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("000020/normal", "000020/normal"),
        ("000020_male_Asian_23/incorrect_mask.jpg", "000020_male_Asian_23/incorrect_mask"),
        ("train/images/000020_male_Asian_23/mask1.JPEG", "000020_male_Asian_23/mask1"),
    ],
)
def test_photo_may_be_named_with_its_ending_and_from_the_data_folder_on(path: str, plain: str) -> None:
    (row,) = rows_of(f"{path},state,normal,mask,seen,Ana,2026-11-26")
    assert row["path"] == plain


@pytest.mark.parametrize("path", ["site.jpg", "train/images/site.jpg", "site.jpg/"])
def test_person_whose_folder_has_the_ending_of_a_photo_keeps_it(path: str) -> None:
    assert rows_of(RIGHT.replace("000020_male_Asian_23", path))[0]["path"] == "site.jpg"


def test_ages_are_whole_years_without_leading_zeros() -> None:
    (row,) = rows_of("000020,age,023,60,seen,Ana,2026-11-26")
    assert (row["old"], row["new"]) == ("23", "60")


def test_old_gender_may_be_whatever_the_data_says() -> None:
    assert [row["old"] for row in rows_of(RIGHT.replace(",male,", ",man,"), "9,gender,,male,seen,Ana,2026-11-26")] == [
        "man",
        "",
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            RIGHT.replace("gender", "sex"),
            "1 attributes cannot be corrected, such as 'sex' in line 2. Write one of gender, ",
        ),
        (RIGHT.replace("gender", "mask"), "1 attributes cannot be corrected, such as 'mask' in line 2."),
        (
            RIGHT.replace("female", "woman"),
            "1 new values are no gender, such as 'woman' in line 2. Write one of male, f",
        ),
        ("9/normal,state,normal,wrong,seen,Ana,2026-11-26", "1 new values are no state, such as 'wrong' in line 2."),
        ("9,age,<30,60,seen,Ana,2026-11-26", "1 ages are not whole years, such as '<30' in line 2."),
        ("9,age,,60,seen,Ana,2026-11-26", "1 ages are not whole years, such as '' in line 2."),
        (
            "9,age,23,60.5,seen,Ana,2026-11-26",
            "1 ages are not whole years, such as '60.5' in line 2. Write the age as a ",
        ),
        ("9,age,23,\u0666\u0660,seen,Ana,2026-11-26", "1 ages are not whole years"),
        (
            RIGHT.replace("seen on all photos", " "),
            "1 cells are empty, such as why in line 2. Say which label it is, why",
        ),
        (RIGHT.replace("Ana", ""), "1 cells are empty, such as who in line 2."),
        (RIGHT.replace("000020_male_Asian_23", ""), "1 cells are empty, such as path in line 2."),
        (
            RIGHT.replace("2026-11-26", "26.11.2026"),
            "1 dates cannot be read, such as '26.11.2026' in line 2. Write them",
        ),
        (RIGHT.replace("2026-11-26", "20261126"), "1 dates cannot be read"),
        (RIGHT.replace("2026-11-26", "2026-02-30"), "1 dates cannot be read"),
        (RIGHT.replace(",2026-11-26", ""), "1 dates cannot be read, such as '' in line 2."),
        (
            RIGHT.replace("female", "male"),
            "1 corrections change nothing, such as the gender of 000020_male_Asian_23 in line 2. Write what",
        ),
        ("9,age,023,23,seen,Ana,2026-11-26", "1 corrections change nothing, such as the age of 9 in line 2."),
        (
            "9,state,normal,mask,seen,Ana,2026-11-26",
            "1 corrections of a state name no photo, such as the state of 9 in line 2. Write person and photo",
        ),
        ("9/a/normal,state,normal,mask,seen,Ana,2026-11-26", "1 corrections of a state name no photo"),
        (
            RIGHT.replace("_male_Asian_23", "/normal"),
            "1 corrections of a person name more than a person, such as the gender of 000020/normal in line 2. Write",
        ),
        (
            RIGHT.replace("on all", ", on all"),
            "1 rows have more cells than the header, such as line 2. Put a cell that h",
        ),
    ],
)
def test_row_that_cannot_be_right_is_named(line: str, message: str) -> None:
    told = complaint(line)
    assert told.startswith("The corrections mine.csv cannot be used:\n  - ")
    assert message in told


def test_label_that_is_corrected_twice_is_named() -> None:
    again = "train/images/9/normal.jpg,state,mask,normal,seen,Ana,2026-11-26"
    told = complaint("9/normal,state,normal,mask,seen,Ana,2026-11-26", again)
    assert "1 labels are corrected more than once, such as the state of 9/normal. Keep one row of each." in told


def test_two_labels_of_one_person_may_be_corrected() -> None:
    assert len(rows_of(RIGHT, RIGHT.replace("gender,male,female", "age,23,60"))) == 2


@pytest.mark.parametrize("column", HEADER.split(","))
def test_missing_column_is_named(column: str) -> None:
    told = complaint(RIGHT, header=HEADER.replace(column, "other"))
    assert f"1 columns are missing, such as {column}. Its header must be {HEADER}." in told


def test_empty_file_lacks_every_column() -> None:
    assert "7 columns are missing, such as path." in complaint(header="")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", HEADER.encode() + b"\n" + b"x" * 200_000])
def test_file_that_is_no_csv_is_an_error(content: bytes) -> None:
    with pytest.raises(DataError, match=r"1 files cannot be read, such as .*Save it as CSV in UTF-8\."):
        read_corrections(content, "mine.csv")


def test_everything_that_is_wrong_is_told_at_once() -> None:
    told = complaint(RIGHT.replace("gender", "sex"), RIGHT.replace("Ana", ""), RIGHT.replace("2026", "x"))
    assert told.count("\n  - ") == 4
    for part in ("'sex' in line 2", "who in line 3", "'x-11-26' in line 4", "corrected more than once"):
        assert part in told
