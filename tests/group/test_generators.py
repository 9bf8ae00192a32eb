import hashlib
import os

import pytest

from zkmargin.group import codec, curve, generators
from zkmargin.group.generators import BLOCK, GENERATOR_BOUNDS, GeneratorStore, derive
from zkmargin.group.hash_to_curve import hash_to_curve
from zkmargin.group.pinned import BLOCK_DIGESTS

SINGLE = [family for family, bound in GENERATOR_BOUNDS.items() if bound == 1]


def test_messages_name_family_and_index():
    tag = b"ZKMARGIN-V01-CS01-with-BN254G1_XMD:SHA-256_SVDW_RO_"
    assert derive("GB", [258]) == hash_to_curve([b"GB/\0\0\0\0\0\0\x01\x02"], tag)


def test_frozen_generators():
    assert (
        codec.compress_point(derive("H", [0])[0]).hex()
        == "aa99de7067e0e90f91957383a76568cab8da491f9b4cc4b651184bcf2cdf89f2"
    )
    assert (
        codec.compress_point(derive("GB", [2**18 - 1])[0]).hex()
        == "eeb778422b505709ffd6910b3fd0c503bf7f92989e0325da8210d222fdbc3d32"
    )


def test_single_generators_and_masks_have_the_pinned_digests():
    for family in [*SINGLE, "GM"]:
        data = b"".join(map(codec.encode_point, derive(family, generators.block_range(family, 0))))
        assert BLOCK_DIGESTS[family] == (hashlib.sha256(data).hexdigest(),)


@pytest.mark.slow
@pytest.mark.parametrize("family, number", [("GB", 0), ("GB", 63), ("BG", 0), ("BH", 0)])
def test_whole_blocks_have_the_pinned_digests(family, number):
    store = GeneratorStore()
    block = generators.block_range(family, number)
    assert store.take(family, block)[-1] == derive(family, [block[-1]])[0]  # refused inside unless pinned


def test_every_block_is_pinned_and_no_two_are_the_same():
    for family, bound in GENERATOR_BOUNDS.items():
        assert len(BLOCK_DIGESTS[family]) == -(-bound // BLOCK)
    digests = [digest for family in BLOCK_DIGESTS.values() for digest in family]
    assert len(set(digests)) == len(digests)
    assert list(BLOCK_DIGESTS) == list(GENERATOR_BOUNDS)


def test_generators_are_distinct_points_of_the_curve():
    points = [point for family in GENERATOR_BOUNDS for point in derive(family, [0])] + derive("GB", [1, 2, 3])
    assert len(set(points)) == len(points)
    assert all(curve.on_curve(point) for point in points)
    assert (1, 2) not in points


@pytest.mark.parametrize("family", GENERATOR_BOUNDS)
def test_bounds_are_refused(family):
    store = GeneratorStore()
    for index in (-1, GENERATOR_BOUNDS[family]):
        with pytest.raises(ValueError, match="indices"):
            store.take(family, [index])


def test_unknown_families_are_refused():
    with pytest.raises(ValueError, match="family"):
        GeneratorStore().take("G", [0])


def test_few_generators_are_derived_alone_and_once(monkeypatch):
    asked = []
    monkeypatch.setattr(generators, "derive", lambda f, i: asked.append(list(i)) or derive(f, i))
    store = GeneratorStore()
    assert store.take("GB", [7, 3, 7, 200_000]) == derive("GB", [7, 3, 7, 200_000])
    assert store.take("GB", [3, 4]) == derive("GB", [3, 4])
    assert asked == [[3, 7], [200_000], [4]]


@pytest.fixture
def small(monkeypatch):
    """Blocks of 8 generators, so that tests of the cache take milliseconds; the digests are those of such blocks."""
    monkeypatch.setattr(generators, "BLOCK", 8)
    monkeypatch.setattr(generators, "WORTH_A_BLOCK", 4)
    monkeypatch.setitem(GENERATOR_BOUNDS, "GB", 20)
    blocks = [derive("GB", range(8 * n, min(8 * n + 8, 20))) for n in range(3)]
    data = [b"".join(map(codec.encode_point, block)) for block in blocks]
    digests = tuple(hashlib.sha256(block).hexdigest() for block in data)
    monkeypatch.setattr(generators, "BLOCK_DIGESTS", {"GB": digests})
    return [point for block in blocks for point in block]


def forbid_deriving(monkeypatch):
    def refuse(family, indices):
        raise AssertionError(f"derived {family}{list(indices)}")

    monkeypatch.setattr(generators, "derive", refuse)


def test_blocks_are_cached_and_read_back(small, tmp_path, monkeypatch):
    folder = tmp_path / "deep" / "cache"
    assert GeneratorStore(folder).take("GB", range(20)) == small
    assert sorted(path.name for path in folder.iterdir()) == [
        "v1-GB-000.points",
        "v1-GB-001.points",
        "v1-GB-002.points",
    ]
    forbid_deriving(monkeypatch)
    assert GeneratorStore(folder).take("GB", [19, 0, 8]) == [small[19], small[0], small[8]]


def test_a_store_in_memory_derives_a_block_once(small, monkeypatch):
    store = GeneratorStore()
    store.take("GB", range(20))
    forbid_deriving(monkeypatch)
    assert store.take("GB", range(20)) == small


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data + b"\x00",
        lambda data: b"",
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda data: data[64:] + data[:64],
    ],
)
def test_a_corrupted_block_is_derived_again_and_repaired(small, tmp_path, monkeypatch, spoil):
    GeneratorStore(tmp_path).take("GB", range(20))
    file = tmp_path / "v1-GB-001.points"
    good = file.read_bytes()
    file.write_bytes(spoil(good))
    assert GeneratorStore(tmp_path).take("GB", range(20)) == small
    assert file.read_bytes() == good


def test_a_block_of_another_place_is_not_believed(small, tmp_path):
    GeneratorStore(tmp_path).take("GB", range(20))
    (tmp_path / "v1-GB-000.points").replace(tmp_path / "v1-GB-001.points")
    assert GeneratorStore(tmp_path).take("GB", range(20)) == small


def test_a_folder_that_cannot_be_written_is_no_error(small, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert GeneratorStore(blocked / "cache").take("GB", range(20)) == small
    assert blocked.read_text() == "in the way"


def test_a_failed_rename_leaves_nothing_behind(small, tmp_path, monkeypatch):
    def full(source, target):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert GeneratorStore(tmp_path).take("GB", range(20)) == small
    assert list(tmp_path.iterdir()) == []


def test_a_derived_block_must_have_the_pinned_digest(small, monkeypatch):
    monkeypatch.setitem(generators.BLOCK_DIGESTS, "GB", ("00" * 32,) * 3)
    with pytest.raises(ArithmeticError, match="pinned"):
        GeneratorStore().take("GB", range(8))
