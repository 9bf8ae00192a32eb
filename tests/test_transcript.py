import hashlib
import re

import pytest
from toy_groups import Zp

from zkmargin.group.curve import R
from zkmargin.group.reference import ReferenceBackend
from zkmargin.transcript import Label, Protocol, Transcript

ABSORBED = [label for label in Label if not label.value.startswith("?")]
DRAWN = [label for label in Label if label.value.startswith("?")]

# The protocol, section 8, in order: this text and the labels are the same list.
PROTOCOL = """
    snap/exchange snap/id snap/time snap/suite snap/policy snap/market snap/previous snap/books
    book/id book/circuit book/risk book/leaves book/shape book/root book/totals
    snap/digest proof/book proof/shard ?bool/tau mask/commit mask/sum ?mask/omega round/poly ?round/rho
    eval/V eval/W prod/D1 prod/D2 ?prod/c prod/z ?row/gamma split/YA
    ?totals/delta
    surplus/reserves surplus/U open/D ?open/c open/z ?surplus/delta
    claim/leaf claim/forms claim/context claim/V
    lp/form lp/C lp/Y ?lp/xi lp/L lp/R ?lp/e lp/D ?lp/c lp/z
    range/dims range/V range/A range/S ?range/y ?range/z range/T1 range/T2 ?range/x range/t ?range/w
    range/L range/R ?range/e range/ab
"""


def transcript(order=R, protocol=Protocol.BOOK):
    return Transcript(protocol, order)


def after(*steps, protocol=Protocol.BOOK):
    made = transcript(protocol=protocol)
    for label, payload in steps:
        made.absorb(label, payload)
    return made.challenge(Label.LP_XI)


def test_the_labels_are_the_protocol():
    assert [label.value for label in Label] == PROTOCOL.split()
    assert [protocol.value for protocol in Protocol] == [
        f"zkm/v1/{name}" for name in ("snapshot", "book", "totals", "surplus", "claim")
    ]


def test_names_of_labels_follow_their_text():
    for label in Label:
        plain = re.sub(r"[?]", "", label.value).replace("/", "_").upper()
        assert label.name == plain or label is Label.LP_COMMITMENT


def test_definition_by_hand():
    def h(data):
        return hashlib.sha256(data).digest()

    def sized(data):
        return len(data).to_bytes(8, "big") + data

    made = transcript()
    state = h(b"\0" + sized(b"zkm/v1/book"))
    assert made.state == state
    made.absorb(Label.LP_L, b"payload")
    state = h(b"\1" + state + sized(b"lp/L") + sized(b"payload"))
    assert made.state == state
    wide = b"".join(h(b"\2" + state + sized(b"?lp/e") + j.to_bytes(8, "big")) for j in (0, 1))
    assert made.challenge(Label.LP_E) == int.from_bytes(wide, "big") % R
    assert made.state == h(b"\3" + state + sized(b"?lp/e"))


def test_frozen_run():
    made = transcript(protocol=Protocol.TOTALS)
    made.absorb(Label.SNAP_DIGEST, bytes(range(32)))
    made.absorb_text(Label.PROOF_BOOK, "portfolio")
    first = made.challenge(Label.TOTALS_DELTA)
    made.absorb_scalars(Label.LP_Z, [1, R - 1])
    made.absorb_integers(Label.RANGE_DIMS, [64, 1])
    assert f"{first:064x}" == "0d171e1a57b3f67084cbdc942ab2f67a494a20fe48779c33ea8dd0a7d9927698"
    assert (
        f"{made.challenge(Label.LP_C):064x}"
        == "11aa9f4fae327f96cd2afa778aa7788f8592e28f0421f3e9dbe7853e1281f8c3"
    )
    assert made.state.hex() == "ae028acb9b9fec93c1699f05b88bc31e3ed86679622cf7c276ff3f8941384629"


def test_every_step_depends_on_every_label():
    assert len({after((label, b"same")) for label in ABSORBED}) == len(ABSORBED)
    assert len({transcript().challenge(label) for label in DRAWN}) == len(DRAWN)
    states = set()
    for label in DRAWN:
        made = transcript()
        made.challenge(label)
        states.add(made.state)
    assert len(states) == len(DRAWN)
    assert len({after(protocol=protocol) for protocol in Protocol}) == len(Protocol)


def test_every_absorbed_byte_matters():
    payload = bytes(range(48))
    flipped = {
        after((Label.LP_COMMITMENT, payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1 :]))
        for at in range(48)
    }
    assert len(flipped | {after((Label.LP_COMMITMENT, payload))}) == 49


def test_steps_cannot_flow_into_each_other():
    a, b = Label.LP_L, Label.LP_R
    variants = [
        [],
        [(a, b"")],
        [(a, b"xy")],
        [(a, b"xy"), (a, b"")],
        [(a, b"x"), (a, b"y")],
        [(a, b""), (a, b"xy")],
        [(a, b"x"), (b, b"y")],
        [(b, b"y"), (a, b"x")],
        [(a, b"xy\0")],
        [(a, b"\0xy")],
        [(a, b"x" + (4).to_bytes(8, "big") + b"lp/R" + (1).to_bytes(8, "big") + b"y")],
    ]
    assert len({after(*steps) for steps in variants}) == len(variants)


def test_a_draw_moves_the_transcript_on():
    made = transcript()
    drawn = made.challenges(Label.ROUND_RHO, 5)
    assert len(set(drawn)) == 5
    again = transcript()
    assert [again.challenge(Label.ROUND_RHO) for _ in range(5)] == drawn
    assert made.state == again.state
    skipped = transcript()
    skipped.challenges(Label.ROUND_RHO, 4)
    assert skipped.state != made.state


def test_only_labels_of_the_list_and_only_for_their_use():
    made = transcript()
    before = made.state
    for wrong in ("lp/L", "unknown", None):
        with pytest.raises(ValueError):
            made.absorb(wrong, b"")
        with pytest.raises(ValueError):
            made.challenge(wrong)
    for label in DRAWN:
        with pytest.raises(ValueError):
            made.absorb(label, b"")
    for label in ABSORBED:
        with pytest.raises(ValueError):
            made.challenge(label)
    with pytest.raises(ValueError):
        Transcript("zkm/v1/book", R)
    assert made.state == before


@pytest.mark.parametrize("order", [5, 7, 11])
def test_small_fields_get_every_challenge_but_zero(order):
    drawn = transcript(order).challenges(Label.BOOL_TAU, 40 * order)
    assert set(drawn) == set(range(1, order))


def test_zero_is_redrawn():
    """Over a field of three elements a third of the draws is zero; each is skipped and the state moves on."""
    made, states = transcript(3), set()
    for _ in range(50):
        assert made.challenge(Label.LP_E) in (1, 2)
        states.add(made.state)
    assert len(states) == 50


def test_a_field_needs_a_challenge():
    with pytest.raises(ValueError):
        Transcript(Protocol.BOOK, 2)


def test_typed_helpers_absorb_their_encodings():
    backend = ReferenceBackend(Zp(11))
    points = backend.concat([backend.generators("GB", 0, 2), backend.identity(1)])
    cases = [
        (lambda t: t.absorb_points(Label.LP_Y, backend, points), backend.encode(points)),
        (lambda t: t.absorb_scalars(Label.LP_Y, [3, 10]), bytes(31) + b"\x03" + bytes(31) + b"\x0a"),
        (lambda t: t.absorb_integers(Label.LP_Y, [3, 2**64 - 1]), bytes(7) + b"\x03" + b"\xff" * 8),
        (lambda t: t.absorb_text(Label.LP_Y, "é"), b"\xc3\xa9"),
    ]
    for helper, payload in cases:
        typed, raw = transcript(11), transcript(11)
        helper(typed)
        raw.absorb(Label.LP_Y, payload)
        assert typed.state == raw.state


def test_typed_helpers_refuse_what_has_no_encoding():
    made = transcript(11)
    for wrong in (-1, 11):
        with pytest.raises(ValueError):
            made.absorb_scalars(Label.LP_Z, [1, wrong])
    for wrong in (-1, 2**64):
        with pytest.raises(OverflowError):
            made.absorb_integers(Label.RANGE_DIMS, [wrong])
    assert made.state == transcript(11).state
