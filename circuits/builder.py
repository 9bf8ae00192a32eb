"""The vocabulary in which a margin policy is written. Nothing here knows about bits, slacks or rounding.

    rules = Rules("portfolio", version=1, equity_quantum=..., margin_quantum=...)
    cash = rules.amounts("held", {"USD": 50})["USD"]                 # lots, 50 bits
    perp = rules.signed("position", {"BTC-PERP": 20}, digits=1)["BTC-PERP"]
    rules.net_value(cash * lot_value + perp * lot_value)             # exact: also the liability
    rules.equity(...)                                                # net value less haircuts
    rules.requirement(maximum("scan", losses, floor_zero=True))      # convex
    rules.initial_requirement(... * "1.25")
    compiled = rules.compile()

Coefficients are quote currency per lot. Equity may only be below the rule and requirements above it in any row
that satisfies the circuit, canonical or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from zkmargin.circuits.alone import NettingUnit, side_of
from zkmargin.circuits.atoms.maximum import maximum
from zkmargin.circuits.circuit import Alone
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.draft import BALANCES, COSTS, POSITIONS, RESULTS, Row
from zkmargin.circuits.expression import Expression, Inequality, Signed, SplitPosition, total
from zkmargin.circuits.layout import Draft, DraftGate, link
from zkmargin.circuits.loading import ALONE, POSITION, SMALL
from zkmargin.circuits.lowering import DraftRounding, Lowering
from zkmargin.circuits.parameters import exact
from zkmargin.circuits.steps import DeficitStep, OutputStep, SlackStep
from zkmargin.circuits.variables import OUTPUTS, E, I, InputKey, N, R
from zkmargin.errors import CircuitError, CurvatureError
from zkmargin.sparse import integers

ONE = Fraction(1)
BLOCKS = {
    "cost": COSTS,
    POSITION: POSITIONS,
    SMALL: POSITIONS,
    ALONE: POSITIONS,
}  # every other kind is a balance


class Rules:
    """One book's rules while they are written; `compile` ends it."""

    def __init__(
        self,
        name: str,
        *,
        version: int,
        equity_quantum: object,
        margin_quantum: object,
        money_limit: object = None,
    ) -> None:
        """Begin a book; `money_limit`, in quote, bounds every gain and loss in an account's worst cases.

        Narrower columns cost less. A larger account has no witness and is refused by its name, never cut.
        """
        self.name = name
        self.version = version
        self.equity_quantum = exact(equity_quantum)
        self.margin_quantum = exact(margin_quantum)
        if (self.margin_quantum / self.equity_quantum).denominator != 1:
            raise CircuitError("quanta", "the margin quantum must be a multiple of the equity quantum")
        self._to = Lowering(None if money_limit is None else exact(money_limit))
        self._labels: dict[str, int] = {}
        self._net: Expression | None = None
        self._outputs: dict[int, Row] = {}
        self._gates: list[DraftGate] = []
        self._alone: tuple[Expression, Sequence[NettingUnit]] = Expression(), ()
        self._tolerance: dict[InputKey, Fraction] = {}
        self._charges: list[tuple[str, Row]] = []
        self._roundings: list[DraftRounding] = []

    # ---- inputs, in lots ----
    def amounts(
        self, kind: str, bits: Mapping[str, int], *, digits: int | None = None
    ) -> dict[str, Expression]:
        """Declare non-negative inputs of so many bits, stored whole or in digits (finer rounding)."""
        return {label: self._input((kind, label), n, ("",), digits)[0] for label, n in bits.items()}

    def signed(self, kind: str, bits: Mapping[str, int], *, digits: int | None = None) -> dict[str, Signed]:
        """Declare signed inputs, long minus short, of so many bits a side."""
        sides = (".long", ".short")
        return {label: Signed(*self._input((kind, label), n, sides, digits)) for label, n in bits.items()}

    def tiered(self, bits: Mapping[str, int], first: Mapping[str, int]) -> dict[str, Signed]:
        """Declare positions with tiers, `first` the last lot of the first tier: see `atoms.split_tiers`.

        The first lots have a column too narrow to leave that tier, so that a small position touches no other.
        """
        return {label: self._tiered(label, n, first[label]) for label, n in bits.items()}

    def _tiered(self, label: str, bits: int, first: int) -> Signed:
        narrow = (first + 1).bit_length() - 1  # 2^narrow - 1 <= first
        if not 1 <= narrow < bits:
            return self.signed(POSITION, {label: bits})[label]
        small = self.signed(SMALL, {label: narrow})[label]
        return SplitPosition(small, self.signed(POSITION, {label: bits})[label], (1 << narrow) - 1)

    def netting_unit(
        self, name: str, positions: Mapping[str, Signed], others: Iterable[Expression] = ()
    ) -> NettingUnit:
        """Declare legs beside positions that net, for accounts that hold one of them and none of `others`.

        N and E count position and leg alike; the legs of all units are charged by `charged_alone`.
        """
        legs = {label: self._leg(label, position) for label, position in positions.items()}
        moved = tuple(dict.fromkeys(index for other in others for index, _ in other.sides))
        return NettingUnit(name, positions, legs, moved)

    def _leg(self, label: str, position: Signed) -> Signed:
        parts = self._to.parts(side_of(position.long))
        widths = [self._to.columns[column].width for column, _ in parts]
        return self.signed(ALONE, {label: sum(widths)}, digits=widths[0] if len(widths) > 1 else None)[label]

    def charged_alone(self, units: Sequence[NettingUnit]) -> Expression:
        """Return what all legs are charged together, to be added wherever the units' worst cases are."""
        charge = maximum("alone", {"sum": total(unit.charge for unit in units)}, floor_zero=True)
        self._alone = charge, units
        return charge

    def _state_alone(self) -> None:
        charge, units = self._alone
        for unit in units:
            value, charged = self._to.value_of(unit.measured), self._to.value_of(charge)
            if value is None or charged is None:
                raise CircuitError("alone", f"{unit.name}: has no loss that could be charged alone")
            legs = tuple(
                (side_of(unit.positions[label].long)[0], side_of(leg.long)[0])
                for label, leg in unit.legs.items()
            )
            self._to.alone.append(Alone(unit.name, value, charged, legs, unit.others))

    def _input(
        self, key: InputKey, bits: int, sides: tuple[str, ...], digits: int | None
    ) -> list[Expression]:
        place = BLOCKS.get(key[0], BALANCES), self._labels.setdefault(key[1], len(self._labels))
        index = self._to.add_input(key, bits, sides, digits, place)
        return [Expression({(index, side): ONE}) for side in range(len(sides))]

    # ---- statements ----
    def net_value(self, value: Expression) -> None:
        """State N, what the customer is owed: affine, whole quanta per lot, nothing rounded."""
        value.demand_affine("net_value", "a haircut belongs into equity")
        for (index, side), a in value.sides.items():
            if (a / self.equity_quantum).denominator != 1:
                key = self._to.inputs[index].key
                raise CircuitError(
                    "net",
                    f"net_value: {key[0]}[{key[1]}] is worth {float(a):.12g} per lot on side {side}, not a whole "
                    f"number of quanta {float(self.equity_quantum):.6g}",
                    hint="round the lot value, or refine the quantum",
                )
        self._net = value
        self._define(N, value)

    def equity(self, value: Expression) -> None:
        """State E: the net value less a non-negative combination of sides and convex terms (haircuts)."""
        if self._net is None:
            raise CircuitError("order", "equity: state net_value first")
        value.demand("concave", "equity")
        for (index, _), a in (self._net - Expression(value.sides)).sides.items():
            if a < 0:
                key = self._to.inputs[index].key
                raise CurvatureError(
                    "equity",
                    f"equity: {key[0]}[{key[1]}] counts for {float(-a):.6g} per lot more than in net_value",
                )
        self._define(E, value)

    def requirement(self, value: Expression) -> None:
        """State R, the maintenance requirement: convex."""
        value.demand("convex", "requirement")
        before = len(self._to.roundings)
        self._define(R, self._whole("requirement", value))
        self._roundings = self._to.roundings[before:]
        self._charges = [
            self._charge(atom.name, Expression(atoms={atom: c})) for atom, c in value.atoms.items()
        ]
        if value.sides:
            self._charges.append(self._charge("rates", Expression(value.sides)))

    def initial_requirement(self, value: Expression) -> None:
        """State I, the initial requirement: convex."""
        value.demand("convex", "initial_requirement")
        self._define(I, self._whole("initial requirement", value))

    def require(self, inequality: Inequality, name: str) -> None:
        """State something that every account satisfies; an account that does not has no witness."""
        inequality.expression.demand("concave", name)
        row, _ = self._to.rounded(self._to.lower(inequality.expression, self.margin_quantum), name)
        slack = self._to.inequality(name, row, (RESULTS,))
        if slack is not None:
            self._to.steps.append(SlackStep(name, row, slack))

    def gate(self, cost: Signed, positions: Iterable[Signed], name: str) -> None:
        """Force both sides of a cost to 0 unless one of the positions is held."""
        own = list(cost.sides)
        sides = [side for position in positions for side in position.sides]
        constant = 1 << (max(self._to.capacity(side) for side in own).bit_length() + 1)
        both = tuple(sorted((*sides, *own)))
        coefficients = [
            -lots if side in own else constant for side in both for _, lots in self._to.parts(side)
        ]
        row = Row({}, both, integers(coefficients), dict.fromkeys(own, -ONE))
        place = self._to.columns[self._to.parts(own[0])[0][0]].place[:2]
        slack = self._to.slack_equation(name, row, place)
        self._to.steps.append(SlackStep(name, row, slack))
        inputs = tuple(dict.fromkeys(index for index, _ in sides))
        self._gates.append(DraftGate(name, own[0][0], inputs, constant))

    def tolerate(self, key: InputKey, error: Fraction) -> None:
        """State how much per lot the coefficients of an input may already be off, for `overstatement`."""
        self._tolerance[key] = error

    def compile(self, publish: Sequence[str] = ()) -> CompiledBook:
        """Add the deficits, lay out the columns and return circuit and witness program.

        `publish`: totals on top of those that are always published: surplus, requirement, initial_requirement.
        """
        missing = [OUTPUTS[output] for output in range(len(OUTPUTS)) if output not in self._outputs]
        if missing:
            raise CircuitError("output", f"{self.name}: {', '.join(missing)} not stated")
        self._state_alone()
        deficits = {
            **self._deficit("shortfall", "surplus", {E: 1, R: -1}),
            **self._deficit("bad_debt", "owed", {N: 1}),
        }
        quanta = {"equity": self.equity_quantum, "margin": self.margin_quantum}
        parts = self._to, deficits, self._gates, publish, self._tolerance, self._charges, self._roundings
        return link(Draft(self.name, self.version, quanta, *parts))

    # ---- lowering ----
    def _whole(self, name: str, value: Expression) -> Expression:
        """Return an expression that is whole in equity quanta: itself, or a column >= 0 in margin quanta above it."""
        form = self._to.lower(value, self.margin_quantum).scaled(self.margin_quantum / self.equity_quantum)
        if all(a.denominator == 1 for a in (*form.columns.values(), *form.sides.values())):
            return value
        return maximum(f"{name}, rounded up", {"sum": value}, floor_zero=True)

    def _charge(self, name: str, value: Expression) -> tuple[str, Row]:
        """Return one term of R in equity quanta (it has its columns already)."""
        form = self._to.lower(value, self.margin_quantum).scaled(self.margin_quantum / self.equity_quantum)
        return name, self._to.rounded(-form, name)[0]

    def _define(self, output: int, value: Expression) -> None:
        if output in self._outputs:
            raise CircuitError("output", f"{OUTPUTS[output]} is stated twice")
        unit = self.margin_quantum if output in (R, I) else self.equity_quantum
        form = self._to.lower(value, unit).scaled(unit / self.equity_quantum)
        row, finer = self._to.rounded(form, OUTPUTS[output])
        if finer != 1:
            raise CircuitError(
                "factors", f"{OUTPUTS[output]}: a convex term has a factor of 1/{finer} quanta"
            )
        self._outputs[output] = row
        self._to.equation(OUTPUTS[output], row, {output: -1})
        self._to.steps.append(OutputStep(output, row))

    def _deficit(self, minus: str, plus: str, outputs: dict[int, int]) -> dict[str, int]:
        """plus - minus = combination of outputs, both wide enough for every input that fits."""
        ranges = {output: self._to.canonical_range(self._outputs[output]) for output in outputs}
        low = sum(a * ranges[output][0 if a > 0 else 1] for output, a in outputs.items())
        high = sum(a * ranges[output][1 if a > 0 else 0] for output, a in outputs.items())
        lower = self._to.add(minus, max(-low, 0), (RESULTS,))
        upper = self._to.add(plus, max(high, 0), (RESULTS,))
        self._to.equation(f"{minus} and {plus}", Row({lower: 1, upper: -1}), outputs)
        self._to.steps.append(DeficitStep(tuple(outputs.items()), upper, lower))
        return {minus: lower, plus: upper}
