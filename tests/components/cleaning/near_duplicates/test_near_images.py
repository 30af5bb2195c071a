import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps
from sklearn.datasets import load_sample_images

from components.cleaning.near_duplicates.blocks import components
from components.cleaning.near_duplicates.images import ImageHashes, hashes, pairs

PHOTOGRAPHS = [Image.fromarray(pixels) for pixels in load_sample_images().images]  # a temple and a flower


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **({"compress_level": 0} if kind == "PNG" else options))  # not compressing is fast
    return file.getvalue()


def cropped(share):
    def crop(image):
        x, y = round(image.width * share / 2), round(image.height * share / 2)
        return image.crop((x, y, image.width - x, image.height - y))

    return crop


FOUND = {
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "a quarter of the size": lambda image: image.resize((image.width // 4, image.height // 4)),
    "squeezed": lambda image: image.resize((image.width, image.height // 2)),
    "JPEG": lambda image: Image.open(io.BytesIO(encoded(image, "JPEG", quality=10))),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.4),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.6),
    "contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.5),
    "grey": lambda image: image.convert("L"),
    "mirrored": ImageOps.mirror,
    "cropped by 1%": cropped(0.01),
    "cropped by 2%": cropped(0.02),
}
NOT_FOUND = {
    "cropped by 5%": cropped(0.05),
    "cropped by 10%": cropped(0.10),
    "a border": lambda image: ImageOps.expand(image, image.width // 20, "white"),
    "turned a little": lambda image: image.rotate(5),
    "turned by a quarter": lambda image: image.rotate(90, expand=True),
    "upside down": ImageOps.flip,
    "negative": ImageOps.invert,
}


def found(contents, mirrored=True, min_quality=50):
    hashed = hashes(contents, mirrored)
    mask = hashed.quality >= min_quality
    return pairs(hashed, np.zeros(len(contents), np.int64), 31, mirrored, mask)


@pytest.mark.parametrize("photograph", PHOTOGRAPHS, ids=["temple", "flower"])
@pytest.mark.parametrize("change", FOUND)
def test_copies_that_look_the_same_are_found(photograph, change):
    assert len(found([encoded(photograph), encoded(FOUND[change](photograph))]).a) == 1


@pytest.mark.parametrize("photograph", PHOTOGRAPHS, ids=["temple", "flower"])
@pytest.mark.parametrize("change", NOT_FOUND)
def test_what_is_said_not_to_be_found_is_not(photograph, change):
    assert len(found([encoded(photograph), encoded(NOT_FOUND[change](photograph))]).a) == 0


def test_mirror_images_are_found_only_where_asked_for():
    contents = [encoded(PHOTOGRAPHS[0]), encoded(ImageOps.mirror(PHOTOGRAPHS[0]))]
    assert found(contents, mirrored=True).distance[0] <= 8
    assert len(found(contents, mirrored=False).a) == 0


def test_different_photographs_and_flat_pictures_and_broken_ones_are_left_alone():
    flat = [encoded(Image.new("RGB", (64, 64), colour)) for colour in ("white", "white", "red")]
    result = found([*map(encoded, PHOTOGRAPHS), *flat, b"", b"GIF89a", encoded(PHOTOGRAPHS[0])[:500]])
    assert len(result.a) == 0
    assert hashes([b"GIF89a"], True).quality.tolist() == [-1]


def random_hashes(count, seed=0):
    """Hashes of which a third are others with some bits changed, a third of these to be found in the mirror."""
    rng = np.random.default_rng(seed)
    pdq = rng.integers(0, 256, (count, 32), np.uint8)
    mirror = rng.integers(0, 256, (count, 32), np.uint8)
    for row in range(1, count, 3):
        bits = np.unpackbits((mirror if row % 9 == 1 else pdq)[rng.integers(row)])
        bits[rng.choice(256, rng.integers(0, 45), replace=False)] ^= 1
        pdq[row] = np.packbits(bits)
    return ImageHashes(pdq, mirror, np.full(count, 100))


def by_comparing(hashed, blocks, distance, mirrored, mask):
    def apart(one, other):
        return np.unpackbits(one[:, None] ^ other[None], axis=2).sum(axis=2)

    bits = apart(hashed.pdq, hashed.pdq)
    if mirrored:
        bits = np.minimum(bits, np.minimum(apart(hashed.pdq, hashed.mirror), apart(hashed.mirror, hashed.pdq)))
    near = (bits <= distance) & (blocks[:, None] == blocks) & mask[:, None] & mask
    return bits, components(*np.nonzero(np.triu(near, 1)))


@pytest.mark.parametrize("mirrored", [True, False])
@pytest.mark.parametrize("distance", [0, 12, 31])
@pytest.mark.parametrize("count", [40, 700])
def test_images_are_joined_as_by_comparing_each_with_each(count, distance, mirrored):
    hashed = random_hashes(count)
    blocks, mask = np.arange(count) % 97 // 96, np.arange(count) % 10 != 5
    result = pairs(hashed, blocks, distance, mirrored, mask)
    bits, (ids, labels) = by_comparing(hashed, blocks, distance, mirrored, mask)
    assert (bits[result.a, result.b] == result.distance).all() and (result.distance <= distance).all()
    assert [part.tolist() for part in components(result.a, result.b)] == [ids.tolist(), labels.tolist()]
    assert mirrored is False or distance == 0 or len(ids)


def test_what_is_found_does_not_depend_on_the_order_of_images():
    hashed, order = random_hashes(500), np.random.default_rng(1).permutation(500)
    turned = ImageHashes(hashed.pdq[order], hashed.mirror[order], hashed.quality[order])
    everyone, block = np.ones(500, bool), np.zeros(500, np.int64)
    one, other = pairs(hashed, block, 31, True, everyone), pairs(turned, block, 31, True, everyone)
    expected = sorted(map(sorted, zip(one.a.tolist(), one.b.tolist(), strict=True)))
    assert sorted(map(sorted, zip(order[other.a].tolist(), order[other.b].tolist(), strict=True))) == expected


def test_a_large_cluster_takes_work_in_proportion():
    pdq = np.zeros((5_000, 32), np.uint8)
    pdq[np.arange(5_000), np.arange(5_000) % 32] = np.arange(5_000) // 32 % 250
    result = pairs(
        ImageHashes(pdq, ~pdq, np.full(5_000, 100)), np.zeros(5_000, np.int64), 31, False, np.ones(5_000, bool)
    )
    assert len(result.a) == 4_999 and result.compared < 20_000


def test_nothing_gives_nothing():
    hashed = hashes([], True)
    assert hashed.pdq.shape == (0, 32)
    assert len(pairs(hashed, np.zeros(0, np.int64), 31, True, np.zeros(0, bool)).a) == 0
