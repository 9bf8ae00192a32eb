"""Messages that no honest prover sends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from liability_cases import (
    honest_rows,
)
from malicious.book_cheats import (
    Attempt,
    Cheat,
    Weakness,
    book_of,
    run,
    step_cheat,
    without,
)
from malicious.second_book_prover import LiabilitiesSteps
from proof_cases import gen

from zkmargin.group.backend import Backend
from zkmargin.proofs.liabilities_statement import LiabilitiesProof
from zkmargin.proofs.product_statement import ProductStatement


class NoMask(LiabilitiesSteps):
    """g = 0 without a blinding: the rounds lay the rows open."""

    def mask_nonces(self, count: int) -> list[int]:
        return [0] * count


class OpenD1(LiabilitiesSteps):
    """a1 = a2 = 0: z1 / c is v."""

    def product_nonces(self) -> list[int]:
        return [0, 0, 5]


def message_cheat(
    name: str, code: str, change: Callable[[Backend, LiabilitiesProof], LiabilitiesProof]
) -> Cheat:
    def build(backend: Backend, weak: Weakness) -> Attempt:
        book = book_of(honest_rows(), backend, weak)
        return book.statement, change(backend, run(backend, book, weak))

    return Cheat(name, code, build, None)


def in_rounds(proof: LiabilitiesProof, rounds: Any) -> LiabilitiesProof:
    return replace(proof, booleanity=replace(proof.booleanity, rounds=tuple(rounds)))


def more(value: int, backend: Backend) -> int:
    return value + backend.order


MESSAGE_CHEATS = [
    step_cheat(
        "no mask",
        "booleanity/infinity",
        NoMask,
        without("booleanity/infinity", "mask/equation", "row/B/equation"),
    ),
    step_cheat("D1 infinity", "product/infinity", OpenD1, without("product/infinity", "mask/equation")),
    message_cheat(
        "V and W infinity",
        "product/infinity",
        lambda g, p: replace(p, evaluation=ProductStatement(g.identity(1), g.identity(1))),
    ),
    message_cheat("a round less", "booleanity/shape", lambda _, p: in_rounds(p, p.booleanity.rounds[:-1])),
    message_cheat(
        "a round more", "booleanity/shape", lambda _, p: in_rounds(p, [*p.booleanity.rounds, (0, 0, 0)])
    ),
    message_cheat("no rounds", "booleanity/shape", lambda _, p: in_rounds(p, [])),
    message_cheat(
        "a fourth value in a round",
        "booleanity/shape",
        lambda _, p: in_rounds(p, [(0, 0, 0, 0), *p.booleanity.rounds[1:]]),
    ),
    message_cheat(
        "two mask commitments",
        "booleanity/shape",
        lambda g, p: replace(p, booleanity=replace(p.booleanity, mask_commitment=gen(g, "GM", 2))),
    ),
    message_cheat(
        "S_g + r",
        "booleanity/scalar",
        lambda g, p: replace(p, booleanity=replace(p.booleanity, mask_sum=more(p.booleanity.mask_sum, g))),
    ),
    message_cheat(
        "S_g - r",
        "booleanity/scalar",
        lambda g, p: replace(p, booleanity=replace(p.booleanity, mask_sum=p.booleanity.mask_sum - g.order)),
    ),
    message_cheat(
        "a round's value + r",
        "booleanity/scalar",
        lambda g, p: in_rounds(
            p, [(more(p.booleanity.rounds[0][0], g), *p.booleanity.rounds[0][1:]), *p.booleanity.rounds[1:]]
        ),
    ),
    message_cheat(
        "z1 + r",
        "product/scalar",
        lambda g, p: replace(
            p,
            product=replace(p.product, responses=(more(p.product.responses[0], g), *p.product.responses[1:])),
        ),
    ),
    message_cheat(
        "two responses of the product",
        "product/shape",
        lambda _, p: replace(p, product=replace(p.product, responses=p.product.responses[:2])),
    ),
    message_cheat(
        "no W",
        "product/shape",
        lambda g, p: replace(p, evaluation=ProductStatement(p.evaluation.v, g.identity(0))),
    ),
    message_cheat(
        "no proof of the mask", "mask/shape", lambda _, p: replace(p, mask=replace(p.mask, responses=()))
    ),
    message_cheat(
        "mask proven with a round",
        "mask/shape",
        lambda _, p: replace(p, mask=replace(p.mask, left=p.mask.mask, right=p.mask.mask)),
    ),
    message_cheat(
        "a mask response + r",
        "mask/scalar",
        lambda g, p: replace(p, mask=replace(p.mask, blinding_response=more(p.mask.blinding_response, g))),
    ),
    message_cheat(
        "Y_A infinity", "row/infinity", lambda g, p: replace(p, row=replace(p.row, target_a=g.identity(1)))
    ),
    message_cheat("no Y_A", "row/shape", lambda g, p: replace(p, row=replace(p.row, target_a=g.identity(0)))),
    message_cheat(
        "a round less over the bits",
        "row/B/shape",
        lambda _, p: replace(
            p, row=replace(p.row, b=replace(p.row.b, left=p.row.b.left[1:], right=p.row.b.right[1:]))
        ),
    ),
    message_cheat(
        "the rows' proofs change places",
        "row/A/shape",
        lambda _, p: replace(p, row=replace(p.row, a=p.row.b, b=p.row.a)),
    ),
]
