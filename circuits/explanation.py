"""A circuit in words: what `risk show --circuit` prints for a quant or an auditor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from zkmargin.circuits.variables import OUTPUTS, E, I, N, R, Terms, variable
from zkmargin.inputs.decimals import decimal_text
from zkmargin.wording import counted

if TYPE_CHECKING:
    from zkmargin.circuits.circuit import Circuit, Hypotenuse, OmittedRow, OneHot, Tail, Waivers

SHOWN = 8  # items of a list before the rest is counted


def explain(circuit: Circuit) -> str:
    """Return the circuit in words, one statement a line."""
    return "\n".join(_lines(circuit))


def _lines(circuit: Circuit) -> Iterator[str]:
    yield f"Circuit of book {circuit.name}, version {circuit.version}, digest {circuit.digest.hex()}"
    yield (
        f"  {len(circuit.columns):,} columns in {circuit.n_bits:,} bits ({circuit.n_words:,} words of 16), "
        f"{len(circuit.equations):,} equations over integers, no constants"
    )
    yield "  " + ", ".join(f"{name} quantum {decimal_text(value)}" for name, value in circuit.quanta.items())
    yield "Inputs, in lots (long minus short where signed)"
    yield from _inputs(circuit)
    yield "Rules"
    yield "  N = every input at its lot value, exactly: what the customer is owed"
    yield from _equity(circuit)
    yield from _requirements(circuit)
    yield from _maxima(circuit)
    for tail in circuit.tails:
        yield f"  {_tail(circuit, tail)}"
    for pair in circuit.hypotenuses:
        yield f"  {_hypotenuse(circuit, pair)}"
    yield "  E - R = surplus - shortfall;  N = owed - bad debt: deficits are counted and published"
    for unit in circuit.alone:
        names = [circuit.inputs[position].key[1] for position, _ in unit.legs]
        alone = "a position is charged by itself where the account has nothing else in it"
        yield f"  {unit.name}: {alone}: {_listed(names)}"
    for gate in circuit.gates:
        cost = circuit.inputs[gate.cost].name
        count = len(gate.positions)
        held = "the position" if count == 1 else f"one of {count:,} positions"
        yield f"  {cost} is 0 unless {held} settled in it is held"
    yield "Selector bits"
    yield from _selectors(circuit)
    yield f"  constants in favour of the account: {_favours(circuit)}"
    yield "Left out, because of what columns can hold"
    yield from _omitted(circuit)
    yield "Published totals: " + _listed(list(circuit.published))
    yield "Ratio claims E >= k R: " + (
        "possible" if circuit.ratio_claims else "refused, something lowers R or I"
    )


def _inputs(circuit: Circuit) -> Iterator[str]:
    groups: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for item in circuit.inputs:
        parts = item.sides[0].parts
        signed = "signed, " if len(item.sides) == 2 else ""
        shape = signed + ("bit by bit" if len(parts) > 1 else "in one column")
        bits = sum(circuit.columns[column].width for column, _ in parts)
        groups.setdefault((item.key[0], shape), []).append((item.key[1], bits))
    for (kind, shape), members in groups.items():
        low, high = min(bits for _, bits in members), max(bits for _, bits in members)
        width = counted(low, "bit") if low == high else f"{low} to {high} bits"
        yield f"  {kind} ({shape}, {width}): {_listed([label for label, _ in members])}"


def _equity(circuit: Circuit) -> Iterator[str]:
    net, equity = circuit.definition(N), circuit.definition(E)
    if net is None or equity is None:
        return
    values, counted = dict(net.terms), dict(equity.terms)
    grouped = {column for group in circuit.one_hots for column in (*group.tiers, *group.parts)}
    less = [f"the {group.name} by tiers" for group in circuit.one_hots if _used(group.parts, counted)]
    for item in circuit.inputs:
        column, lots = item.sides[0].parts[0]
        value, left = values.get(variable(column), 0), counted.get(variable(column), 0)
        if left < value:
            share = "in full" if not left else f"by {decimal_text(round(1 - Fraction(left, value), 4))} of it"
            less.append(f"{item.name} {share}" if lots else item.name)
    others = [
        var for var, a in equity.terms if a < 0 and var not in values and var - len(OUTPUTS) not in grouped
    ]
    less += [circuit.columns[var - len(OUTPUTS)].name for var in others if var >= len(OUTPUTS)]
    yield "  E = N" + (f" less {_listed(less)}" if less else "")


def _used(columns: tuple[int, ...], terms: dict[int, int]) -> bool:
    return any(variable(column) in terms for column in columns)


def _requirements(circuit: Circuit) -> Iterator[str]:
    for output, name in ((R, "maintenance requirement"), (I, "initial requirement")):
        definition = circuit.definition(output)
        terms = () if definition is None else definition.terms
        yield f"  {OUTPUTS[output]} = {_sum(circuit, terms)}  ({name})"


def _sum(circuit: Circuit, terms: Terms) -> str:
    """Write a sum; what hangs on one group of tiers is one term of it."""
    group_of = {column: group.name for group in circuit.one_hots for column in (*group.tiers, *group.parts)}
    parts = [
        f"{group_of[column]} by tiers" if column in group_of else f"{a:,} x {circuit.columns[column].name}"
        for column, a in ((var - len(OUTPUTS), a) for var, a in terms if var >= len(OUTPUTS))
    ]
    return " + ".join(dict.fromkeys(parts)) or "0"


def _maxima(circuit: Circuit) -> Iterator[str]:
    """State the inequalities of every auxiliary value together, but for those that may be waived."""
    pieces: dict[str, list[str]] = {}
    waived = {name for group in circuit.waivers for name in _waived(circuit, group)}
    for equation in circuit.equations:
        if equation.slack is not None and " >= " in equation.name and equation.name not in waived:
            name, piece = equation.name.split(" >= ", 1)
            pieces.setdefault(name, []).append(piece)
    for name, labels in pieces.items():
        yield f"  max:{name} >= 0 and >= each of {len(labels)}: {_listed(labels, 20)}"


def _tail(circuit: Circuit, tail: Tail) -> str:
    floor = ", at least 0" if tail.floor_zero else f", above {circuit.columns[tail.up].name} less .down"
    return (
        f"{circuit.columns[tail.value].name} >= the mean of the worst {decimal_text(tail.worst)} of "
        f"{len(tail.excesses):,} losses{floor}"
    )


def _hypotenuse(circuit: Circuit, pair: Hypotenuse) -> str:
    legs = " and ".join(name or circuit.columns[column].name for column, name in pair.legs)
    return (
        f"{circuit.columns[pair.value].name} >= the square root of the sum of two squares, {legs}, by folds"
    )


def _selectors(circuit: Circuit) -> Iterator[str]:
    if not circuit.one_hots and not circuit.waivers:
        yield "  none: every rule is convex or affine"
    for group in circuit.one_hots:
        knots = ", ".join(f"{knot:,}" for knot in group.knots)
        tiers = f"one of {counted(len(group.tiers), 'tier')}, from {knots} lots{_beyond(circuit, group)}"
        yield f"  {group.name}: {tiers}, set by the amount itself"
        yield from _functions(circuit, group)
    for waivers in circuit.waivers:
        rows = [name.split(" >= ", 1)[-1] for name in _waived(circuit, waivers)]
        yield (
            f"  not convex: {waivers.name}: at most {waivers.budget:,} of {len(rows):,} inequalities waived, "
            f"a bit each: {_listed(rows)}"
        )


def _beyond(circuit: Circuit, group: OneHot) -> str:
    """Say how many lots of a split position lie below its tiers."""
    inputs, index = circuit.inputs, circuit.input_index
    positions = {
        inputs[i].sides[0].parts[0][0]: label for (kind, label), i in index.items() if kind == "position"
    }
    small = index.get(("small", positions.get(group.amount[0][0], "")))
    if small is None:
        return ""
    column, lots = inputs[small].sides[0].parts[0]
    return f" beyond the first {lots * circuit.columns[column].capacity:,}"


def _functions(circuit: Circuit, group: OneHot) -> Iterator[str]:
    """State what a group's tiers cost in each output, in equity quanta."""
    for output in (E, R, I):
        definition = circuit.definition(output)
        terms = {} if definition is None else dict(definition.terms)
        if _used((*group.tiers, *group.parts), terms):
            pieces = (
                f"{abs(terms.get(variable(tier), 0)):,} at {knot:,} and {abs(terms.get(variable(part), 0)):,} a lot"
                for tier, part, knot in zip(group.tiers, group.parts, group.knots, strict=True)
            )
            yield f"    in {OUTPUTS[output]}: {', '.join(pieces)}"


def _waived(circuit: Circuit, group: Waivers) -> list[str]:
    """Return the names of the inequalities that a group may waive."""
    found = [circuit.equations[index] for bit in group.bits for index, _ in circuit.incidence[variable(bit)]]
    return [equation.name for equation in found if equation.slack not in {None, group.slack}]


def _favours(circuit: Circuit) -> str:
    bits = sum(len(group.bits) for group in circuit.waivers)
    found = [f"{counted(bits, 'waiver')} of inequalities, within their budgets"] if bits else []
    names = [allowance.name for allowance in circuit.allowances]
    return "; ".join(found + ([f"constants of {_listed(names)}, once"] if names else [])) or "none"


def _omitted(circuit: Circuit) -> Iterator[str]:
    if not circuit.omitted_rows and not circuit.omitted_tiers:
        yield "  nothing"
    reasons = Counter(_reason(row) for row in circuit.omitted_rows)
    for reason, count in reasons.items():
        names = [row.name for row in circuit.omitted_rows if _reason(row) == reason]
        yield f"  {counted(count, 'inequality', 'inequalities')}, {reason}: {_listed(names)}"
    for tier in circuit.omitted_tiers:
        yield f"  tier {tier.name}: the column cannot hold more than {tier.knot:,} lots"


def _reason(row: OmittedRow) -> str:
    return "which can never fail" if row.implied_by is None else "the same as one that stands"


def _listed(names: list[str], shown: int = SHOWN) -> str:
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more if names else "none"
