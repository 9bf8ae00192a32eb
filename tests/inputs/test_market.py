from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from small_exchange import INSTRUMENTS, MARKET_FILES, POLICY, PRICES, write_files, write_market

from zkmargin import canonical
from zkmargin.errors import DecodeError, InputError, PolicyError, Problem
from zkmargin.inputs import load_market
from zkmargin.inputs.market import Market, parse_time
from zkmargin.inputs.market_rules import check_age, check_market, check_together
from zkmargin.inputs.policy import Policy
from zkmargin.inputs.widths import balance_bits, position_bits

F = Fraction
EXPIRY = datetime(2026, 3, 27, 8, tzinfo=UTC)


def faults(folder: Path, **changed: str) -> list[Problem]:
    with pytest.raises(InputError) as caught:
        load_market(write_market(folder, **changed))
    return list(caught.value.problems)


def test_everything_is_read(public: tuple[Policy, Market]) -> None:
    _, market = public
    assert market.time == datetime(2026, 1, 30, 8, tzinfo=UTC)
    assert list(market.instruments) == [
        "BTC-MAR", "BTC-60000-C", "BTC-PERP", "BTC-PERP-INVERSE", "BTC", "ETH", "USD",
    ]  # fmt: skip
    assert market.assets == ("BTC", "ETH", "USD")
    assert market.spot == {"BTC": 60000, "ETH": 3000, "USD": 1}
    assert market.index == {"BTC": 60000}
    assert market.forward == {("BTC", EXPIRY): 60600}
    assert market.volatility == {"BTC-60000-C": F(11, 20)}
    option, inverse = market.instruments["BTC-60000-C"], market.instruments["BTC-PERP-INVERSE"]
    assert (option.expiry, option.strike, option.right) == (EXPIRY, 60000, "call")
    assert (inverse.inverse, inverse.multiplier, option.multiplier) == (True, 100, 1)


def test_columns_rows_and_line_ends_do_not_matter(tmp_path: Path, public: tuple[Policy, Market]) -> None:
    lines = PRICES.splitlines()
    prices = "\r\n".join([lines[0], *reversed(lines[1:]), "2026-01-30T08:00:00+00:00,spot,USD,,1.0"])
    prices = prices.replace("2026-01-30T08:00:00+00:00", "2026-01-30T08:00:00Z")
    instruments = "\ufeff" + INSTRUMENTS.replace("\n", "\r\n")
    _, market = load_market(write_market(tmp_path / "other", prices=prices, instruments=instruments))
    assert market.digest == public[1].digest


def test_an_index_of_its_own(tmp_path: Path, public: tuple[Policy, Market]) -> None:
    prices = PRICES + "2026-01-30T08:00:00Z,index,BTC,,59990\n"
    _, market = load_market(write_market(tmp_path / "other", prices=prices))
    assert market.index == {"BTC": 59990}
    assert market.digest != public[1].digest


def test_a_price_between_two_ticks_is_a_price(tmp_path: Path) -> None:
    """Marks are indices and medians: a tick says in which steps an instrument trades, and nothing is refused for it."""
    prices = PRICES.replace("mark,BTC-PERP,,60010.5\n", "mark,BTC-PERP,,60030.123\n")
    assert prices != PRICES
    _, market = load_market(write_market(tmp_path / "other", prices=prices))
    assert market.mark["BTC-PERP"] == Fraction("60030.123")
    assert (market.mark["BTC-PERP"] / market.instruments["BTC-PERP"].tick).denominator != 1


@pytest.mark.parametrize(
    "old, new, row, column, message",
    [
        ("BTC-PERP,perpetual", "BTC,perpetual", 5, "instrument", "twice"),
        ("BTC-PERP,perpetual", ",perpetual", 5, "instrument", "empty"),
        ("BTC-PERP,perpetual", "BTC-PERP,swap", 5, "kind", "unknown"),
        ("0.001,0.5,,,,,", "0,0.5,,,,,", 5, "lot", "must be positive"),
        ("0.001,0.5,,,,,", "0.001,-1,,,,,", 5, "tick", "must be positive"),
        ("0.001,0.5,,,,,", "1e-3,0.5,,,,,", 5, "lot", "exponent"),
        ("0.001,0.5,,,,,", "0.001,0.5,2026-03-27T08:00:00Z,,,,", 5, "expiry", "not for the kind perpetual"),
        ("2026-03-27T08:00:00Z,,,,", ",,,,", 7, "expiry", "missing for the kind future"),
        ("2026-03-27T08:00:00Z,,,,", "27MAR26,,,,", 7, "expiry", "not a time"),
        ("2026-03-27T08:00:00Z,,,,", "2026-3-27T8:00:00Z,,,,", 7, "expiry", "not a time"),
        ("60000,call,,", ",call,,", 8, "strike", "missing for the kind option"),
        ("60000,call,,", "60000,,,", 8, "right", "missing for the kind option"),
        ("60000,call,,", "60000,Call,,", 8, "right", "unknown"),
        ("60000,call,,", "-1,call,,", 8, "strike", "must be positive"),
        ("60000,call,,", "60000,call,,true", 8, "inverse", "the kind option cannot be inverse"),
        ("100,true", "100,yes", 6, "inverse", "unknown"),
        ("100,true", "0,true", 6, "multiplier", "must be positive"),
        ("BTC,BTC,1,0.5", "BTC,USD,1,0.5", 6, "settlement", "an inverse contract settles in its underlying"),
        (
            "ETH,spot,ETH,USD,0.001,0.01,,,,,",
            "ETH,spot,ETH,USD,0.001,0.01,,,,2,",
            4,
            "multiplier",
            "has none",
        ),
        ("ETH,spot,ETH,USD", "ETH,spot,BTC,USD", 4, "underlying", "is itself"),
    ],
)
def test_instruments_that_are_refused(
    tmp_path: Path, old: str, new: str, row: int, column: str, message: str
) -> None:
    assert old in INSTRUMENTS
    found = faults(tmp_path, instruments=INSTRUMENTS.replace(old, new, 1))
    assert any((p.row, p.column) == (row, column) and message in p.message for p in found), found


@pytest.mark.parametrize(
    "old, new, row, message",
    [
        (
            "2026-01-30T08:00:00Z,spot,ETH",
            "2026-01-30T08:00:01Z,spot,ETH",
            3,
            "not the time of the first row",
        ),
        ("2026-01-30T08:00:00Z,spot,BTC", "yesterday,spot,BTC", 2, "not a time"),
        (",60010.5", ",NaN", 4, "not a finite number"),
        (",60010.5", ",6e4", 4, "exponent"),
        ("mark,BTC-PERP,,", "marc,BTC-PERP,,", 4, "unknown"),
        ("mark,BTC-PERP,,", "mark,BTC-PERP,2026-03-27T08:00:00Z,", 4, "a mark price has none"),
        ("mark,BTC-PERP,,", "mark,BTC-MAR,,", 6, "stands twice"),
        ("forward,BTC,2026-03-27T08:00:00Z", "forward,BTC,", 8, "not a time"),
        ("volatility,BTC-60000-C,", "forward,BTC,2026-03-27T08:00:00Z", 9, "the forward price stands twice"),
    ],
)
def test_price_rows_that_are_refused(tmp_path: Path, old: str, new: str, row: int, message: str) -> None:
    assert old in PRICES
    found = faults(tmp_path, prices=PRICES.replace(old, new, 1))
    assert any(p.row == row and message in p.message for p in found), found


@pytest.mark.parametrize(
    "line, value, message",
    [
        (1, "BTC", "no spot price"),
        (3, "BTC-PERP", "no mark price"),
        (6, "BTC-60000-C", "no mark price"),
        (7, "BTC 2026-03-27T08:00:00Z", "no forward price"),
        (8, "BTC-60000-C", "no implied volatility"),
    ],
)
def test_a_missing_price_is_named(tmp_path: Path, line: int, value: str, message: str) -> None:
    lines = PRICES.splitlines(keepends=True)
    del lines[line]
    found = faults(tmp_path, prices="".join(lines))
    assert [(p.value, p.message) for p in found] == [(value, message)]


@pytest.mark.parametrize(
    "row, message",
    [
        ("spot,DOGE,,1", "spot price of an unknown name"),
        ("mark,ETH,,1", "mark price of an unknown name"),
        ("volatility,BTC-PERP,,1", "volatility price of an unknown name"),
        ("forward,DOGE,2026-03-27T08:00:00Z,1", "forward price of an unknown name"),
        ("spot,USD,,1.01", "the quote asset's price is 1"),
    ],
)
def test_surplus_prices(tmp_path: Path, row: str, message: str) -> None:
    found = faults(tmp_path, prices=PRICES + f"2026-01-30T08:00:00Z,{row}\n")
    assert [p.message for p in found] == [message]


@pytest.mark.parametrize("value", ["60010.5", "3000", "0.55", "60600"])
@pytest.mark.parametrize("wrong", ["0", "-1"])
def test_prices_are_positive(tmp_path: Path, value: str, wrong: str) -> None:
    found = faults(tmp_path, prices=PRICES.replace(f",{value}\n", f",{wrong}\n"))
    assert found and all("price is not positive" in p.message for p in found), found


def test_an_option_may_be_worth_nothing_and_an_expired_one_needs_no_volatility(tmp_path: Path) -> None:
    prices = PRICES.replace(",5000.25", ",0").replace("2026-01-30", "2026-04-01").splitlines()[:-1]
    load_market(write_market(tmp_path, prices="\n".join(prices)))


@pytest.mark.parametrize(
    "changed, column, message",
    [
        ({"policy": POLICY.replace('quote = "USD"', 'quote = "EUR"')}, None, "the quote asset is missing"),
        (
            {"policy": POLICY.replace('settlement = "USD"', 'settlement = "EUR"')},
            "book.portfolio.settlement",
            "no such",
        ),
        (
            {"policy": POLICY.replace('"0.18"', '"0.18", XRP = "0.2"')},
            "book.portfolio.price_range.XRP",
            "no such",
        ),
        (
            {"policy": POLICY.replace("margin = { BTC", "margin = { XRP")},
            "book.spot.pools.margin.XRP",
            "no such",
        ),
        (
            {"policy": POLICY.replace('BTC = "0.16", ', "").replace('BTC = "shocked", ', "")},
            "book.portfolio.price_range.BTC",
            "missing",
        ),
        (
            {"policy": POLICY.replace('position = "1e7"', 'position = "1e60"')},
            "book.portfolio.limits.position",
            "bits",
        ),
        ({"policy": POLICY.replace('"1e9"', '"1e60"')}, "book.spot.limits.balance", "bits"),
        (
            {"instruments": INSTRUMENTS.replace("BTC-MAR,future,BTC", "BTC-MAR,future,XRP")},
            None,
            "no spot instrument",
        ),
        (
            {"instruments": INSTRUMENTS.replace("ETH,spot,ETH,USD", "ETH,spot,ETH,BTC")},
            "settlement",
            "quote asset",
        ),
    ],
)
def test_policy_and_market_belong_together(
    tmp_path: Path, changed: dict[str, str], column: str | None, message: str
) -> None:
    found = faults(tmp_path, **changed)
    assert any(p.column == column and message in p.message for p in found), found


@pytest.mark.parametrize("name", sorted(MARKET_FILES))
def test_each_file_is_needed(tmp_path: Path, name: str) -> None:
    write_files(tmp_path, {key: text for key, text in MARKET_FILES.items() if key != name})
    with pytest.raises(InputError) as caught:
        load_market(tmp_path)
    assert [p.file for p in caught.value.problems] == [name]


@pytest.mark.parametrize("name", sorted(MARKET_FILES))
def test_wrong_encoding(tmp_path: Path, name: str) -> None:
    write_market(tmp_path)
    (tmp_path / name).write_bytes(MARKET_FILES[name].encode("utf-16"))
    with pytest.raises(InputError, match="not UTF-8"):
        load_market(tmp_path)


def test_problems_of_all_files_at_once(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        policy=POLICY.replace('"0.16"', "0.16"),
        instruments=INSTRUMENTS.replace("0.001", "x", 1),
        prices=PRICES.replace("60010.5", ""),
    )
    assert {p.file for p in found} == {"policy.toml", "instruments.csv", "prices.csv"}


@pytest.mark.parametrize("name", ["instruments", "prices"])
def test_a_header_alone_is_not_enough(tmp_path: Path, name: str) -> None:
    header = MARKET_FILES[f"{name}.csv"].splitlines()[0]
    assert any(p.message == f"no {name}" for p in faults(tmp_path, **{name: header}))


def test_json_round_trip(public: tuple[Policy, Market]) -> None:
    market = public[1]
    again = Market.from_json(canonical.decode(canonical.encode(market.to_json()), "market"))
    assert (again, list(again.instruments)) == (market, list(market.instruments))
    assert again.digest == market.digest and check_market(again) == []


def test_json_is_held_against_the_same_rules(public: tuple[Policy, Market]) -> None:
    policy, market = public
    item = replace(market.instruments["BTC-PERP"], lot=F(0))
    wrong = replace(market, instruments={**market.instruments, "BTC-PERP": item})
    assert [p.column for p in check_market(wrong)] == ["BTC-PERP.lot"]
    nameless = check_market(replace(market, index={}))
    assert [(p.value, p.message) for p in nameless] == [("BTC", "no index price")]
    assert any("0 instruments" in p.message for p in check_market(replace(market, instruments={})))
    assert any(
        "quote asset is missing" in p.message for p in check_together(replace(policy, quote="EUR"), market)
    )


@pytest.mark.parametrize(
    "path, value",
    [
        (("time",), "2026-1-30T8:00:00Z"),
        (("time",), "2026-01-30T08:00:00+00:00"),
        (("spot", "BTC"), "60000.0"),
        (("instruments", "BTC", "kind"), "coin"),
        (("instruments", "BTC", "inverse"), "false"),
        (("instruments", "BTC", "colour"), "red"),
        (("forward",), [["BTC", "2026-03-27T08:00:00Z"]]),
        (("forward",), [["BTC", "2026-03-27T08:00:00Z", "2"], ["BTC", "2026-02-27T08:00:00Z", "2"]]),
    ],
)
def test_json_of_another_shape(public: tuple[Policy, Market], path: tuple[str, ...], value: object) -> None:
    data = public[1].to_json()
    target = data
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    with pytest.raises(DecodeError):
        Market.from_json(data)


def test_the_age_of_prices(public: tuple[Policy, Market]) -> None:
    policy, market = public
    check_age(policy, market, market.time)
    check_age(policy, market, market.time + timedelta(minutes=5))
    with pytest.raises(PolicyError, match="stale"):
        check_age(policy, market, market.time + timedelta(minutes=5, seconds=1))
    with pytest.raises(PolicyError, match="future"):
        check_age(policy, market, market.time - timedelta(seconds=1))


def test_times() -> None:
    assert parse_time("2026-03-27T08:00:00Z") == parse_time("2026-03-27T08:00:00+00:00") == EXPIRY
    for text in ("2026-03-27", "2026-03-27T08:00:00", "2026-03-27T08:00:00+01:00", "2026-03-27 08:00:00Z"):
        with pytest.raises(ValueError):
            parse_time(text)


def test_widths_follow_the_limits(public: tuple[Policy, Market]) -> None:
    policy, market = public
    book = policy.books["portfolio"]
    bits = {item.name: position_bits(book, market, item) for item in market.contracts}
    # 1e7 / (0.001 x 60000) = 166,666; / (0.01 x 60000) = 16,666; / (1 x 100) = 100,000
    assert bits == {"BTC-MAR": 18, "BTC-60000-C": 15, "BTC-PERP": 18, "BTC-PERP-INVERSE": 17}
    # 1e9 / (0.0001 x 60000), 1e9 / (0.001 x 3000), 1e9 / 0.01
    assert [balance_bits(book, market, asset) for asset in ("BTC", "ETH", "USD")] == [28, 29, 37]
