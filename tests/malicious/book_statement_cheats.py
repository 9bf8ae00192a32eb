"""Components where none belong; another list, shard, book or snapshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from liability_cases import (
    commit_shelf,
    honest_rows,
    shelf_circuit,
)
from malicious.book_cheats import (
    Attempt,
    Cheat,
    Weakness,
    book_of,
    run,
    without,
)
from malicious.joint_rows import joint_statement
from malicious.second_book_prover import LiabilitiesSteps
from malicious.second_prover import LinearSteps

from zkmargin.group.backend import Backend, Points
from zkmargin.group.multilinear import eq_table
from zkmargin.proofs.liabilities_statement import LiabilitiesStatement
from zkmargin.proofs.linear_prover import LinearWitness
from zkmargin.proofs.split_statement import SplitProof
from zkmargin.transcript import Label, Protocol

# --- components where none belong


def moved_equity(backend: Backend, weak: Weakness) -> Attempt:
    """E is 1000 higher in A_2, and B_2 holds -1000 GE: in the sum nothing is wrong."""
    book = book_of(honest_rows(), backend, weak, extra_a=[(2, "GE", 0, 1000)], extra_b=[(2, "GE", 0, -1000)])
    return book.statement, run(backend, book, weak, JointSteps if weak.joint else LiabilitiesSteps)


def foreign(name: str, code: str, side: str, family: str, index: int = 0) -> Cheat:
    def build(backend: Backend, weak: Weakness) -> Attempt:
        book = book_of(honest_rows(), backend, weak, **{f"extra_{side}": [(1, family, index, 7)]})
        return book.statement, run(backend, book, weak)

    return Cheat(name, code, build, without(code))


class JointSteps(LiabilitiesSteps):
    """The protocol without the split: one linear proof over all generators for A* + B*."""

    def prove_rows(self) -> SplitProof:
        weights = eq_table(self.cube.parts(self.rho)[2], self.order, self.cube.rows)
        statement = joint_statement(
            self.backend, self.transcript, self.statement, self.claim, self.evaluation.v
        )
        w = self.row_witness(weights)
        witness = LinearWitness([*w.outputs, *w.bits], w.blinding_a + w.blinding_b, [w.target_blinding])
        joint = LinearSteps(self.backend, self.transcript, statement, witness, self.nonces).prove()
        return SplitProof(self.evaluation.v, joint, joint)


COMPONENT_CHEATS = [
    Cheat(
        "E inflated in A_i, compensated on GE inside B_i",
        "row/A/equation",
        moved_equity,
        Weakness(joint=True),
    ),
    foreign("A_i holds a bit", "row/A/equation", "a", "GB"),
    foreign("A_i holds a component on F", "row/A/equation", "a", "F"),
    foreign("A_i holds a component on GM", "row/A/equation", "a", "GM"),
    foreign("B_i holds a component on F", "row/B/equation", "b", "F"),
    foreign("B_i holds a component on GN", "row/B/equation", "b", "GN"),
    foreign("B_i holds a bit beyond the circuit's", "row/B/equation", "b", "GB", 91),
    foreign("B_i holds a component on GM", "row/B/equation", "b", "GM"),
]


# --- another list, shard, book, snapshot


def replayed(
    name: str, label: Label, change: Callable[[LiabilitiesStatement], LiabilitiesStatement]
) -> Cheat:
    """An honest proof under another statement."""

    def build(backend: Backend, weak: Weakness) -> Attempt:
        book = book_of(honest_rows(), backend, weak)
        return change(book.statement), run(backend, book, weak)

    return Cheat(name, "product/V", build, Weakness(deaf=(label,)))


def late_leaves(backend: Backend, weak: Weakness) -> Attempt:
    """When rho is known, three accounts get other "bits" that eq(rho_i, i) weighs to nothing: coins fall by 7."""
    book = book_of(honest_rows(), backend, weak)
    prover = LiabilitiesSteps(backend, book, weak.transcript(Protocol.BOOK, backend.order))
    proof = prover.prove()
    e0, e1, e2, *_ = eq_table(prover.cube.parts(prover.rho)[2], backend.order)
    x0 = (8 * e1 - e2) * pow(e0 - e1, -1, backend.order) % backend.order
    bits = [list(row) for row in book.bits]
    place = shelf_circuit().offsets[2]
    for row, by in enumerate((x0, -8 - x0, 1)):
        bits[row][place] = (bits[row][place] + by) % backend.order
    late = commit_shelf(backend, book.statement.circuit, book.outputs, bits)
    assert not backend.equal(late.statement.b, book.statement.b)
    return late.statement, proof


def relisted(
    name: str,
    code: str,
    change: Callable[[Backend, LiabilitiesStatement], LiabilitiesStatement],
    weakness: Weakness | None = None,
) -> Cheat:
    def build(backend: Backend, weak: Weakness) -> Attempt:
        book = book_of(honest_rows(), backend, weak)
        return change(backend, book.statement), run(backend, book, weak)

    return Cheat(name, code, build, weakness)


def with_points(
    statement: LiabilitiesStatement, a: Points, b: Points, count: int | None = None
) -> LiabilitiesStatement:
    shard = replace(statement.shard, count=statement.shard.count if count is None else count)
    return replace(statement, a=a, b=b, shard=shard)


def swapped(backend: Backend, statement: LiabilitiesStatement) -> LiabilitiesStatement:
    order = [1, 0, 2, 3, 4]
    return with_points(statement, backend.gather(statement.a, order), backend.gather(statement.b, order))


def bare_row(backend: Backend, weak: Weakness) -> Attempt:
    """A padding row without blindings: everybody sees that it is empty."""
    book = book_of(honest_rows(), backend, weak)
    a = backend.concat([book.statement.a[:4], backend.identity(1)])
    b = backend.concat([book.statement.b[:4], backend.identity(1)])
    bare = replace(
        book,
        statement=replace(book.statement, a=a, b=b),
        blindings_a=[*book.blindings_a[:4], 0],
        blindings_b=[*book.blindings_b[:4], 0],
    )
    return bare.statement, run(backend, bare, weak)


STATEMENT_CHEATS = [
    replayed("proof of another snapshot", Label.SNAP_DIGEST, lambda s: replace(s, snapshot_digest=bytes(32))),
    replayed("proof of another book", Label.PROOF_BOOK, lambda s: replace(s, book="other")),
    replayed(
        "proof of another shard",
        Label.PROOF_SHARD,
        lambda s: replace(s, shard=replace(s.shard, index=1, first=8)),
    ),
    replayed(
        "proof of a list with other owners",
        Label.PROOF_SHARD,
        lambda s: replace(s, shard=replace(s.shard, root=replace(s.shard.root, hash=bytes(32)))),
    ),
    Cheat(
        "leaves fixed after the challenges: 7 coins vanish",
        "product/V",
        late_leaves,
        Weakness(deaf=(Label.PROOF_SHARD,)),
    ),
    relisted(
        "an account left out of the list", "liabilities/count", lambda _, s: with_points(s, s.a[:4], s.b[:4])
    ),
    relisted(
        "an account that was not proven",
        "liabilities/count",
        lambda g, s: with_points(s, g.concat([s.a, s.a[:1]]), g.concat([s.b, s.b[:1]])),
    ),
    relisted(
        "an account counted twice in A only",
        "liabilities/count",
        lambda g, s: with_points(s, g.concat([s.a, s.a[:1]]), s.b),
    ),
    relisted("an empty list", "liabilities/count", lambda _, s: with_points(s, s.a[:0], s.b[:0], 0)),
    relisted(
        "two accounts change places", "row/A/equation", swapped, without("row/A/equation", "row/B/equation")
    ),
    Cheat("a commitment that is infinity", "liabilities/infinity", bare_row, without("liabilities/infinity")),
]
