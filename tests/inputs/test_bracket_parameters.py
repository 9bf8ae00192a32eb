"""[book.NAME.brackets]: how brackets are written, and each way in which they are refused by name."""

from __future__ import annotations

from fractions import Fraction

import pytest
import small_market as sm
from bracket_cases import bracket_book

from zkmargin.errors import DecodeError, InputError
from zkmargin.inputs import parse_policy
from zkmargin.inputs.market_rules import check_together
from zkmargin.inputs.models.bracket import Bracket
from zkmargin.inputs.models.brackets import Brackets
from zkmargin.inputs.models.open_interest import OpenInterest
from zkmargin.inputs.policy import Policy

F = Fraction
POLICY = """
[exchange]
name = "Bracketed"
quote = "USD"
[units]
equity_quantum = "1e-6"
margin_quantum = "1e-4"
[book.perp]
model = "brackets"
settlement = "USD"
initial_rates = "whole"
collateral = { USD = "cash" }
limits = { position = "1e7", balance = "1e7" }
[book.perp.brackets]
BTC-PERP = [["0", "0.004", "0.008"], ["50000", "0.005", "0.01"]]
ETH = [{ from = "0", leverage = "25", maintenance_fraction = "0.5" }]
"*" = [{ from = "0", initial = "0.1", maintenance = "0.05" }]
[book.perp.open_interest]
ETH-PERP = { low = "20000000", high = "50000000", value = "26000000" }
"""


def parameters(text: str = POLICY) -> Brackets:
    found = parse_policy(text).books["perp"].parameters
    assert isinstance(found, Brackets)
    return found


def test_three_ways_to_write_a_bracket() -> None:
    found = parameters()
    assert found.of == {
        "BTC-PERP": (Bracket(F(0), F("0.004"), F("0.008")), Bracket(F(50_000), F("0.005"), F("0.01"))),
        "ETH": (Bracket(F(0), F("0.02"), F("0.04")),),
        "*": (Bracket(F(0), F("0.05"), F("0.1")),),
    }
    assert (found.maintenance, found.initial) == ("marginal", "whole")
    assert found.open_interest == {"ETH-PERP": OpenInterest(F(20_000_000), F(50_000_000), F(26_000_000))}


def test_hyperliquid_half_of_the_initial_rate_at_the_highest_leverage() -> None:
    """r_t = 1 / (2 maximum leverage), deduction_t = deduction_(t-1) + floor_t (r_t - r_(t-1)).

    Hyperliquid documentation, margin tiers: BTC 40x, above 150M 20x.
    """
    rows = (
        f'{{ from = "{floor}", leverage = "{leverage}", maintenance_fraction = "0.5" }}'
        for floor, leverage in (("0", 40), ("150e6", 20))
    )
    text = POLICY.replace('[["0", "0.004", "0.008"], ["50000", "0.005", "0.01"]]', f"[{', '.join(rows)}]")
    found = parameters(text).of["BTC-PERP"]
    assert [(b.maintenance, b.initial) for b in found] == [(F(1, 80), F(1, 40)), (F(1, 40), F(1, 20))]
    assert found[1].floor * (found[1].maintenance - found[0].maintenance) == 1_875_000


@pytest.mark.parametrize(
    "old, new, column, message",
    [
        ('["50000", "0.005", "0.01"]', '["50000", "0.003", "0.01"]', "brackets.BTC-PERP", "a rate falls"),
        ('["50000", "0.005", "0.01"]', '["50000", "0.005", "0.007"]', "brackets.BTC-PERP", "a rate falls"),
        ('["50000", "0.005", "0.01"]', '["0", "0.005", "0.01"]', "brackets.BTC-PERP", "crossed brackets"),
        ('"50000", "0.005", "0.01"', '"50000", "0.02", "0.01"', "brackets.BTC-PERP", "above the initial rate"),
        ('["0", "0.004", "0.008"]', '["1", "0.004", "0.008"]', "brackets.BTC-PERP", "does not begin at 0"),
        ('["0", "0.004", "0.008"]', '["0", "-0.004", "0.008"]', "brackets.BTC-PERP", "below 0"),
        ('["0", "0.004", "0.008"]', '["0", "0.004"]', "brackets.BTC-PERP", "not [floor"),
        ('["0", "0.004", "0.008"]', '["0", 0.004, "0.008"]', "brackets.BTC-PERP", "not a decimal in quotes"),
        ('[["0", "0.004", "0.008"], ["50000", "0.005", "0.01"]]', '"0.004"', "brackets.BTC-PERP", "not an array"),
        ('[["0", "0.004", "0.008"], ["50000", "0.005", "0.01"]]', "[]", "brackets.BTC-PERP", "0 brackets"),
        ('leverage = "25"', 'leverage = "0"', "brackets.ETH.leverage", "must be positive"),
        ('leverage = "25"', 'lever = "25"', "brackets.ETH.initial", "missing"),
        ('maintenance = "0.05"', 'maintainance = "0.05"', "brackets.*.maintenance", "missing"),
        ('initial_rates = "whole"', 'initial_rates = "step"', "initial_rates", "unknown kind of rates"),
        ('initial_rates = "whole"', 'maintenance_rates = "whole"', "initial_rates", "below whole maintenance"),
        ('high = "50000000"', 'high = "20000000"', "open_interest.ETH-PERP", "high is not above low"),
        ('value = "26000000"', 'value = "-1"', "open_interest.ETH-PERP", "below 0"),
        ('value = "26000000"', 'valu = "1"', "open_interest.ETH-PERP.value", "missing"),
    ],
)  # fmt: skip
def test_what_is_refused(old: str, new: str, column: str, message: str) -> None:
    assert POLICY.count(old) == 1
    with pytest.raises(InputError) as caught:
        parse_policy(POLICY.replace(old, new))
    problems = [(problem.column, problem.message) for problem in caught.value.problems]
    assert any(where == f"book.perp.{column}" and message in what for where, what in problems), problems


@pytest.mark.parametrize(
    "parameters, column, message",
    [
        (Brackets({"DOGE-PERP": ()}), "brackets.DOGE-PERP", "no such contract or underlying"),
        (
            Brackets({}, open_interest={"DOGE": OpenInterest(F(0), F(1), F(0))}),
            "open_interest.DOGE",
            "no contract",
        ),
        (
            Brackets(
                {"*": (Bracket(F(0), F(1), F(2)),)},
                open_interest={"ETH-PERP": OpenInterest(F(0), F(1), F(0))},
            ),
            "open_interest.ETH-PERP",
            "above 1",
        ),
    ],
)
def test_what_a_market_refuses(parameters: Brackets, column: str, message: str) -> None:
    problems = check_together(sm.policy(bracket_book(parameters=parameters)), sm.market())
    assert any(p.column == f"book.perp.{column}" and message in p.message for p in problems), problems


def test_json_there_and_back() -> None:
    policy = parse_policy(POLICY)
    value = policy.to_json()
    assert Policy.from_json(value) == policy
    value["books"]["perp"]["parameters"]["brackets"]["ETH"][0].pop()  # type: ignore[index,call-overload,union-attr]
    with pytest.raises(DecodeError, match="not an array of 3 texts"):
        Policy.from_json(value)
