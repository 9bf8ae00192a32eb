"""Leverage brackets as the exchange publishes them become a policy that proves the exchange's own amounts."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import small_market as sm
from bracket_cases import BTC, BTCUSDT, bracket_book, compile_book

from zkmargin.cli.main import run
from zkmargin.errors import InputError
from zkmargin.inputs.binance_brackets import BracketReport, LeverageBracket, import_brackets
from zkmargin.inputs.market import Market, in_circuit_order
from zkmargin.inputs.models.bracket import Bracket
from zkmargin.inputs.models.brackets import Brackets
from zkmargin.inputs.policy_file import parse_policy

F = Fraction
VECTORS = Path(__file__).parents[2] / ".." / "shared" / "vectors" / "binance" / "leverage_tiers.json"
HEAD = """
[exchange]
name = "Imported"
quote = "USDT"
[units]
equity_quantum = "1e-6"
margin_quantum = "1e-4"
[book.perp]
model = "brackets"
settlement = "USDT"
initial_rates = "whole"
collateral = { USDT = "cash" }
limits = { position = "1e9", balance = "1e9" }
"""


def published() -> list[dict[str, Any]]:
    """BTCUSDT as GET /fapi/v1/leverageBracket answers it."""
    caps = [floor for floor, *_ in BTCUSDT[1:]] + [1_800_000_000]
    brackets = [
        {
            "bracket": n + 1,
            "initialLeverage": leverage,
            "notionalCap": cap,
            "notionalFloor": floor,
            "maintMarginRatio": float(rate),
            "cum": float(cum),
        }
        for n, ((floor, rate, leverage, cum), cap) in enumerate(zip(BTCUSDT, caps, strict=True))
    ]
    return [{"symbol": "BTCUSDT", "brackets": brackets}]


def written(folder: Path, value: object) -> Path:
    path = folder / "brackets.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_what_is_written_is_part_of_a_policy(tmp_path: Path) -> None:
    report = import_brackets([written(tmp_path, published())], tmp_path)
    assert len(report.brackets["BTCUSDT"]) == 12
    policy = parse_policy(HEAD + (tmp_path / "brackets.toml").read_text())
    parameters = policy.books["perp"].parameters
    assert isinstance(parameters, Brackets)
    assert parameters.of == {"BTCUSDT": BTC}


def test_the_form_in_which_ccxt_keeps_them(tmp_path: Path) -> None:
    items = [
        {"tier": 1.0, "info": {name: str(value) for name, value in item.items()}}
        for item in published()[0]["brackets"]
    ]
    value = {"BTC/USDT:USDT": items, "BTC/USDT:USDT-250328": items, "BTC/USDC:USDC": items}
    report = import_brackets([written(tmp_path, value)], tmp_path)
    assert (set(report.brackets), report.left_out) == ({"BTCUSDT", "BTCUSDT_250328"}, ("BTCUSDC",))


def change(field: str, value: object, bracket: int = 3) -> list[dict[str, Any]]:
    found = published()
    found[0]["brackets"][bracket][field] = value
    return found


@pytest.mark.parametrize(
    "value, column, message",
    [
        (change("cum", 11_449), "BTCUSDT", "the amount from 3000000 on is 11449, by floors and rates it is 11450"),
        (change("notionalFloor", 3_000_001), "BTCUSDT", "a gap: 3000000 to 3000001"),
        (change("notionalFloor", 1, 0), "BTCUSDT", "does not begin at 0"),
        (change("initialLeverage", 0), "BTCUSDT", "a leverage is not positive"),
        (change("maintMarginRatio", "a lot"), "BTCUSDT.maintMarginRatio", "not a decimal"),
        (change("cum", None), "BTCUSDT.cum", "no value"),
        (published() * 2, "BTCUSDT", "stands twice"),
        ([{"symbol": "BTCUSDT", "brackets": []}], "BTCUSDT", "not 1 to 64 brackets"),
        ([{"symbol": ["BTCUSDT"], "brackets": []}], None, "not leverage brackets"),
        ([{"symbol": "BTCUSDT"}], None, "not leverage brackets"),
        ([{"symbol": "BTCEUR", "brackets": published()[0]["brackets"]}], None, "no contract is quoted in USDT"),
        ({"BTC/USDT:USDT": [1]}, None, "not leverage brackets"),
        ("[[", None, "not JSON"),
        ("[" * 2_000, None, "not JSON"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, value: object, column: str | None, message: str) -> None:
    with pytest.raises(InputError) as caught:
        import_brackets([written(tmp_path, value)], tmp_path)
    assert any(p.column == column and message in p.message for p in caught.value.problems), (
        caught.value.problems
    )
    assert not (tmp_path / "brackets.toml").exists()


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, published())
    arguments = ["import", "binance-brackets", str(path), "-o", str(tmp_path / "out"), "--json"]
    assert run(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"contracts": 1, "brackets": 12, "left_out": []}
    assert run([*arguments[:4], str(tmp_path / "none"), "--quote", "EUR"]) == 2
    assert not (tmp_path / "none").exists()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        import_brackets([tmp_path / "absent.json"], tmp_path)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> BracketReport:
    if not VECTORS.is_file():
        pytest.skip("../shared/vectors/binance is not here; the brackets of BTCUSDT did run")
    return import_brackets([VECTORS], tmp_path_factory.mktemp("brackets"), ("USDT", "USDC", "BTC"))


def test_349_contracts(everything: BracketReport) -> None:
    """The import compares every published amount with the recursion over floors and rates."""
    assert (len(everything.brackets), sum(map(len, everything.brackets.values()))) == (349, 2_805)
    assert everything.left_out == ()


def market_of(report: BracketReport, seed: int) -> Market:
    """A market with every contract at a random mark of five digits, a lot worth 1 to 10."""
    chance = random.Random(seed)
    instruments, prices = [sm.spot("USD", "0.01")], {"USD": F(1)}
    for name in report.brackets:
        scale, digits = chance.randint(-4, 4), chance.randint(10_000, 99_999)
        lot = str(F(1) / 10**scale) if scale < 0 else f"{10.0**-scale:.4f}"
        instruments += [sm.spot(f"of {name}", lot), sm.contract(name, f"of {name}", lot)]
        prices |= {f"of {name}": F(digits, 10**4) * F(10) ** scale}
    marks = {name: prices[f"of {name}"] for name in report.brackets}
    return Market(sm.TIME, in_circuit_order(instruments), prices, marks, {}, {}, prices)


def largest(brackets: tuple[LeverageBracket, ...], notional: Fraction) -> Fraction:
    """max_t (rate_t x notional - cum_t), the published amounts."""
    return max(bracket.maintenance * notional - bracket.amount for bracket in brackets)


def test_the_circuit_of_349_contracts_is_the_published_rule_rounded_up(everything: BracketReport) -> None:
    """Every contract at sizes of all brackets: never below, above by at most 1e-6 of notional."""
    market, chance = market_of(everything, seed=1), random.Random(2)
    of = {
        name: tuple(Bracket(b.floor, b.maintenance, 1 / b.leverage) for b in brackets)
        for name, brackets in everything.brackets.items()
    }
    limit = F(2 * 10**9)
    parameters = Brackets(of, initial="whole")
    book = bracket_book(collateral={"USD": "cash"}, parameters=parameters, position_limit=limit)
    policy, _, compiled = compile_book(book, market)
    rows, expected, notionals = [], [], []
    for name, brackets in everything.brackets.items():
        lot = market.instruments[name].lot * market.mark[name]
        for bracket in brackets:
            lots = max(1, min(int(limit / lot), int(bracket.floor / lot) + chance.randint(-2, 10**4)))
            rows.append({("position", name): lots * chance.choice([1, -1])})
            notionals.append(lots * lot)
            expected.append(largest(brackets, lots * lot))
    witness = compiled.fill(sm.pots(*rows, book_id="perp"))
    over = [
        (int(proven) * policy.equity_quantum - exact) / notional
        for proven, exact, notional in zip(witness.outputs[:, 2], expected, notionals, strict=True)
    ]
    assert len(over) == 2_805
    assert min(over) >= 0
    assert max(over) <= F(1, 10**6)
