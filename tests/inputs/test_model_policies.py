"""Books of the models "historical" and "sensitivities", and liquidity add-ons, as policy.toml has them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from zkmargin.errors import DecodeError, InputError
from zkmargin.inputs.liquidity import BookCost, PowerCost, RateCost
from zkmargin.inputs.models.correlations import Correlations
from zkmargin.inputs.models.historical import Historical
from zkmargin.inputs.models.sensitivities import Sensitivities
from zkmargin.inputs.policy import Policy
from zkmargin.inputs.policy_file import parse_policy

F = Fraction
HEAD = """
[exchange]
name = "X"
quote = "USD"
[units]
equity_quantum = "1e-6"
margin_quantum = "1e-4"
[book.b]
settlement = "USD"
price_range = { BTC = "0.1", ETH = "0.2" }
collateral = { USD = "cash" }
limits = { position = "1e6", balance = "1e6" }
"""
HISTORICAL = HEAD + 'model = "historical"\nmeasure = "value-at-risk"\ntail = "0.01"\nfilter = "0.97"\n'
SENSITIVITIES = (
    HEAD
    + 'model = "sensitivities"\nvolatility_range = "0.25"\nvega_buckets = ["30", "90"]\nvega_offset = "0.1"\n'
)
CORRELATED = SENSITIVITIES.replace(
    'vega_offset = "0.1"', 'correlations = { delta = "0.5", vega = "0.4", vega_expiries = "0.9" }'
)
LIQUID = (
    HISTORICAL
    + """
[book.b.liquidity]
A = { beyond = "0.05" }
B = [["0", "0.0005"], ["1000000", "0.002"]]
"*" = { rate = "0.001", reference = "1e6", power = "1.5" }
"""
)


def test_parameters_are_read() -> None:
    of = parse_policy(HISTORICAL).books["b"]
    assert of.parameters == Historical("value-at-risk", F("0.01"), F(1), F("0.97"))
    assert of.scenarios == ()
    assert parse_policy(SENSITIVITIES).books["b"].parameters == Sensitivities((F(30), F(90)), F("0.1"), None)
    correlations = Correlations(F("0.5"), F("0.4"), F("0.9"))
    assert parse_policy(CORRELATED).books["b"].parameters == Sensitivities((F(30), F(90)), F(0), correlations)
    assert parse_policy(LIQUID).books["b"].liquidity == {
        "A": BookCost(F("0.05")),
        "B": RateCost(((F(0), F("0.0005")), (F(10**6), F("0.002")))),
        "*": PowerCost(F("0.001"), F(10**6), F("1.5")),
    }


@pytest.mark.parametrize("text", [HISTORICAL, SENSITIVITIES, CORRELATED, LIQUID])
def test_json_round_trip(text: str) -> None:
    policy = parse_policy(text)
    assert Policy.from_json(policy.to_json()) == policy


@pytest.mark.parametrize(
    ("text", "old", "new", "column", "message"),
    [
        (HISTORICAL, '"value-at-risk"', '"value-at-riks"', "measure", "unknown measure"),
        (HISTORICAL, 'tail = "0.01"', "", "tail", "missing"),
        (HISTORICAL, 'tail = "0.01"', "tail = 0.01", "tail", "not a decimal in quotes"),
        (HISTORICAL, 'filter = "0.97"', 'filters = "0.97"', "filters", "unknown key"),
        (HISTORICAL, 'filter = "0.97"', 'scenarios = "span-17"', "scenarios", "unknown scenario set"),
        (SENSITIVITIES, '["30", "90"]', "[30, 90]", "vega_buckets", "not an array of texts"),
        (CORRELATED, 'vega = "0.4", ', "", "correlations.vega", "missing"),
        (LIQUID, '{ beyond = "0.05" }', '{ above = "0.05" }', "liquidity.A", "no cost"),
        (LIQUID, '{ beyond = "0.05" }', '"depth"', "liquidity.A", "no cost"),
        (LIQUID, '["0", "0.0005"]', '["0"]', "liquidity.B", "no cost"),
        (LIQUID, 'power = "1.5"', 'power = "0.5"', "liquidity.*", "power out of range"),
    ],
)
def test_policies_that_are_refused(text: str, old: str, new: str, column: str, message: str) -> None:
    assert old in text
    with pytest.raises(InputError) as error:
        parse_policy(text.replace(old, new))
    found = [(problem.column, problem.message) for problem in error.value.problems]
    assert any(where == f"book.b.{column}" and message in said for where, said in found), found


def test_json_of_other_shapes_is_refused() -> None:
    value = parse_policy(LIQUID).to_json()
    book = value["books"]["b"]
    for change in (
        {"liquidity": {}},
        {"liquidity": {"A": "depth"}},
        {"liquidity": {"A": {"rate": "1"}}},
        {"parameters": {**book["parameters"], "measure": "worst"}},
        {"parameters": {**book["parameters"], "filter": "x"}},
    ):
        with pytest.raises(DecodeError):
            Policy.from_json({**value, "books": {"b": {**book, **change}}})
