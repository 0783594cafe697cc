"""What every data folder promises, over a local one and a bucket; and what a bucket's saves."""

import hashlib
import pickle
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tasks.catalog.layout import read_layout
from tasks.catalog.step import make_catalog
from tasks.data_folder import DataFolder, open_data
from tasks.data_folder.bucket import BucketFolder
from tasks.errors import ConfigError, DataError, StoreError
from tasks.faces.settings import FacesSettings, Size
from tasks.faces.step import find_boxes
from tasks.prepare.settings import PrepareSettings
from tasks.prepare.step import make_crops
from tasks.sample.draw import draw_sample
from tasks.sample.settings import SampleSettings
from tasks.store import Ledger, open_ledger
from tasks.store.cache import open_cache
from tasks.store.folder import FolderBackend
from tasks.store.manifest import FileEntry
from tasks.store.s3.settings import split_url
from tasks.tables import BOXES, CATALOG
from tests.s3_server import S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FILES = {"a.txt": b"first", "deep/b": b"", "deep/er/c d & \u00fc": b"third", "empty/": b"", "deep-not/x": b""}
"""Contents by name; a name that ends in a slash is an empty folder."""
OBJECTS = 2 * 7 + 3 + 2
"""Photos of two people, photos to predict, CSV files."""
CENTRE = FacesSettings(crop="centre", centre=Size(height=400, width=200))
SMALL = PrepareSettings(height=64, width=48)

Put = Callable[[dict[str, bytes]], DataFolder]


@pytest.fixture(params=["local", pytest.param("bucket", marks=pytest.mark.s3)])
def put(request: pytest.FixtureRequest, tmp_path: Path) -> Put:
    """Makes a data folder of either kind that has these files."""

    def put_local(files: dict[str, bytes]) -> DataFolder:
        write_files(tmp_path / "data", files)
        return open_data(str(tmp_path / "data"))

    def put_objects(files: dict[str, bytes]) -> DataFolder:
        url = f"s3://{request.getfixturevalue('bucket')}/data"
        for name, content in files.items():
            send(request.getfixturevalue("s3_server"), url, name, content)
        return open_data(f"{url}/")

    return put_local if request.param == "local" else put_objects


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(content)


def test_entries_are_files_and_folders_even_empty_ones(put: Put) -> None:
    data = put(FILES)
    assert data.entries("") == {"a.txt", "deep/", "deep-not/", "empty/"}
    assert data.entries("deep") == {"b", "er/"}
    assert data.entries("empty") == data.entries("a.txt") == data.entries("nowhere") == set()


def test_files_are_what_was_written(put: Put) -> None:
    data = put(FILES)
    for name, content in FILES.items():
        if not name.endswith("/"):
            entry = FileEntry(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
            assert data.describe(name) == entry
            assert data.read(name) == data.read(name, entry.sha256) == content


@pytest.mark.parametrize("name", ["nowhere", "deep", "deep/nowhere"])
def test_file_that_cannot_be_read_says_why(put: Put, name: str) -> None:
    data = put(FILES)
    for look in (data.describe, data.read):
        with pytest.raises(DataError, match=r"^(No such file or directory|Is a directory|No such object)$"):
            look(name)


def test_folder_with_files_is_there_and_one_without_says_what_to_do(put: Put) -> None:
    put(FILES).check()
    with pytest.raises(DataError, match=r"There is no\w* .*nowhere.* DIR"):
        open_data(f"{put(FILES).url}/nowhere").check()


def test_other_processes_get_it_by_a_few_bytes(put: Put) -> None:
    data = put(FILES)
    assert len(pickle.dumps(data)) < 1000
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert pool.submit(data.read, "a.txt").result() == b"first"


def test_links_are_followed_and_those_that_lead_nowhere_are_files(tmp_path: Path) -> None:
    write_files(tmp_path / "data", FILES)
    for name, target in {"linked": "deep", "lost": "nowhere", "circle": "circle"}.items():
        (tmp_path / "data" / name).symlink_to(target)
    assert open_data(str(tmp_path / "data")).entries("") >= {"linked/", "lost", "circle"}


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A small drawn data set, to be spoilt."""
    draw_sample(tmp_path / "sample", SampleSettings(people=2, eval=3, seed=7))
    return tmp_path / "sample"


@pytest.fixture
def url(bucket: str, s3_server: S3Server, sample: Path) -> str:
    """The same data set in a bucket."""
    return upload(s3_server, sample, f"s3://{bucket}/some/data")


def upload(server: S3Server, folder: Path, url: str) -> str:
    """Copy a folder, with the empty ones in it, to a URL."""
    names = [
        path.relative_to(folder).as_posix() + ("" if path.is_file() else "/")
        for path in folder.rglob("*")
        if path.is_file() or not any(path.iterdir())
    ]
    with ThreadPoolExecutor(8) as threads:
        for _ in threads.map(lambda name: send(server, url, name, content_of(folder / name)), names):
            pass
    return url


def content_of(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def send(server: S3Server, url: str, name: str, content: bytes) -> None:
    bucket, prefix = split_url(url)
    server.client.put_object(Bucket=bucket, Key=f"{prefix}/{name}", Body=content)


def delete(server: S3Server, url: str, name: str) -> None:
    bucket, prefix = split_url(url)
    server.client.delete_object(Bucket=bucket, Key=f"{prefix}/{name}")


@contextmanager
def counted(url: str) -> Iterator[Counter[str]]:
    """Requests that this process sends inside the block, by their kind."""
    requests: Counter[str] = Counter()

    def count(model: Any, **_: object) -> None:  # noqa: ANN401
        requests[model.name] += 1

    events = client_of(url).meta.events
    events.register("before-call.s3", count)
    try:
        yield requests
    finally:
        events.unregister("before-call.s3", count)


def client_of(url: str) -> "S3Client":
    data = open_data(url)
    assert isinstance(data, BucketFolder)
    return data.client


def empty_the_cache() -> None:
    shutil.rmtree(open_cache().folder / "files")


def some_photo(sample: Path) -> str:
    return min(sample.glob("train/images/*/normal.*")).relative_to(sample).as_posix()


def test_catalog_of_a_bucket_is_that_of_a_local_copy(url: str, sample: Path, ledger: Ledger, tmp_path: Path) -> None:
    local, remote = make_catalog(ledger, open_data(str(sample))), make_catalog(ledger, open_data(url))
    assert (remote.ref, remote.reused) == (local.ref, True)
    other = Ledger(FolderBackend(tmp_path / "other-store"))
    assert make_catalog(other, open_data(url)).manifest.files == local.manifest.files


def test_first_catalog_lists_once_and_reads_every_object_once(url: str, ledger: Ledger) -> None:
    with counted(url) as requests:
        make_catalog(ledger, open_data(url))
    assert requests == {"ListObjectsV2": 1, "GetObject": OBJECTS}


def test_second_catalog_lists_once_and_reads_nothing(url: str, ledger: Ledger) -> None:
    make_catalog(ledger, open_data(url))
    with counted(url) as requests:
        assert make_catalog(ledger, open_data(url)).reused
    assert requests == {"ListObjectsV2": 1}


def test_what_an_interrupted_catalog_has_read_is_not_read_again(url: str, ledger: Ledger) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.catalog.step.measure_photos", interrupt)
        with pytest.raises(KeyboardInterrupt):
            make_catalog(ledger, open_data(url))
    with counted(url) as requests:
        make_catalog(ledger, open_data(url))
    assert requests == {"ListObjectsV2": 1}


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_only_an_object_that_changed_is_read_again(url: str, ledger: Ledger, s3_server: S3Server, sample: Path) -> None:
    first = make_catalog(ledger, open_data(url))
    photo = some_photo(sample)
    (sample / photo).write_bytes((sample / photo).read_bytes() + b"\0")
    send(s3_server, url, photo, (sample / photo).read_bytes())
    with counted(url) as requests:
        second = make_catalog(ledger, open_data(url))
    assert requests == {"ListObjectsV2": 1, "GetObject": 1}
    assert first.ref != second.ref == make_catalog(ledger, open_data(str(sample))).ref


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"train/train.csv": 1}', b'{"train/train.csv": [["e", 1, "m"], "../../../outside"]}'],
)
def test_damaged_memory_is_ignored(url: str, ledger: Ledger, content: bytes) -> None:
    first = make_catalog(ledger, open_data(url))
    (memory,) = (open_cache().folder / "digests").iterdir()
    memory.write_bytes(content)
    with counted(url) as requests:
        assert make_catalog(ledger, open_data(url)).ref == first.ref
    assert requests == {"ListObjectsV2": 1, "GetObject": OBJECTS}


def test_buckets_of_one_name_on_two_servers_are_not_mixed_up(
    url: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_catalog(ledger, open_data(url))
    endpoint = client_of(url).meta.endpoint_url
    monkeypatch.setenv("FOLDLINE_S3_ENDPOINT", endpoint.replace("127.0.0.1", "localhost"))
    with counted(url) as requests:
        make_catalog(ledger, open_data(url))
    assert requests["GetObject"] == OBJECTS


def test_steps_after_the_catalog_read_the_cache(url: str, ledger: Ledger) -> None:
    catalog = make_catalog(ledger, open_data(url))
    boxes = find_boxes(ledger, open_data(url), catalog, CENTRE)
    with counted(url) as requests:
        make_crops(ledger, open_data(url), catalog, boxes, SMALL)
    assert requests == {}


def test_emptied_cache_is_filled_again(url: str, ledger: Ledger) -> None:
    catalog = make_catalog(ledger, open_data(url))
    boxes = find_boxes(ledger, open_data(url), catalog, CENTRE)
    empty_the_cache()
    with counted(url) as requests:
        make_crops(ledger, open_data(url), catalog, boxes, SMALL)
        make_crops(ledger, open_data(url), catalog, boxes, PrepareSettings(height=32, width=32))
    assert requests == {"GetObject": OBJECTS - 2}


def test_damaged_file_of_the_cache_is_fetched_again(url: str, sample: Path) -> None:
    photo = some_photo(sample)
    digest = open_data(url).describe(photo).sha256
    cached = open_cache().folder / "files" / digest[:2] / digest
    cached.chmod(0o600)
    cached.write_bytes(b"damaged")
    with counted(url) as requests:
        assert open_data(url).read(photo, digest) == open_data(url).read(photo, digest)
    assert requests == {"GetObject": 1}


def test_cache_without_room_costs_requests_and_nothing_else(
    url: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLDLINE_CACHE_GB", "1e-5")
    with counted(url) as requests:
        assert make_catalog(ledger, open_data(url)).manifest.summary["persons"] == 2
    assert requests["GetObject"] > OBJECTS


def test_cache_that_cannot_be_written_says_so(url: str, ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/cache").write_bytes(b"")
    with pytest.raises(StoreError, match="FOLDLINE_CACHE"):
        make_catalog(ledger, open_data(url))


def test_faces_are_searched_on_photos_of_a_bucket(url: str, ledger: Ledger) -> None:
    catalog = make_catalog(ledger, open_data(url))
    empty_the_cache()
    artifact = find_boxes(ledger, open_data(url), catalog, FacesSettings(detectors=("retinaface",)))
    boxes = BOXES.read(artifact.path("boxes.parquet"))
    assert boxes["photo"].tolist() == CATALOG.read(catalog.path("catalog.parquet"))["photo"].tolist()


def test_photo_that_is_gone_or_has_changed_since_the_catalog_is_named(
    url: str, ledger: Ledger, s3_server: S3Server, sample: Path
) -> None:
    catalog = make_catalog(ledger, open_data(url))
    boxes = find_boxes(ledger, open_data(url), catalog, CENTRE)
    photo = some_photo(sample)
    (sample / photo).write_bytes(b"other")
    upload(s3_server, sample, url)
    empty_the_cache()
    with pytest.raises(DataError, match=rf"{photo} has changed since the catalog was made"):
        make_crops(ledger, open_data(url), catalog, boxes, SMALL)
    delete(s3_server, url, photo)
    with pytest.raises(DataError, match=rf"{photo} cannot be read: No such object. Put it back"):
        make_crops(ledger, open_data(url), catalog, boxes, SMALL)


def test_photo_that_vanishes_after_the_listing_is_told(
    url: str, ledger: Ledger, s3_server: S3Server, sample: Path
) -> None:
    data = open_data(url)
    data.check()
    delete(s3_server, url, some_photo(sample))
    with pytest.raises(DataError, match=r"1 photos cannot be read, such as \S+ \(No such object\)"):
        make_catalog(ledger, data)


def test_faults_of_a_bucket_are_those_of_a_local_copy(bucket: str, s3_server: S3Server, sample: Path) -> None:
    first, second = sorted((sample / "train/images").iterdir())
    shutil.rmtree(first)
    next(second.glob("mask1.*")).rename(second / "mask9.gif")
    next(second.glob("normal.*")).rename(second / "ordinary.jpg")
    for name in ("._mask1.jpg", ".DS_Store", "folder.jpg/inside.jpg"):
        write_files(second, {name: b""})
    write_files(sample / "train/images", {"stranger/": b"", "no-folder": b""})
    next((sample / "eval/images").iterdir()).rename(sample / "eval/images/stranger.jpg")
    url = upload(s3_server, sample, f"s3://{bucket}/data")
    local, remote = read_layout(open_data(str(sample))), read_layout(open_data(url))
    assert len(local.faults) == 6
    assert remote == local


@pytest.mark.parametrize("name", ["train/train.csv", "eval/info.csv"])
def test_csv_that_a_bucket_lacks_is_named(url: str, s3_server: S3Server, name: str) -> None:
    delete(s3_server, url, name)
    assert [str(fault) for fault in read_layout(open_data(url)).faults] == [
        f"1 files are missing, such as {name}. A data folder has train/train.csv and eval/info.csv."
    ]


def test_two_processes_at_once_make_one_catalog(
    url: str, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLDLINE_STORE", str(tmp_path / "store"))
    script = """
import sys
from tasks.catalog.step import make_catalog
from tasks.data_folder import open_data
from tasks.store import open_ledger
print(make_catalog(open_ledger(), open_data(sys.argv[1])).ref)
"""
    command = [sys.executable, "-c", script, url]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    refs = {process.communicate()[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    assert refs == {str(make_catalog(open_ledger(), open_data(str(sample))).ref)}
    with counted(url) as requests:
        make_catalog(open_ledger(), open_data(url))
    assert requests == {"ListObjectsV2": 1}


def test_bucket_that_is_not_there_says_what_to_do(url: str) -> None:
    assert url
    with pytest.raises(StoreError, match=r"s3://no-such-bucket-here/data: .*NoSuchBucket.*Make the bucket"):
        open_data("s3://no-such-bucket-here/data").check()


def test_bucket_that_fails_is_not_taken_for_a_fault_of_the_data(url: str, ledger: Ledger, s3_server: S3Server) -> None:
    data = open_data(url)
    data.check()
    bucket, _ = split_url(url)
    for found in s3_server.client.list_objects_v2(Bucket=bucket)["Contents"]:
        s3_server.client.delete_object(Bucket=bucket, Key=found["Key"])
    s3_server.client.delete_bucket(Bucket=bucket)
    with pytest.raises(StoreError, match="NoSuchBucket"):
        make_catalog(ledger, data)


def test_wrong_url_is_refused_when_it_is_opened() -> None:
    with pytest.raises(ConfigError, match="must not hold credentials") as raised:
        open_data("s3://someone:secret@bucket/data")
    assert "secret" not in str(raised.value)
