import numpy as np

from tasks.report.thumbnails import Thumbnails
from tasks.store import Artifact
from tasks.thumbnails import encode_thumbnail


def test_thumbnail_shows_the_photo_it_is_asked_for(artifacts: dict[str, Artifact]) -> None:
    shard = np.load(artifacts["prepare"].path("a.npy"))
    uri = Thumbnails(artifacts["prepare"]).uri("eval/images/0003.jpg")
    assert uri == encode_thumbnail(shard[84 + 3])
