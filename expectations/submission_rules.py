"""Our own expectations of a submission: rows as the competition reads them, and what is predicted."""

import pandas as pd

from expectations.rule import Rule, Verdict
from tasks.classes import CLASS_COUNT, class_name


class ExpectEveryImageAnswered(Rule):
    """Every image of info.csv has one row, and no other has one."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the images, of info.csv and of the submission."""
        wanted, given = rows["expected"].dropna(), rows["image"].dropna()
        counts = given.value_counts()
        missing = wanted[~wanted.isin(counts.index)]
        wrong = pd.concat(
            [
                pd.Series("no row", missing),
                pd.Series("not in info.csv", counts.index[~counts.index.isin(wanted)]),
                counts[counts.gt(1) & counts.index.isin(wanted)].map("{} rows".format),
            ]
        )
        return Verdict(len(set(wanted) | set(given)), wrong.astype("str"))


class ExpectOrderOfImages(Rule):
    """Rows are where info.csv has them."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the images that both have."""
        both = rows[rows["image"].isin(rows["expected"]) & rows["expected"].isin(rows["image"])]
        moved = both[both["image"] != both["expected"]]
        words = ("in the place of " + moved["expected"]).set_axis(moved["image"])
        return Verdict(len(both), words[~words.index.duplicated()])


class ExpectAnswersInRange(Rule):
    """An answer is a class."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the rows."""
        given = rows.dropna(subset=["image"])
        wrong = given[~given["answer"].isin([str(number) for number in range(CLASS_COUNT)])]
        return Verdict(len(given), wrong["answer"].fillna("nothing").set_axis(wrong["image"]))


class ExpectEveryClassPredicted(Rule):
    """Every class that was learnt is predicted: one that never is counts 0 in the score."""

    learnt: dict[str, float]
    """Shares of the classes among the training photos, by their numbers."""

    def judge(self, rows: pd.DataFrame) -> Verdict:
        """Judge the classes that were learnt."""
        learnt = [number for number, share in self.learnt.items() if share > 0]
        never = [number for number in learnt if number not in set(rows["answer"].dropna())]
        words = [f"{self.learnt[number]:.1%} of the training photos" for number in never]
        return Verdict(len(learnt), pd.Series(words, [class_name(int(number)) for number in never], dtype="str"))
