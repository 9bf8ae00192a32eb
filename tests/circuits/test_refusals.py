"""What a quant sees when a rule cannot be carried: the refusal names the sub-expression and the parameter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from zkmargin.circuits.atoms import absolute, maximum, minimum, neg, piecewise, pos
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.expression import Expression, Signed
from zkmargin.circuits.parameters import Named, label
from zkmargin.errors import CircuitError, CurvatureError


@dataclass
class Desk:
    rules: Rules
    a: Signed
    b: Signed
    cash: Expression


def desk() -> Desk:
    rules = Rules("desk", version=1, equity_quantum="0.01", margin_quantum="0.01")
    position = rules.signed("position", {"A": 10, "B": 10})
    cash = rules.amounts("held", {"USD": 30})["USD"]
    return Desk(rules, position["A"], position["B"], cash)


def discounted(d: Desk, long: str, short: str) -> Expression:
    value = d.a * 100
    above = Named(short, "discount.short[28MAR]") - Named(long, "discount.long[28MAR]")
    return value * Named(long, "discount.long[28MAR]") - neg("short value[28MAR, up]", value) * above


def minimum_delta(d: Desk) -> Expression:
    net, half = Named("0.004", "net_rate"), Named("0.01", "gross_rate") / 2
    hint = "needs net_rate >= gross_rate / 2"
    delta = absolute("net delta BTC", d.a - d.b, hint=hint)
    return delta * (net - half) + (d.a.gross + d.b.gross) * half


def equity_after_net(d: Desk, value: Expression) -> None:
    d.rules.net_value(d.cash)
    d.rules.equity(value)


CURVATURE: dict[str, tuple[Callable[[Desk], object], str]] = {
    "concave requirement": (
        lambda d: d.rules.requirement(-maximum("scan", {"up": d.a, "down": -d.a})),
        "requirement: must be convex, but the convex term 'scan' enters with coefficient -1",
    ),
    "discount above one, by its name": (
        lambda d: d.rules.requirement(d.a * 100 - discounted(d, "0.97", "0.95")),
        (
            "requirement: must be convex, but the convex term 'short value[28MAR, up]' enters with coefficient "
            "(discount.short[28MAR] - discount.long[28MAR]) = -0.02"
        ),
    ),
    "net rate below half the gross rate": (
        lambda d: d.rules.requirement(minimum_delta(d)),
        (
            "requirement: must be convex, but the convex term 'net delta BTC' enters with coefficient "
            "(2 * (net_rate - (gross_rate / 2))) = -0.002; needs net_rate >= gross_rate / 2"
        ),
    ),
    "haircut in net value": (
        lambda d: d.rules.net_value(d.cash - piecewise("haircut", d.cash, [0, 10], ["0.01", "0.02"])),
        "net_value: must be affine, but contains the convex term 'haircut'; a haircut belongs into equity",
    ),
    "convex equity": (
        lambda d: equity_after_net(d, d.cash + pos("gain", d.a)),
        "equity: must be concave, but the convex term 'gain' enters with coefficient 1",
    ),
    "convex initial requirement only": (
        lambda d: d.rules.initial_requirement(minimum("credit", {"a": d.a, "b": d.b})),
        "initial_requirement: must be convex, but the convex term 'credit' enters with coefficient -1",
    ),
    "convex left side of an inequality": (
        lambda d: d.rules.require(maximum("x", {"a": d.a, "b": d.b}) >= 0, "ratio"),
        "ratio: must be concave, but the convex term 'x' enters with coefficient 1",
    ),
    "spread credit inside a maximum": (
        lambda d: maximum("scan", {"credit": minimum("spread", {"a": d.a.gross, "b": d.b.gross})}),
        "scan, piece credit: must be convex, but the convex term 'spread' enters with coefficient -1",
    ),
    "minimum of a convex piece": (
        lambda d: minimum("m", {"a": pos("p", d.a), "b": d.b}),
        "m, piece a: must be concave, but the convex term 'p' enters with coefficient 1",
    ),
    "absolute value of a convex expression": (
        lambda d: absolute("|x|", pos("p", d.a)),
        (
            "|x|: must be affine, but contains the convex term 'p'; the absolute value of a convex expression "
            "is not convex"
        ),
    ),
    "tiers that fall": (
        lambda d: piecewise(
            "brackets A", d.a.gross, [0, 10], [Named("0.02", "rate.1"), Named("0.01", "rate.2")]
        ),
        "brackets A: must be convex, but the slope falls from rate.1 = 0.02 to rate.2 = 0.01 at 10 lots",
    ),
    "a first tier below zero": (
        lambda d: piecewise("brackets A", d.a.gross, [0], ["-0.01"]),
        "brackets A: starts with a negative slope -0.01",
    ),
    "equity above net value": (
        lambda d: equity_after_net(d, d.cash * 2),
        "equity: held[USD] counts for 1 per lot more than in net_value",
    ),
}

OTHERS: dict[str, tuple[str, Callable[[Desk], object], str]] = {
    "product of secrets": ("product", lambda d: d.a * d.b, "product of two secret expressions"),
    "float": ("parameter", lambda d: d.a * 0.05, "0.05 is a float: public numbers are decimal strings"),
    "constant": ("constant", lambda d: d.cash - 5, "the constant 5 has no place in a rule"),
    "constant in an inequality": ("constant", lambda d: d.cash >= 5, "the constant 5 has no place in a rule"),
    "mark finer than the quantum": (
        "net",
        lambda d: d.rules.net_value(d.a * "10.0005"),
        "net_value: position[A] is worth 10.0005 per lot on side 0, not a whole number of quanta 0.01",
    ),
    "column too wide": (
        "width",
        lambda d: d.rules.requirement(pos("p", d.a * 10**40)),
        "max:p: needs 150 bits, a column has at most 128; coarsen the unit or lower a limit",
    ),
    "knots that do not rise": (
        "piecewise",
        lambda d: piecewise("t", d.cash, [0, 5, 5], [1, 2, 3]),
        "t: knots must rise from 0 and have one slope each",
    ),
    "tiers of a value, not of lots": (
        "piecewise",
        lambda d: piecewise("t", d.cash * 2, [0], [1]),
        "t: must count the lots of sides of inputs",
    ),
    "maximum of nothing": ("maximum", lambda d: maximum("m", {}), "m: a maximum of nothing"),
    "equity before net value": ("order", lambda d: d.rules.equity(d.cash), "equity: state net_value first"),
    "stated twice": (
        "output",
        lambda d: [d.rules.net_value(value) for value in (d.cash, d.cash)],
        "N is stated twice",
    ),
    "not stated": ("output", lambda d: d.rules.compile(), "desk: N, E, R, I not stated"),
    "incommensurable factors": (
        "factors",
        lambda d: _two_factors(d, pos("p", d.a)),
        "one convex term is used with incommensurable factors",
    ),
}


def _two_factors(d: Desk, term: Expression) -> None:
    d.rules.requirement(term)
    d.rules.initial_requirement(term * "1.000000001")


@pytest.mark.parametrize("case", CURVATURE)
def test_curvature(case: str) -> None:
    act, message = CURVATURE[case]
    with pytest.raises(CurvatureError) as caught:
        act(desk())
    assert str(caught.value) == message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("case", OTHERS)
def test_other_refusals(case: str) -> None:
    code, act, message = OTHERS[case]
    with pytest.raises(CircuitError) as caught:
        act(desk())
    assert caught.value.code == code
    assert message in str(caught.value)


def test_the_same_rules_with_good_parameters_are_taken() -> None:
    d = desk()
    d.rules.net_value(d.cash + d.a * 100)
    d.rules.equity(d.cash + d.a * 100 - pos("gain", d.a * 5) - d.b.gross)
    d.rules.requirement(d.a * 100 - discounted(d, "0.95", "0.97"))
    d.rules.initial_requirement(absolute("delta", d.a - d.b) + d.b.gross)
    d.rules.compile()
    with pytest.raises(CurvatureError):  # b is not in net value: equity may not count it
        d.rules.equity(d.cash + d.b)


def test_margin_quantum_is_a_multiple_of_the_equity_quantum() -> None:
    with pytest.raises(CircuitError, match="multiple"):
        Rules("x", version=1, equity_quantum="0.02", margin_quantum="0.03")


def test_parameters_keep_their_names() -> None:
    a, b = Named("0.5", "a"), Named("0.25", "b")
    assert label(a - b * 2) == "(a - (b * 2)) = 0"
    assert label(-(a / b)) == "-(a / b) = -2"
    minus = -a
    assert label(-minus) == "a = 0.5"
    assert label(1 + a) == "(1 + a) = 1.5"
    assert label(1 - a) == "(1 - a) = 0.5"
    assert label(1 / b) == "(1 / b) = 4"
    assert label(2 * a * 1) == "(2 * a) = 1"
    with pytest.raises(TypeError):
        a + 0.5
