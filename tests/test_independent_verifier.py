"""The independent verifier says what the main one says, on honest output and on every mutation of it."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from two_book_snapshot import CIRCUITS, PLAIN, Published, main_verifier, publish

from zkmargin import independent_verifier
from zkmargin.errors import VerificationError
from zkmargin.group.bn254 import Bn254
from zkmargin.group.reference import ReferenceBackend
from zkmargin.independent_verifier import RefusedError
from zkmargin.tree import Node

BN = ReferenceBackend(Bn254())
HONEST = publish()
Mutation = tuple[str, Callable[[], Published]]


def verdicts(published: Published) -> tuple[bool, bool]:
    """Main, independent; only their own errors count as a refusal."""
    try:
        main_verifier(published)
        main = True
    except VerificationError:
        main = False
    try:
        independent_verifier.verify(*published.parts())
        other = True
    except RefusedError:
        other = False
    return main, other


def test_both_accept_and_find_the_same_digest() -> None:
    assert main_verifier(HONEST) == independent_verifier.verify(*HONEST.parts())


def test_it_shares_no_code() -> None:
    source = Path(independent_verifier.__file__).read_text()
    modules = {
        name
        for node in ast.walk(ast.parse(source))
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert {name.partition(".")[0] for name in modules} == {
        "__future__", "hashlib", "collections", "functools", "typing", "py_ecc",
    }  # fmt: skip


def test_its_generators_are_those_of_the_code() -> None:
    for family in ("H", "F", "GN", "GE", "GR", "GI", "GB", "GM"):
        for index in {"GB": (0, 1, 300), "GM": (0, 1, 200)}.get(family, (0,)):
            mine = independent_verifier.encode(independent_verifier.generator(family, index))
            assert mine == BN.encode(BN.generators(family, index, 1))


# --- header


def header_with(change: Callable[[Any], None]) -> Published:
    header = copy.deepcopy(HONEST.header)
    change(header)
    return replace(HONEST, header=header)


def leaves_of(value: Any, route: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the texts of a JSON value stand."""
    if isinstance(value, str):
        yield route
    else:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves_of(item, (*route, key))


def put(value: Any, route: tuple[Any, ...], new: Callable[[str], Any]) -> None:
    for key in route[:-1]:
        value = value[key]
    value[route[-1]] = new(value[route[-1]])


def neighbour(value: str) -> str:
    """Another value of the same kind: the last character changed."""
    if not value:
        return "00" * 32
    return value[:-1] + ("1" if value[-1] == "0" else "0")


def header_mutations() -> list[Mutation]:
    out: list[Mutation] = []
    for route in leaves_of(HONEST.header):
        path = "/".join(map(str, route))
        for name, new in (("changed", neighbour), ("empty", lambda _: "1x"), ("a list", lambda _: [])):
            out.append((f"{path} {name}", lambda r=route, n=new: header_with(lambda h: put(h, r, n))))
    return out


def drop(header: Any, *route: Any) -> None:
    for key in route[:-1]:
        header = header[key]
    del header[route[-1]]


OWED = ("books", 0, "totals", 3, 1)
OTHER_HEADERS: list[Mutation] = [
    ("a key less", lambda: header_with(lambda h: drop(h, "time" if "time" in h else "policy"))),
    ("a key more", lambda: header_with(lambda h: h.update(extra="1"))),
    ("books change places", lambda: header_with(lambda h: h["books"].reverse())),
    ("a book twice", lambda: header_with(lambda h: h["books"].append(h["books"][1]))),
    ("a book less", lambda: header_with(lambda h: drop(h, "books", 1))),
    ("no books", lambda: header_with(lambda h: h["books"].clear())),
    ("a total less", lambda: header_with(lambda h: drop(h, "books", 0, "totals", 5))),
    ("totals change places", lambda: header_with(lambda h: h["books"][0]["totals"].reverse())),
    ("a total + r", lambda: header_with(lambda h: put(h, OWED, lambda v: str(int(v) + BN.order)))),
    ("a total with a zero before", lambda: header_with(lambda h: put(h, OWED, lambda v: "0" + v))),
    ("a total of -0", lambda: header_with(lambda h: put(h, OWED, lambda _: "-0"))),
    ("upper-case hex", lambda: header_with(lambda h: put(h, ("policy",), lambda _: "AB" * 32))),
    ("a leaf less", lambda: header_with(lambda h: put(h, ("books", 0, "leaves"), lambda _: "10"))),
    ("shards of 8", lambda: header_with(lambda h: put(h, ("books", 0, "shard_log2"), lambda _: "3"))),
    ("shards beyond the book", lambda: header_with(lambda h: put(h, ("books", 0, "shard_log2"), lambda _: "5"))),
]  # fmt: skip


# --- lists


def with_list(change: Callable[[bytes], bytes], book: str = "portfolio") -> Published:
    return replace(HONEST, leaves={**HONEST.leaves, book: change(HONEST.leaves[book])})


def flipped(data: bytes, at: int, mask: int = 1) -> bytes:
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


def rerooted(change: Callable[[bytes], bytes]) -> Published:
    """Another list, and the header agrees with it."""
    changed = with_list(change)
    header = copy.deepcopy(HONEST.header)
    count = len(changed.leaves["portfolio"]) // 160
    uids, a, b = independent_verifier.read_leaves(changed.leaves["portfolio"], count)
    top = independent_verifier.tree(independent_verifier.context(header, "portfolio"), uids, a, b)[-1][0]
    encode = independent_verifier.encode
    node = Node(top.hash, encode(top.a), encode(top.b))
    header["books"][0]["root"] = {"hash": node.hash.hex(), "A": node.a.hex(), "B": node.b.hex()}
    header["books"][0]["leaves"] = str(count)
    return replace(changed, header=header)


def leaf(data: bytes, i: int) -> bytes:
    return data[160 * i : 160 * i + 160]


def negated(y: bytes) -> bytes:
    return (independent_verifier.q - int.from_bytes(y, "big")).to_bytes(32, "big")


LIST_CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "an owner changed": lambda d: flipped(d, 3),
    "two leaves change places": lambda d: leaf(d, 1) + leaf(d, 0) + d[320:],
    "a leaf for another": lambda d: leaf(d, 1) + d[160:],
    "A negated": lambda d: d[:64] + negated(d[64:96]) + d[96:],
    "A and B change places": lambda d: d[:32] + d[96:160] + d[32:96] + d[160:],
    "a leaf less": lambda d: d[:-160],
    "a leaf more": lambda d: d + leaf(d, 0),
}  # fmt: skip
LIST_MUTATIONS: list[Mutation] = [
    *((name, lambda c=change: with_list(c)) for name, change in LIST_CHANGES.items()),
    *((f"{name}, with its root", lambda c=change: rerooted(c)) for name, change in LIST_CHANGES.items()),
    ("A off the curve", lambda: with_list(lambda d: flipped(d, 95))),
    ("B infinity", lambda: with_list(lambda d: d[:96] + bytes(64) + d[160:])),
    ("x + q", lambda: with_list(lambda d: d[:32] + b"\xff" * 32 + d[64:])),
    ("a byte less", lambda: with_list(lambda d: d[:-1])),
    ("an empty list", lambda: with_list(lambda _: b"")),
    ("the other book's list", lambda: replace(HONEST, leaves=dict.fromkeys(CIRCUITS, HONEST.leaves["spot"]))),
]  # fmt: skip


# --- proofs


def with_totals(change: Callable[[bytes], bytes], book: str = "portfolio") -> Published:
    return replace(HONEST, totals={**HONEST.totals, book: change(HONEST.totals[book])})


def with_shards(change: Callable[[list[bytes]], list[bytes]], book: str = "portfolio") -> Published:
    return replace(HONEST, liabilities={**HONEST.liabilities, book: change(list(HONEST.liabilities[book]))})


def other_elements(data: bytes, at: int) -> Iterator[bytes]:
    """A proof with the element at a place replaced: 0, infinity, the negative, its neighbour, + r, one bit."""
    element, number = data[at : at + 32], int.from_bytes(data[at : at + 32], "big")
    order = BN.order
    for new in (
        bytes(32),
        (1 << 254).to_bytes(32, "big"),
        ((order - number) % order).to_bytes(32, "big"),
        (number ^ 1 << 254).to_bytes(32, "big"),
        (data + data)[at + 32 : at + 64],
        (number ^ 1).to_bytes(32, "big"),
        *([(number + order).to_bytes(32, "big")] if number + order < 1 << 256 else []),
    ):
        if new != element:
            yield data[:at] + new + data[at + 32 :]


SHARDS: list[Mutation] = [
    ("a shard less", lambda: with_shards(lambda s: s[:-1])),
    ("a shard more", lambda: with_shards(lambda s: [*s, s[-1]])),
    ("no shards", lambda: with_shards(lambda _: [])),
    ("shards change places", lambda: with_shards(lambda s: [s[1], s[0], s[2]])),
    ("a shard for another", lambda: with_shards(lambda s: [s[0], s[0], s[2]])),
    ("the other book's shard", lambda: with_shards(lambda s: [HONEST.liabilities["spot"][0], *s[1:]])),
    ("a shard's proof a byte short", lambda: with_shards(lambda s: [s[0], s[1], s[2][:-1]])),
    ("a shard's proof an element long", lambda: with_shards(lambda s: [s[0], s[1], s[2] + bytes(32)])),
    ("an empty proof", lambda: with_shards(lambda s: [b"", *s[1:]])),
    ("totals a byte short", lambda: with_totals(lambda d: d[:-1])),
    ("totals a byte long", lambda: with_totals(lambda d: d + b"\0")),
    ("the other book's totals", lambda: with_totals(lambda _: HONEST.totals["spot"])),
]


def element_mutations() -> list[Mutation]:
    totals, shard = HONEST.totals["portfolio"], HONEST.liabilities["portfolio"][0]
    return [
        (f"totals, element {at // 32}, change {n}", lambda d=data: with_totals(lambda _: d))
        for at in range(0, len(totals), 32)
        for n, data in enumerate(other_elements(totals, at))
    ] + [
        (f"shard 0, element {at // 32}, change {n}", lambda d=data: with_shards(lambda s: [d, *s[1:]]))
        for at in range(0, len(shard), 32)
        for n, data in enumerate(other_elements(shard, at))
    ]


CHEAP = [*OTHER_HEADERS, *LIST_MUTATIONS, *SHARDS]
MANY = [*header_mutations(), *element_mutations()]
SAMPLE, MORE = MANY[::37], MANY[1::11]


def named(mutations: list[Mutation]) -> Any:
    return pytest.mark.parametrize("mutation", mutations, ids=lambda mutation: mutation[0])


@named([*CHEAP, *SAMPLE])
def test_both_refuse(mutation: Mutation) -> None:
    assert verdicts(mutation[1]()) == (False, False)


@pytest.mark.slow
@named(MORE)
def test_both_refuse_more(mutation: Mutation) -> None:
    assert verdicts(mutation[1]()) == (False, False)


@pytest.mark.fuzz
@named(MANY)
def test_both_refuse_all(mutation: Mutation) -> None:
    assert verdicts(mutation[1]()) == (False, False)


JSON = st.recursive(
    st.one_of(st.text(max_size=3), st.booleans(), st.integers(-9, 9).map(str)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=4,
)
ROUTES = [route[:depth] for route in leaves_of(HONEST.header) for depth in range(1, len(route) + 1)]


@settings(max_examples=60)
@given(st.sampled_from(ROUTES), JSON)
def test_anything_in_one_place_of_the_header(route: tuple[Any, ...], new: Any) -> None:
    changed = header_with(lambda header: put(header, route, lambda _: new))
    if changed.header != HONEST.header:
        assert verdicts(changed) == (False, False)


@settings(max_examples=20)
@given(st.data())
def test_any_bytes_as_proofs(data: st.DataObject) -> None:
    sizes = [len(HONEST.totals["portfolio"]), len(HONEST.liabilities["portfolio"][0])]
    totals, shard = (
        data.draw(st.one_of(st.binary(max_size=99), st.binary(min_size=size, max_size=size)))
        for size in sizes
    )
    assert verdicts(with_totals(lambda _: totals)) == (False, False)
    assert verdicts(with_shards(lambda s: [shard, *s[1:]])) == (False, False)


def test_another_circuit_is_refused_though_its_digest_is_the_headers() -> None:
    """What the caller must not get wrong: the equations are taken from the caller."""
    wrong = {**PLAIN, "portfolio": PLAIN["spot"]._replace(digest=PLAIN["portfolio"].digest)}
    with pytest.raises(RefusedError):
        independent_verifier.verify(HONEST.header, wrong, *HONEST.parts()[2:])
    with pytest.raises(RefusedError, match="circuit"):
        independent_verifier.verify(HONEST.header, {"portfolio": PLAIN["portfolio"]}, *HONEST.parts()[2:])
