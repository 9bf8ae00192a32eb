"""Cheats against one customer: each is refused by the check named beside it, and accepted once that check is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from malicious.dishonest import REFUSED, Lies, cheat, failed, fill_with, removed

from tests.attestation import margined
from tests.attestation.exchange import ALICE, BACKEND, BOB, Exchange, inputs, open_exchange
from zkmargin import bundle_verifier
from zkmargin.attestation.build import Snapshot
from zkmargin.attestation.report import Outcome
from zkmargin.bundle import Bundle, BundleLeaf
from zkmargin.bundle_verifier import BundleResult, Identity, Records, open_leaf
from zkmargin.circuits.fill import Program
from zkmargin.circuits.steps import DeficitStep, MaximumStep
from zkmargin.circuits.witness import Witness
from zkmargin.inputs.ledger import Ledger, User
from zkmargin.sparse import SparseValues, sparse

Patch = pytest.MonkeyPatch
LONDON = Identity("alice@example.org")


def nothing(name: str) -> Callable[[Patch], None]:
    return lambda patch: patch.setattr(bundle_verifier, name, lambda *_: None)


no_inclusion = nothing("check_inclusion")


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Exchange:
    return open_exchange(tmp_path_factory.mktemp("exchange"))


@pytest.fixture(scope="module")
def margin_inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, Ledger]:
    return margined.inputs(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def margin_exchange(
    tmp_path_factory: pytest.TempPathFactory, margin_inputs: tuple[Snapshot, Ledger]
) -> Exchange:
    with pytest.MonkeyPatch.context() as patch:
        return cheat(patch, tmp_path_factory.mktemp("margined"), Lies(), margin_inputs)


def shown(
    exchange: Exchange, bundle: Bundle, identity: Identity, records: Records | None = None
) -> BundleResult:
    """What the customer sees of a bundle that the exchange signed."""
    return exchange.verify(exchange.signed(bundle), identity, records=records)


def caught(
    patch: Patch,
    exchange: Exchange,
    bundle: Bundle,
    identity: Identity,
    layers: dict[str, Callable[[Patch], None]],
) -> None:
    """Refused by the first check; without it by the next one; without all of them accepted."""
    removals: list[Callable[[Patch], None]] = []
    for check, removal in layers.items():
        with removed(patch, *removals):
            report = shown(exchange, bundle, identity).report
            assert report.outcome is Outcome.FAILED
            assert check in failed(report), failed(report)
        removals.append(removal)
    with removed(patch, *removals):
        report = shown(exchange, bundle, identity).report
        assert report.outcome is Outcome.PASSED, [c for c in report.checks if c.outcome in REFUSED]


def without_account(ledger: Ledger, account: str) -> Ledger:
    """The same ledger without one customer."""
    pots = ledger.pots["spot"]
    keep = [row for row, (name, _) in enumerate(pots.labels) if name != account]
    new = {row: i for i, row in enumerate(keep)}
    values = {}
    for key, column in pots.values.items():
        rows = [
            (new[row], v)
            for row, v in zip(column.rows.tolist(), column.values.tolist(), strict=True)
            if row in new
        ]
        values[key] = sparse([row for row, _ in rows], [value for _, value in rows])
    left = replace(
        pots,
        labels=tuple(pots.labels[row] for row in keep),
        users=tuple(pots.users[row] for row in keep),
        values=values,
    )
    return Ledger({"spot": left}, b"left out".ljust(32))


# --- a customer left out


@pytest.fixture(scope="module")
def without_bob(tmp_path_factory: pytest.TempPathFactory) -> Exchange:
    folder = tmp_path_factory.mktemp("without")
    snapshot, ledger = inputs(folder, time="2026-01-02T00:00:00Z")
    with pytest.MonkeyPatch.context() as patch:
        return cheat(patch, folder, Lies(), (snapshot, without_account(ledger, "2")))


def test_left_out_and_given_the_bundle_of_an_earlier_snapshot(
    exchange: Exchange, without_bob: Exchange, monkeypatch: Patch
) -> None:
    assert not failed(without_bob.audit().report)  # nobody but the customer can notice
    layers = {"bundle snapshot": nothing("_check_snapshot"), "leaf spot/cross": no_inclusion}
    caught(monkeypatch, without_bob, exchange.bundle("2"), BOB, layers)


def test_left_out_and_given_anothers_leaf(without_bob: Exchange, monkeypatch: Patch) -> None:
    """Alice's leaf, relabelled with Bob's name: his identity is not in it."""
    alice = without_bob.bundle("1")
    relabelled = replace(alice, account="2", user=User(BOB.user or "", BOB.nonce or b""))
    caught(monkeypatch, without_bob, relabelled, BOB, {"leaf spot/cross": no_inclusion})


def test_left_out_and_given_an_invented_leaf(
    without_bob: Exchange, exchange: Exchange, monkeypatch: Patch
) -> None:
    """Bob's true numbers at the place of a padding leaf, on its path."""
    invented = replace(exchange.bundle("2"), snapshot=without_bob.attested.digest)
    caught(monkeypatch, without_bob, invented, BOB, {"leaf spot/cross": no_inclusion})


def test_one_leaf_for_two_customers_with_equal_holdings(exchange: Exchange, monkeypatch: Patch) -> None:
    twin = replace(exchange.bundle("1"), user=User("twin@example.org", b""))
    caught(monkeypatch, exchange, twin, Identity("twin@example.org"), {"leaf spot/cross": no_inclusion})
    honest = shown(exchange, exchange.bundle("1"), Identity("twin@example.org")).report
    assert "identity" in failed(honest)


def test_a_leaf_under_another_index(exchange: Exchange, monkeypatch: Patch) -> None:
    bundle = exchange.bundle("1")
    (leaf,) = bundle.leaves
    moved = replace(bundle, leaves=(replace(leaf, index=leaf.index ^ 1),))
    caught(monkeypatch, exchange, moved, ALICE, {"leaf spot/cross": no_inclusion})


def test_the_customers_nonce_ignored(tmp_path: Path, monkeypatch: Patch) -> None:
    """Committed without it, so that the leaf could serve another customer of the same id."""
    cheating = cheat(monkeypatch, tmp_path, Lies(nonces=True))
    bundle = cheating.bundle("2")
    caught(monkeypatch, cheating, bundle, BOB, {"leaf spot/cross": no_inclusion})
    forgotten = replace(bundle, user=User(bundle.user.id, b""))
    report = shown(cheating, forgotten, BOB).report
    assert {"identity", "leaf spot/cross"} <= set(failed(report))


# --- what the bundle says


def test_a_position_changed(margin_exchange: Exchange, monkeypatch: Patch) -> None:
    bundle = margin_exchange.bundle("1")
    (leaf,) = bundle.leaves
    for key, amount in leaf.inputs:
        for wrong in (amount + 1, amount - 1, -amount):
            changed = tuple(
                (k, wrong if k == key else value) for k, value in leaf.inputs if k != key or wrong
            )
            forged = replace(bundle, leaves=(replace(leaf, inputs=changed),))
            assert failed(shown(margin_exchange, forged, LONDON).report) == ["leaf portfolio/cross"]
    more = tuple((key, amount + 1) for key, amount in leaf.inputs)
    forged = replace(bundle, leaves=(replace(leaf, inputs=more),))
    caught(monkeypatch, margin_exchange, forged, LONDON, {"leaf portfolio/cross": no_inclusion})


def records(bundle: Bundle) -> dict[tuple[str, tuple[str, str]], int]:
    return {(leaf.pot, key): amount for leaf in bundle.leaves for key, amount in leaf.inputs}


def test_a_pot_hidden_is_for_the_customer_to_notice(exchange: Exchange, monkeypatch: Patch) -> None:
    """The isolated pot is in the tree, but not in the bundle: records show it, the verdict names what it compared."""
    bundle = exchange.bundle("2")
    hidden = replace(bundle, leaves=tuple(leaf for leaf in bundle.leaves if leaf.pot != "isolated"))
    unaided = shown(exchange, hidden, BOB).report
    assert unaided.outcome is Outcome.PASSED
    details = {check.name: check.detail for check in unaided.checks}
    assert "records" not in details
    assert any("not compared with your records" in line for line in unaided.not_proven)
    assert details["leaves"].startswith("1 ")
    assert failed(shown(exchange, hidden, BOB, records(bundle)).report) == ["records"]
    with removed(monkeypatch, nothing("_compare")):
        assert not failed(shown(exchange, hidden, BOB, records(bundle)).report)
    assert not failed(shown(exchange, bundle, BOB, records(bundle)).report)


@pytest.mark.parametrize(
    "change",
    [{("cross", ("held", "USD")): 8}, {("cross", ("owed", "USD")): 1}, {("more", ("held", "USD")): 1}],
)
def test_records_that_differ(exchange: Exchange, change: Records) -> None:
    bundle = exchange.bundle("2")
    assert failed(shown(exchange, bundle, BOB, {**records(bundle), **change}).report) == ["records"]
    missing = dict(list(records(bundle).items())[1:])
    assert failed(shown(exchange, bundle, BOB, missing).report) == ["records"]


def test_the_other_checks_of_a_bundle_are_each_needed(exchange: Exchange, monkeypatch: Patch) -> None:
    from tests.attestation.exchange import new_key
    from zkmargin.bundle import write_bundle

    bundle = exchange.bundle("2")
    stranger = write_bundle(BACKEND, bundle, new_key())
    assert failed(exchange.verify(stranger, BOB).report) == ["bundle signature"]
    with removed(monkeypatch, nothing("_check_signature")):
        assert not failed(exchange.verify(stranger, BOB).report)
    twice = replace(bundle, leaves=(bundle.leaves[0], bundle.leaves[0]))
    for wrong in (twice, replace(bundle, leaves=())):
        assert failed(shown(exchange, wrong, BOB).report) == ["leaves"]
        with removed(monkeypatch, nothing("_check_distinct")):
            assert not failed(shown(exchange, wrong, BOB).report)


# --- rows that satisfy every equation and are not the customer's


def rebuilt(program: Program, witness: Witness, **changes: object) -> Witness:
    """The witness with other sides, completed: what is left follows from the equations."""
    return program.complete(**{"sides": witness.sides, "rows": witness.rows, **changes})  # type: ignore[arg-type]


def one_more(column: SparseValues | None, row: int, by: int = 1) -> SparseValues:
    values = (
        dict(zip(column.rows.tolist(), column.values.tolist(), strict=True)) if column is not None else {}
    )
    values[row] = values.get(row, 0) + by
    return sparse(list(values), list(values.values()))


def busiest(witness: Witness) -> int:
    """The row with the highest net value."""
    return int(np.argmax(witness.outputs[:, 0]))


def both_sides_of_a_pair(program: Program, witness: Witness) -> Witness:
    """A lot long and a lot short more: the same net position, another requirement."""
    circuit, row = witness.circuit, busiest(witness)
    pair = circuit.input_index["position", "PERP"]
    sides = dict(witness.sides)
    for side in (0, 1):
        sides[pair, side] = one_more(sides.get((pair, side)), row)
    return rebuilt(program, witness, sides=sides)


def a_cost_on_both_sides(program: Program, witness: Witness) -> Witness:
    circuit, row = witness.circuit, busiest(witness)
    pair = circuit.input_index["cost", "USD"]
    sides = dict(witness.sides)
    for side in (0, 1):
        sides[pair, side] = one_more(sides.get((pair, side)), row)
    return rebuilt(program, witness, sides=sides)


def held_and_owed(program: Program, witness: Witness) -> Witness:
    """A loan that the customer never took, and the money of it."""
    circuit, row = witness.circuit, busiest(witness)
    sides = dict(witness.sides)
    for kind in ("held", "owed"):
        place = (circuit.input_index[kind, "USD"], 0)
        sides[place] = one_more(sides.get(place), row)
    return rebuilt(program, witness, sides=sides)


def deficits(program: Program, witness: Witness, plus: str) -> Witness:
    """Both columns of a deficit raised alike: more is owed, and more of it is bad."""
    circuit, row = witness.circuit, busiest(witness)
    auxiliary = dict(witness.auxiliary)
    named = circuit.deficits
    pairs = {"owed": (named.owed, named.bad_debt), "surplus": (named.surplus, named.shortfall)}
    for column in pairs[plus]:
        auxiliary[column] = one_more(auxiliary.get(column), row)
    return replace(witness, auxiliary=auxiliary)


def requirement_overstated(program: Program, witness: Witness) -> Witness:
    """The worst case one unit worse than it is: every inequality has room for it."""
    row = busiest(witness)
    auxiliary = dict(witness.auxiliary)
    for step, _ in program.steps:
        match step:
            case MaximumStep():
                auxiliary[step.value] = one_more(auxiliary.get(step.value), row)
                for slack, finer in zip(step.slacks, step.finer, strict=True):
                    auxiliary[slack] = one_more(auxiliary.get(slack), row, finer)
    outputs = witness.outputs.copy()
    for equation in witness.circuit.equations:
        if equation.name in ("R", "I"):
            output = min(var for var, _ in equation.terms)
            outputs[row, output] += dict(equation.terms)[4 + worst(program)]
    out = replace(witness, outputs=outputs, auxiliary=auxiliary)
    for step, _ in program.steps:
        if isinstance(step, DeficitStep):
            out = with_deficit(out, step)
    return out


def worst(program: Program) -> int:
    return next(step.value for step, _ in program.steps if isinstance(step, MaximumStep))


def with_deficit(witness: Witness, step: DeficitStep) -> Witness:
    auxiliary = dict(witness.auxiliary)
    value = sum(a * witness.outputs[:, output] for output, a in step.outputs)
    for column, sign in ((step.plus, 1), (step.minus, -1)):
        auxiliary[column] = sparse(np.arange(witness.rows), np.maximum(sign * value, 0))
    return replace(witness, auxiliary=auxiliary)


Lie = Callable[[Program, Witness], Witness]
ROWS: dict[str, Lie] = {
    "both sides of a position": both_sides_of_a_pair,
    "both sides of an entry cost": a_cost_on_both_sides,
    "held and owed": held_and_owed,
    "owed and bad debt": lambda program, witness: deficits(program, witness, "owed"),
    "surplus and shortfall": lambda program, witness: deficits(program, witness, "surplus"),
    "requirement overstated": requirement_overstated,
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_that_is_lawful_and_not_the_customers(
    margin_inputs: tuple[Snapshot, Ledger], tmp_path: Path, monkeypatch: Patch, name: str
) -> None:
    """Every equation holds, so the audit passes; only equality with the canonical witness shows the customer.

    `fill_with` checks every row of the lie against the circuit.
    """
    cheating = cheat(monkeypatch, tmp_path, Lies(rows=ROWS[name]), margin_inputs)
    assert not failed(cheating.audit().report)
    account = next(
        account
        for account, identity in (
            ("1", ALICE),
            ("2", Identity("bob@example.org")),
            ("3", Identity("carol@example.org")),
        )
        if failed(shown(cheating, cheating.bundle(account), identity).report)
    )
    assert account == "1"
    report = shown(cheating, cheating.bundle("1"), ALICE).report
    assert failed(report) == ["leaf portfolio/cross"]

    def any_row_will_do(patch: Patch) -> None:
        """Verify with whatever row the exchange chose, and without asking the calculator."""
        fill_with(patch, ROWS[name])
        true = bundle_verifier.calculate

        def agreeing(*arguments):  # type: ignore[no-untyped-def]
            return Agreeing(true(*arguments))

        patch.setattr(bundle_verifier, "calculate", agreeing)

    with removed(monkeypatch, any_row_will_do):
        assert not failed(shown(cheating, cheating.bundle("1"), ALICE).report)


class Agreeing:
    """A calculator that is of the circuit's opinion, whatever that is."""

    def __init__(self, true: object) -> None:
        self.true = true

    def pot(self, row: int) -> object:
        class Any:
            def __eq__(self, other: object) -> bool:
                return True

            __hash__ = None  # type: ignore[assignment]

        class Pot:
            net = equity = requirement = initial = Any()

        return Pot()


def test_open_leaf_is_what_the_check_rests_on(exchange: Exchange) -> None:
    """Called by itself it accepts the true leaf and nothing about it changed."""
    bundle = exchange.bundle("1")
    (leaf,) = bundle.leaves
    result = shown(exchange, bundle, ALICE)
    assert result.header is not None
    assert result.inputs is not None
    header, public = result.header, result.inputs

    def opens(changed: BundleLeaf) -> bool:
        try:
            open_leaf(BACKEND, header, header.books[0], public, "1", changed, bundle.user)
        except Exception:
            return False
        return True

    assert opens(leaf)
    for change in (
        {"a": leaf.a + 1},
        {"b": leaf.b ^ 1},
        {"salt": bytes(32)},
        {"pot": "other"},
        {"path": leaf.path[:-1]},
    ):
        assert not opens(replace(leaf, **change))  # type: ignore[arg-type]
