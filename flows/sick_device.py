"""A worker's note that its GPU computes wrongly, so that `foldline workers` takes it out of service.

Else the worker, idle again at once, would be the first to take the next attempt too.
"""

import os
from pathlib import Path

NOTE = "FOLDLINE_SICK_DEVICE_NOTE"
"""The variable that names the file in which a run tells those who keep its worker that the GPU is sick."""


def report_sick_device(why: str) -> None:
    """Tell those who keep this worker, if there are any."""
    if note := os.environ.get(NOTE):
        Path(note).write_text(why, encoding="utf-8")
