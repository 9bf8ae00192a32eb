"""Merkle-sum tree: every leaf is found, and nothing else is."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from tests.toy_groups import Zp
from zkmargin.commitment import Leaves, book_context, leaf_hash, uid_commitment
from zkmargin.errors import DecodeError, VerificationError
from zkmargin.group.reference import ReferenceBackend
from zkmargin.tree import MerkleSumTree, Node, check_inclusion, climb, depth_of, empty_hashes

BACKEND = ReferenceBackend(Zp(11))
CONTEXT = book_context("Example", "2026-01-01T00:00:00Z", "portfolio")
INFINITY = bytes(64)


def leaves(count: int) -> Leaves:
    uids = tuple(hashlib.sha256(bytes([i])).digest() for i in range(count))
    generators = [BACKEND.generators("GB", i, 1) for i in range(2 * count)]
    return Leaves(uids, BACKEND.concat(generators[:count]), BACKEND.concat(generators[count:]))


def include(tree: MerkleSumTree, items: Leaves, leaf: int, **changes: object) -> None:
    arguments: dict[str, object] = {
        "context": CONTEXT,
        "index": leaf,
        "count": len(items),
        "uid": items.uids[leaf],
        "a": items.a[leaf : leaf + 1],
        "b": items.b[leaf : leaf + 1],
        "path": tree.path(leaf),
        "root": tree.root,
    }
    check_inclusion(BACKEND, **{**arguments, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 9])
def test_every_leaf_is_included(count: int) -> None:
    items = leaves(count)
    tree = MerkleSumTree(BACKEND, CONTEXT, items)
    for index in range(count):
        include(tree, items, index)
    assert BACKEND.equal(tree.root_sums[0], BACKEND.total(items.a))
    assert BACKEND.equal(tree.root_sums[1], BACKEND.total(items.b))
    assert tree.root.a == BACKEND.encode(BACKEND.total(items.a))


@pytest.mark.parametrize(
    ("count", "depth"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (1 << 20, 20), ((1 << 20) + 1, 21)]
)
def test_depth(count: int, depth: int) -> None:
    assert depth_of(count) == depth


def test_node_hash_covers_hashes_and_sums_of_both_children() -> None:
    items = leaves(2)
    tree = MerkleSumTree(BACKEND, CONTEXT, items)
    a, b = (BACKEND.encode(points) for points in (items.a, items.b))
    hashes = [
        leaf_hash(CONTEXT, i, items.uids[i], a[64 * i : 64 * i + 64], b[64 * i : 64 * i + 64]) for i in (0, 1)
    ]
    children = b"".join(hashes[i] + a[64 * i : 64 * i + 64] + b[64 * i : 64 * i + 64] for i in (0, 1))
    assert tree.root.hash == hashlib.sha256(b"\x01" + children).digest()


def test_empty_positions_are_the_fixed_node() -> None:
    tree = MerkleSumTree(BACKEND, CONTEXT, leaves(5))
    assert tree.path(4)[0] == Node(hashlib.sha256(b"\x03").digest(), INFINITY, INFINITY)
    assert tree.path(4)[1].hash == empty_hashes(1)[1]


class TestRefused:
    count = 5

    def setup_method(self) -> None:
        self.items = leaves(self.count)
        self.tree = MerkleSumTree(BACKEND, CONTEXT, self.items)

    def refused(self, code: str, leaf: int = 1, **changes: object) -> None:
        with pytest.raises(VerificationError) as caught:
            include(self.tree, self.items, leaf, **changes)
        assert caught.value.code == code

    def test_another_index(self) -> None:
        self.refused("inclusion", index=0)

    def test_an_index_from_m_on(self) -> None:
        self.refused("index", index=self.count)
        self.refused("index", index=-1)

    def test_an_index_beyond_the_tree_that_climbs_alike(self) -> None:
        self.refused("index", index=1 + 8)

    def test_a_shorter_path(self) -> None:
        self.refused("path", path=self.tree.path(1)[:-1])

    def test_a_longer_path(self) -> None:
        self.refused("path", path=[*self.tree.path(1), self.tree.root])

    def test_a_node_shown_as_leaf(self) -> None:
        """An inner node cannot stand as a leaf: leaves and nodes are hashed under different first bytes."""
        inner = self.tree.levels[1]
        self.refused(
            "path", index=0, a=inner.a[0:1], b=inner.b[0:1], uid=inner.hashes[0], path=self.tree.path(0)[1:]
        )

    def test_the_owner_changed(self) -> None:
        self.refused("inclusion", uid=self.items.uids[2])

    def test_a_commitment_changed(self) -> None:
        self.refused("inclusion", a=BACKEND.add(self.items.a[1:2], BACKEND.generators("GN", 0, 1)))

    def test_value_moved_between_a_and_b(self) -> None:
        shift = BACKEND.generators("GE", 0, 1)
        self.refused(
            "inclusion",
            a=BACKEND.add(self.items.a[1:2], shift),
            b=BACKEND.add(self.items.b[1:2], BACKEND.negate(shift)),
        )

    @pytest.mark.parametrize("part", ["hash", "a", "b"])
    def test_a_sibling_changed(self, part: str) -> None:
        path = self.tree.path(1)
        other = self.tree.path(3)[0]
        path[0] = replace(path[0], **{part: getattr(other, part)})
        self.refused("inclusion", path=path)

    def test_another_root(self) -> None:
        self.refused("inclusion", root=MerkleSumTree(BACKEND, CONTEXT, leaves(6)).root)

    def test_a_sum_of_the_root_alone(self) -> None:
        self.refused("inclusion", root=replace(self.tree.root, a=INFINITY))

    def test_another_book(self) -> None:
        self.refused("inclusion", context=book_context("Example", "2026-01-01T00:00:00Z", "spot"))


def test_climb_of_one_leaf_is_its_hash() -> None:
    items = leaves(1)
    root = climb(BACKEND, CONTEXT, 0, items.uids[0], items.a, items.b, [])
    assert root == MerkleSumTree(BACKEND, CONTEXT, items).root


def test_leaf_list_round_trip_and_lengths() -> None:
    items = leaves(3)
    data = items.to_bytes(BACKEND)
    again = Leaves.from_bytes(BACKEND, data, 3)
    assert again.uids == items.uids and BACKEND.equal(again.a, items.a) and BACKEND.equal(again.b, items.b)
    for wrong, count in ((data[:-1], 3), (data + b"\0", 3), (data, 2), (data, 4)):
        with pytest.raises(DecodeError):
            Leaves.from_bytes(BACKEND, wrong, count)


def test_infinity_is_no_leaf() -> None:
    items = leaves(2)
    data = items.to_bytes(BACKEND)
    for start in (32, 96):
        with pytest.raises(DecodeError):
            Leaves.from_bytes(BACKEND, data[:start] + INFINITY + data[start + 64 :], 2)


@pytest.mark.parametrize("field", ["user", "account", "pot", "nonce", "salt"])
def test_identity_commitment_binds_every_field(field: str) -> None:
    values = {"user": "a@b", "account": "1", "pot": "cross", "nonce": b"n", "salt": b"s"}
    before = uid_commitment(CONTEXT, **values)  # type: ignore[arg-type]
    changed = values[field] + ("x" if isinstance(values[field], str) else b"x")  # type: ignore[operator]
    assert uid_commitment(CONTEXT, **{**values, field: changed}) != before  # type: ignore[arg-type]


def test_identity_fields_do_not_flow_into_each_other() -> None:
    one = uid_commitment(CONTEXT, "ab", "c", "cross", b"", b"s")
    assert uid_commitment(CONTEXT, "a", "bc", "cross", b"", b"s") != one


@pytest.mark.parametrize("place", range(3))
def test_context_binds_exchange_snapshot_and_book(place: int) -> None:
    names = ["Example", "2026", "book"]
    changed = [name + "x" * (i == place) for i, name in enumerate(names)]
    assert book_context(*names) != book_context(*changed)
