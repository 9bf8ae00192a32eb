"""The market of the example exchange: a fixed time, round prices, options marked by Black-76.

The only floats are in marks and volatilities that are rounded to ticks before anybody sees them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from itertools import islice
from pathlib import Path

from zkmargin.errors import UsageError
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.market import Instrument, Market, Right, in_circuit_order, time_text
from zkmargin.inputs.market_files import INSTRUMENTS, PRICES
from zkmargin.inputs.table_writer import Format, write_table

TIME = datetime(2026, 1, 30, 8, tzinfo=UTC)
_LAST_FRIDAYS = ((2026, 2, 27), (2026, 3, 27), (2026, 6, 26), (2026, 9, 25), (2026, 12, 25), (2027, 3, 26))
EXPIRIES = tuple(datetime(*day, 8, tzinfo=UTC) for day in _LAST_FRIDAYS)
DEFAULT_CONTRACTS, LEAST_CONTRACTS = 17, 9
PER_EXPIRY = 24  # options of one underlying and expiry before another expiry is listed
CARRY = 0.06  # yearly, between spot and forwards
YEAR = 365 * 24 * 3600

POLICY = """\
[exchange]
name = "Example"
quote = "USD"
circuit_version = 1

[units]
equity_quantum = "1e-6"
margin_quantum = "1e-4"

[attestation]
max_overstatement = "1"
publish = ["requirement"]

[book.portfolio]
model = "scenarios"
settlement = "USD"
netting = "underlying"
scenarios = "span-16"
price_range = { BTC = "0.16", ETH = "0.18", USDT = "0.02" }
volatility_range = "0.5"
short_option_minimum = "0.005"
initial_factor = "1.25"
collateral = { USD = "cash", BTC = "shocked", USDT = [["0", "0.98"]], ETH = [["0", "0.95"], ["1000000", "0.9"]] }
limits = { position = "2e6", balance = "1e8" }
levels = { warning = "1.5", call = "1.1", liquidation = "1.0" }
pad_to = 16
minimum_accounts = 16

[book.spot]
model = "collateral"
settlement = "USD"
limits = { balance = "1e8" }
pad_to = 16
minimum_accounts = 16

[book.spot.pools.loan]
BTC = [["0", "1"], ["500000", "0.9"], ["2000000", "0.5"], ["10000000", "0"]]
ETH = [["0", "0.95"], ["500000", "0.8"], ["2000000", "0.4"]]
USDT = [["0", "0.98"]]

[book.spot.pools.margin]
BTC = [["0", "0.95"], ["1000000", "0.8"]]
ETH = [["0", "0.9"], ["1000000", "0.7"]]
"""


@dataclass(frozen=True)
class Underlying:
    """What the contracts on one asset look like."""

    name: str
    spot: Fraction
    lot: Fraction  # of perpetuals and futures
    option_lot: Fraction
    tick: Fraction
    strike_step: int
    volatility: float


_D = Fraction
UNDERLYINGS = (
    Underlying("BTC", _D("64250.12"), _D("0.001"), _D("0.01"), _D("0.5"), 5000, 0.52),
    Underlying("ETH", _D("3418.37"), _D("0.01"), _D("0.1"), _D("0.05"), 200, 0.66),
)
ASSETS = {  # asset: (spot price, lot, tick)
    "BTC": (_D("64250.12"), _D("0.0001"), _D("0.01")),
    "ETH": (_D("3418.37"), _D("0.001"), _D("0.01")),
    "USD": (_D(1), _D("0.01"), _D("0.01")),
    "USDT": (_D("0.9998"), _D("0.01"), _D("0.0001")),
}


def example_market(contracts: int = DEFAULT_CONTRACTS) -> Market:
    """Return the example's market: spot, perpetuals (one inverse), a future each, options in the rest."""
    if contracts < LEAST_CONTRACTS:
        raise UsageError("usage", f"at least {LEAST_CONTRACTS} instruments besides spot", actual=contracts)
    items = [Instrument(name, "spot", name, "USD", lot, tick) for name, (_, lot, tick) in ASSETS.items()]
    market = Market(TIME, {}, {name: price for name, (price, *_) in ASSETS.items()}, {}, {}, {}, {})
    mark, forward, volatility = dict(market.mark), dict(market.forward), dict(market.volatility)
    btc = UNDERLYINGS[0]
    inverse = Instrument(
        "BTC-PERP-INVERSE", "perpetual", "BTC", "BTC", _D(1), btc.tick, multiplier=_D(100), inverse=True
    )
    items.append(inverse)
    mark[inverse.name] = _rounded(float(btc.spot) * 1.0004, btc.tick)
    options = contracts - 5
    for number, asset in enumerate(UNDERLYINGS):
        count = options // 2 + (options % 2 if number == 0 else 0)
        listed = list(_options(asset, count))
        dates = sorted({EXPIRIES[1], *(item.expiry for item in listed if item.expiry)})
        forward.update({(asset.name, date): _forward(asset, date) for date in dates})
        perpetual = Instrument(f"{asset.name}-PERP", "perpetual", asset.name, "USD", asset.lot, asset.tick)
        future = Instrument(
            f"{asset.name}-{_label(EXPIRIES[1])}",
            "future",
            asset.name,
            "USD",
            asset.lot,
            asset.tick,
            EXPIRIES[1],
        )
        mark[perpetual.name] = _rounded(float(asset.spot) * 1.0003, asset.tick)
        mark[future.name] = forward[asset.name, EXPIRIES[1]]
        for item in listed:
            sigma = _smile(asset, item, forward)
            volatility[item.name] = sigma
            mark[item.name] = _option_mark(item, forward, sigma)
        items += [perpetual, future, *listed]
    index = {asset.name: asset.spot for asset in UNDERLYINGS}
    return Market(TIME, in_circuit_order(items), market.spot, mark, forward, volatility, index)


def write_market(folder: Path, market: Market, form: Format) -> None:
    """Write the policy and a market as the files that `load_market` reads."""
    (folder / "policy.toml").write_text(POLICY, encoding="utf-8")
    write_table(
        folder, "instruments", INSTRUMENTS.names, map(_instrument_row, market.instruments.values()), form
    )
    write_table(folder, "prices", PRICES.names, _price_rows(market), form)


def black_76(right: Right, forward: float, strike: float, years: float, sigma: float) -> float:
    """Undiscounted Black-76 price of an option (Black, 1976)."""
    spread = sigma * math.sqrt(years)
    d1 = math.log(forward / strike) / spread + spread / 2
    call = forward * _normal(d1) - strike * _normal(d1 - spread)
    return call if right == "call" else call - forward + strike


def years_to(expiry: datetime) -> float:
    """ACT/365 from the example's time."""
    return (expiry - TIME).total_seconds() / YEAR


def _options(asset: Underlying, count: int) -> Iterator[Instrument]:
    """List options from the money outwards, spread evenly over as many expiries as it takes."""
    dates = EXPIRIES[: min(len(EXPIRIES), max(2, -(-count // PER_EXPIRY)))]
    for number, expiry in enumerate(dates):
        here = count // len(dates) + (number < count % len(dates))
        step = asset.strike_step if here <= 8 else asset.strike_step // 2
        middle = round(_forward(asset, expiry) / step) * step
        for steps, right in islice(_ladder(), here):
            strike = middle + steps * step
            name = f"{asset.name}-{_label(expiry)}-{strike}-{right[0].upper()}"
            yield Instrument(
                name,
                "option",
                asset.name,
                "USD",
                asset.option_lot,
                asset.tick,
                expiry,
                Fraction(strike),
                right,
            )


def _ladder() -> Iterator[tuple[int, Right]]:
    """Strikes in steps from the money: out of the money first, then their other sides."""
    yield 0, "call"
    steps = 1
    while True:
        yield -steps, "put"
        yield steps, "call"
        yield 1 - steps, "put" if steps == 1 else "call"
        if steps > 1:
            yield steps - 1, "put"
        steps += 1


def _label(expiry: datetime) -> str:
    months = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
    return f"{expiry.day}{months[expiry.month - 1]}{expiry.year % 100}"


def _forward(asset: Underlying, expiry: datetime) -> Fraction:
    return _rounded(float(asset.spot) * math.exp(CARRY * years_to(expiry)), asset.tick)


def _smile(asset: Underlying, item: Instrument, forward: dict[tuple[str, datetime], Fraction]) -> Fraction:
    expiry, strike = _terms(item)
    moneyness = math.log(strike / forward[asset.name, expiry]) / math.sqrt(years_to(expiry))
    return _rounded(asset.volatility + 0.08 * moneyness**2 - 0.02 * moneyness, Fraction(1, 1000))


def _option_mark(
    item: Instrument, forward: dict[tuple[str, datetime], Fraction], sigma: Fraction
) -> Fraction:
    expiry, strike = _terms(item)
    at = float(forward[item.underlying, expiry])
    right: Right = item.right or "call"
    return _rounded(black_76(right, at, float(strike), years_to(expiry), float(sigma)), item.tick / 5)


def _terms(item: Instrument) -> tuple[datetime, Fraction]:
    if item.expiry is None or item.strike is None:
        raise ValueError(item.name)
    return item.expiry, item.strike


def _normal(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


def _rounded(value: float, tick: Fraction) -> Fraction:
    return round(Fraction(value) / tick) * tick


def _instrument_row(item: Instrument) -> tuple[str, ...]:
    return (
        item.name,
        item.kind,
        item.underlying,
        item.settlement,
        decimal_text(item.lot),
        decimal_text(item.tick),
        time_text(item.expiry) if item.expiry else "",
        decimal_text(item.strike) if item.strike is not None else "",
        item.right or "",
        decimal_text(item.multiplier) if item.kind != "spot" else "",
        "true" if item.inverse else "",
    )


def _price_rows(market: Market) -> Iterator[tuple[str, ...]]:
    time = time_text(market.time)
    for kind, prices in (("spot", market.spot), ("mark", market.mark), ("volatility", market.volatility)):
        for name, price in prices.items():
            yield time, kind, name, decimal_text(price), ""
    for (underlying, expiry), price in market.forward.items():
        yield time, "forward", underlying, decimal_text(price), time_text(expiry)
