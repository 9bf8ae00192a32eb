"""The optional tables of a market: past returns and order books, as files."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from small_exchange import write_market

from zkmargin import canonical
from zkmargin.errors import DecodeError, InputError, Problem
from zkmargin.inputs.market import Market
from zkmargin.inputs.market_files import load_market

RETURNS = (
    "scenario,asset,price,volatility\nmon,BTC,-0.1,0.2\nmon,ETH,-0.15,\ntue,BTC,0.05,-0.1\ntue,ETH,0.04,0\n"
)
DEPTH = """\
instrument,side,price,size
BTC-PERP,bid,60000,2
BTC-PERP,bid,59990,5
BTC-PERP,ask,60020,1
BTC-PERP,ask,60030,3
"""


def load(folder: Path, **files: str) -> Market:
    market = write_market(folder)
    for name, text in files.items():
        (market / f"{name}.csv").write_text(text)
    return load_market(market)[1]


def problems(folder: Path, **files: str) -> list[Problem]:
    with pytest.raises(InputError) as error:
        load(folder, **files)
    return list(error.value.problems)


def test_returns_keep_the_order_of_the_file(tmp_path: Path) -> None:
    market = load(tmp_path, returns=RETURNS)
    assert market.returns is not None
    assert market.returns.scenarios == ("mon", "tue")
    assert market.returns.price == {
        "BTC": (Fraction("-0.1"), Fraction("0.05")),
        "ETH": (Fraction("-0.15"), Fraction("0.04")),
    }
    assert market.returns.volatility["ETH"] == (0, 0)


def test_depth_has_the_best_level_first(tmp_path: Path) -> None:
    depth = load(tmp_path, depth=DEPTH).depth["BTC-PERP"]
    assert depth.bids == ((60_000, 2), (59_990, 5))
    assert depth.asks == ((60_020, 1), (60_030, 3))


def test_a_market_without_them_has_the_bytes_that_it_had(tmp_path: Path) -> None:
    plain, full = load(tmp_path / "plain"), load(tmp_path / "full", returns=RETURNS, depth=DEPTH)
    assert set(full.to_json()) - set(plain.to_json()) == {"returns", "depth"}
    assert plain.digest != full.digest
    for market in (plain, full):
        assert Market.from_json(canonical.decode(canonical.encode(market.to_json()), "market")) == market


@pytest.mark.parametrize(
    ("name", "old", "new", "row", "column", "message"),
    [
        ("returns", "tue,ETH,0.04,0\n", "", None, "asset", "no move in scenario tue"),
        ("returns", "tue,ETH", "mon,ETH", 5, "asset", "stands twice"),
        ("returns", "mon,BTC,-0.1", "mon,BTC,-1e-1", 2, "price", "exponent"),
        ("returns", "mon,BTC,-0.1", "mon,BTC,-1.1", None, "price", "falls to 0 or below"),
        ("returns", "mon,BTC,-0.1,0.2", "mon,BTC,-0.1,-1", None, "volatility", "falls to 0 or below"),
        ("returns", "price,volatility", "move,volatility", 1, "move", "unknown column"),
        ("depth", "bid,59990", "bit,59990", 3, "side", "unknown"),
        ("depth", "bid,59990", "bid,60010", None, "BTC-PERP.price", "not beyond the bid"),
        ("depth", "ask,60020,1", "ask,60020,0", None, "BTC-PERP.price", "must be positive"),
        ("depth", "BTC-PERP,bid,60000", "BTC,bid,60000", None, "instrument", "no such contract"),
    ],
)
def test_tables_that_are_refused(
    tmp_path: Path, name: str, old: str, new: str, row: int | None, column: str, message: str
) -> None:
    text = {"returns": RETURNS, "depth": DEPTH}[name]
    assert old in text
    found = problems(tmp_path, **{name: text.replace(old, new)})
    assert any(
        (p.file, p.row, p.column) == (f"{name}.csv", row, column) and message in p.message for p in found
    ), found


def test_json_of_other_shapes_is_refused(tmp_path: Path) -> None:
    value = load(tmp_path, returns=RETURNS, depth=DEPTH).to_json()
    for change in (
        {"returns": {**value["returns"], "price": {"BTC": ["0"]}}},
        {"returns": {**value["returns"], "volatility": {}}},
        {"depth": {}},
        {"depth": {"BTC-PERP": {"bids": []}}},
        {"depth": {"BTC-PERP": {"bids": [["1"]], "asks": []}}},
    ):
        with pytest.raises(DecodeError):
            Market.from_json({**value, **change})
