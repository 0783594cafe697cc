"""Why an artifact is not an earlier one, in words."""

from collections.abc import Sequence

from flows.data_change import Cause, DataChange
from tasks.store.code import ACTIONS
from tasks.store.explain import MADE, Change, CodeChange, InputChange, LibraryChange, SettingChange
from tasks.validate.settings import ARTIFACTS

SECTIONS = dict.fromkeys(ARTIFACTS.values(), "validation")
"""Steps that an experiment knows under another name."""
SHOWN = 3
"""Names that are listed before the others are only counted."""


def in_words(cause: Cause) -> str:
    """A cause, as short as can be."""
    match cause:
        case SettingChange():
            return _change(_setting_name(cause.name), cause, '"')
        case InputChange():
            return _change(f"input {cause.name}", cause)
        case LibraryChange():
            return _change(cause.name, cause)
        case CodeChange():
            return _code(cause)
        case DataChange():
            return f"data: {photos_in_words(cause)}"


def photos_in_words(change: DataChange) -> str:
    """How many photos have changed in what way, and one of each."""
    photos = {
        "new": change.new,
        "gone": change.gone,
        "with other bytes": change.other_bytes,
        "with other labels": change.other_labels,
    }
    told = [f"{len(names)} photos {what}, such as {names[0]}" for what, names in photos.items() if names]
    return "; ".join(told) or "the same photos in another order"


def some(names: Sequence[str]) -> str:
    """The first few of `names`, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def part_name(part: str) -> str:
    """A part of the code, as `code_parts` names it, for people."""
    path, _, name = part.partition(":")
    return f"{path} on import" if name == ACTIONS else part


def _change(name: str, change: Change, quotes: str = "") -> str:
    old, new = (value and _short(value).strip(quotes) for value in (change.old, change.new))
    if old is None:
        return f"{name} is new: {new}"
    return f"{name} is gone" if new is None else f"{name} {old} -> {new}"


def _short(value: str) -> str:
    """A key or a digest by its first digits; anything else as it is."""
    return value.rpartition("/")[2][:12] if MADE.fullmatch(value) else value


def _setting_name(name: str) -> str:
    step, dot, setting = name.partition(".")
    return f"{SECTIONS.get(step, step)}{dot}{setting}"


def _code(change: CodeChange) -> str:
    parts = {"changed": change.changed, "new": change.new, "gone": change.gone}
    told = [f"{what} {some([*map(part_name, names)])}" for what, names in parts.items() if names]
    return f"code: {'; '.join(told)}" if told else "code, but what of it was not recorded"
