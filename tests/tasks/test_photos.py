import hashlib
import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from tasks import photos
from tasks.data_folder.local import LocalFolder
from tasks.errors import DataError
from tasks.photos import decode_photo, read_photo

PIXELS = np.random.default_rng(1).integers(0, 256, (6, 4, 3), np.uint8)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_photo_is_height_by_width_by_rgb() -> None:
    assert np.array_equal(decode_photo(encoded(Image.fromarray(PIXELS))), PIXELS)


@pytest.mark.parametrize("mode", ["RGBA", "L", "P", "CMYK", "1"])
def test_every_colour_mode_becomes_rgb(mode: str) -> None:
    kind = "TIFF" if mode == "CMYK" else "PNG"
    image = Image.fromarray(PIXELS).convert(mode)
    pixels = decode_photo(encoded(image, kind))
    assert np.array_equal(pixels, np.asarray(image.convert("RGB")))
    assert (pixels.shape, pixels.dtype) == ((6, 4, 3), np.uint8)


@pytest.mark.parametrize(("dtype", "mode"), [(np.uint16, "I;16"), (np.int32, "I"), (np.float32, "F")])
def test_photo_with_deeper_pixels_is_refused_rather_than_read_as_white(dtype: type, mode: str) -> None:
    image = Image.fromarray(np.arange(24, dtype=dtype).reshape(6, 4) * 100)
    with pytest.raises(DataError, match=f"mode {mode}.*: save it with 8 bits a channel"):
        decode_photo(encoded(image, "TIFF"))


@pytest.mark.parametrize(("longest", "size"), [(256, (256, 192)), (100, (100, 75)), (1000, (512, 384)), (1, (1, 1))])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_photo_is_shrunk_until_no_side_is_longer(kind: str, longest: int, size: tuple[int, int]) -> None:
    whole = Image.linear_gradient("L").resize((384, 512)).convert("RGB")
    pixels = decode_photo(encoded(whole, kind), longest)
    assert pixels.shape == (*size, 3)
    reference = np.asarray(whole.resize(size[::-1], Image.Resampling.BOX), np.int16)
    assert np.abs(pixels.astype(np.int16) - reference).mean() < 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photo_is_upright_whatever_its_exif_says(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(Image.fromarray(PIXELS), exif=exif)
    with Image.open(io.BytesIO(content)) as image:
        assert np.array_equal(decode_photo(content), np.asarray(ImageOps.exif_transpose(image)))


def test_photo_whose_exif_is_damaged_is_a_photo_all_the_same() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x0100] = 6, 4  # orientation and width
    content = encoded(Image.fromarray(PIXELS).resize((80, 60)), "JPEG", exif=exif)
    width = content.index(b"\x01\x00\x00\x04")  # an entry's tag and type
    damaged = content[: width + 3] + b"\x02" + content[width + 4 :]  # text, instead of a number
    with Image.open(io.BytesIO(damaged)) as image, pytest.raises((struct.error, TypeError, ValueError)):
        ImageOps.exif_transpose(image)
    assert decode_photo(damaged).shape == (80, 60, 3)


def test_photo_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no photo")
    with pytest.raises(DataError, match=r"bad\.png cannot be decoded: not an image"):
        read_photo(LocalFolder(tmp_path), "bad.png", hashlib.sha256(b"no photo").hexdigest())


def test_shrunk_photo_is_upright_too() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    wide = Image.linear_gradient("L").resize((800, 400)).convert("RGB")
    assert decode_photo(encoded(wide, "JPEG", exif=exif), 200).shape == (200, 100, 3)


def test_photo_is_turned_upright_as_its_exif_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    pixels = decode_photo(encoded(Image.fromarray(PIXELS), exif=exif))
    assert np.array_equal(pixels, np.rot90(PIXELS, -1))


@pytest.mark.parametrize(("content", "reason"), [(b"", "an empty file"), (b"no photo", "not an image")])
def test_what_is_no_photo_says_so(content: bytes, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        decode_photo(content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_photo_that_is_cut_off_is_refused(kind: str) -> None:
    content = encoded(Image.fromarray(np.repeat(PIXELS, 20, axis=0)), kind)
    with pytest.raises(DataError):
        decode_photo(content[: len(content) // 2])


@pytest.mark.filterwarnings("ignore")  # Pillow warns of more pixels than its limit, and refuses twice as many
@pytest.mark.parametrize(("limit", "reason"), [(20, "4x6 pixels are more than the 20"), (10, "exceeds limit of 20")])
def test_photo_that_would_exhaust_memory_is_refused(monkeypatch: pytest.MonkeyPatch, limit: int, reason: str) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    monkeypatch.setattr(photos, "LARGEST", limit)
    content = encoded(Image.fromarray(PIXELS))
    with pytest.raises(DataError, match=reason):
        decode_photo(content)


def test_photo_that_changed_since_the_catalog_is_refused(tmp_path: Path) -> None:
    content = encoded(Image.fromarray(PIXELS))
    (tmp_path / "a.png").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    assert np.array_equal(read_photo(LocalFolder(tmp_path), "a.png", digest), PIXELS)
    (tmp_path / "a.png").write_bytes(encoded(Image.fromarray(255 - PIXELS)))
    with pytest.raises(DataError, match=r"a\.png has changed since the catalog was made"):
        read_photo(LocalFolder(tmp_path), "a.png", digest)


def test_photo_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.png cannot be read: No such file"):
        read_photo(LocalFolder(tmp_path), "gone.png", "")
