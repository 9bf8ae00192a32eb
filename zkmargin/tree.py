"""Merkle-sum tree over the leaves of a book (docs/protocol.md, section 3).

    node = (hash, sum A, sum B),   hash = SHA-256(0x01 || h_L || A_L || B_L || h_R || A_R || B_R)

Both children's hashes and both children's sums are hashed. The sums are commitments, so a path reveals nothing.
Positions from M to 2^depth - 1 hold the fixed empty node (SHA-256(0x03), infinity, infinity); depth = ceil(log2 M).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zkmargin.commitment import Leaves, leaf_hash
from zkmargin.errors import VerificationError
from zkmargin.group.backend import Backend, Points
from zkmargin.hashing import byte_rows, row_digests

_NODE, _EMPTY = b"\x01", b"\x03"
_INFINITY = bytes(64)


@dataclass(frozen=True)
class Node:
    """A node: its hash (32 bytes) and the 64-byte encodings of both sums."""

    hash: bytes
    a: bytes
    b: bytes

    def to_bytes(self) -> bytes:
        """Encode as it is hashed: hash, sum A, sum B; 160 bytes."""
        return self.hash + self.a + self.b


@dataclass(frozen=True)
class Level:
    """The nodes of one level that are not wholly empty, left to right."""

    hashes: tuple[bytes, ...]
    a: Points
    b: Points


def depth_of(count: int) -> int:
    """Return ceil(log2 count), the depth of a tree of `count` leaves."""
    return (count - 1).bit_length()


def empty_hashes(depth: int) -> list[bytes]:
    """Return the hash of the wholly empty subtree of each height 0..depth."""
    hashes = [hashlib.sha256(_EMPTY).digest()]
    for _ in range(depth):
        child = Node(hashes[-1], _INFINITY, _INFINITY).to_bytes()
        hashes.append(hashlib.sha256(_NODE + child + child).digest())
    return hashes


class MerkleSumTree:
    """The tree of a book's leaves, all levels kept: `levels[0]` are the leaves, the last one is the root."""

    def __init__(self, backend: Backend, context: bytes, leaves: Leaves) -> None:
        self._backend = backend
        self.count = len(leaves)
        self.depth = depth_of(self.count)
        self._empty = empty_hashes(self.depth)
        self.levels = [Level(tuple(leaves.hashes(backend, context)), leaves.a, leaves.b)]
        for height in range(self.depth):
            self.levels.append(self._parents(self.levels[-1], height))

    def _parents(self, level: Level, height: int) -> Level:
        hashes, a, b = level.hashes, level.a, level.b
        if len(hashes) % 2:
            blank = self._backend.identity(1)
            hashes = (*hashes, self._empty[height])
            a, b = self._backend.concat([a, blank]), self._backend.concat([b, blank])
        columns = (b"".join(hashes), self._backend.encode(a), self._backend.encode(b))
        nodes = np.concatenate([byte_rows(data, len(data) // len(hashes)) for data in columns], axis=1)
        digests = row_digests(_NODE, nodes.reshape(len(hashes) // 2, -1))
        parents = tuple(digest.tobytes() for digest in digests)
        return Level(parents, self._backend.pair_sums(a), self._backend.pair_sums(b))

    @property
    def root(self) -> Node:
        """Return the root."""
        return self._node(self.depth, 0)

    @property
    def root_sums(self) -> tuple[Points, Points]:
        """Return sum A and sum B over all leaves, one point each."""
        return self.levels[-1].a, self.levels[-1].b

    def path(self, index: int) -> list[Node]:
        """Return the siblings from the leaf to below the root."""
        return [self._node(height, (index >> height) ^ 1) for height in range(self.depth)]

    def nodes(self, height: int) -> list[Node]:
        """Return the nodes of one level that are not wholly empty: the roots of subtrees of 2^height leaves."""
        return [self._node(height, position) for position in range(len(self.levels[height].hashes))]

    def _node(self, height: int, position: int) -> Node:
        level = self.levels[height]
        if position >= len(level.hashes):
            return Node(self._empty[height], _INFINITY, _INFINITY)
        here = slice(position, position + 1)
        return Node(
            level.hashes[position], self._backend.encode(level.a[here]), self._backend.encode(level.b[here])
        )


def climb(
    backend: Backend, context: bytes, index: int, uid: bytes, a: Points, b: Points, path: Sequence[Node]
) -> Node:
    """Return the root that a leaf and its siblings lead to; directions come from the index alone."""
    node_hash = leaf_hash(context, index, uid, backend.encode(a), backend.encode(b))
    for height, sibling in enumerate(path):
        mine = Node(node_hash, backend.encode(a), backend.encode(b)).to_bytes()
        other = sibling.to_bytes()
        left, right = (other, mine) if index >> height & 1 else (mine, other)
        node_hash = hashlib.sha256(_NODE + left + right).digest()
        a = backend.add(a, backend.decode(sibling.a, infinity=True))
        b = backend.add(b, backend.decode(sibling.b, infinity=True))
    return Node(node_hash, backend.encode(a), backend.encode(b))


def check_inclusion(
    backend: Backend,
    context: bytes,
    index: int,
    count: int,
    uid: bytes,
    a: Points,
    b: Points,
    path: Sequence[Node],
    root: Node,
) -> None:
    """Raise VerificationError unless the leaf is the one at `index` of `count` under `root`.

    `count` and `root` come from the signed header, never from the bundle.
    """
    if not 0 <= index < count:
        raise VerificationError(
            "index", "the leaf's index is outside the book", expected=f"0..{count - 1}", actual=index
        )
    if len(path) != depth_of(count):
        raise VerificationError(
            "path", "the path has a wrong length", expected=depth_of(count), actual=len(path)
        )
    if climb(backend, context, index, uid, a, b, path) != root:
        raise VerificationError("inclusion", "leaf and path do not lead to the root of the attestation")
