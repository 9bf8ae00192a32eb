"""Which markets are refused, and why; and which market a policy cannot be used with.

The same rules hold for a market read from files and for one read from an attestation.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from zkmargin import limits
from zkmargin.errors import PolicyError, Problem
from zkmargin.inputs.liquidity import market_cost_faults
from zkmargin.inputs.market import Instrument, Market, time_text
from zkmargin.inputs.models import MODELS
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.inputs.policy_rules import duration
from zkmargin.inputs.problems import Fault
from zkmargin.inputs.texts import label_fault
from zkmargin.inputs.widths import balance_bits, position_bits, revalued_bits

_KIND_COLUMNS = {"spot": (), "perpetual": (), "future": ("expiry",), "option": ("expiry", "strike", "right")}


def instrument_faults(item: Instrument) -> Iterator[Fault]:
    """Say what is wrong with one instrument by itself."""
    for column, text in (
        ("instrument", item.name),
        ("underlying", item.underlying),
        ("settlement", item.settlement),
    ):
        if fault := label_fault(text):
            yield column, text, fault, None
    for column, value in (("lot", item.lot), ("tick", item.tick), ("multiplier", item.multiplier)):
        if value <= 0:
            yield column, str(value), "must be positive", None
    yield from _kind_faults(item)
    if item.kind == "spot" and item.underlying != item.name:
        yield "underlying", item.underlying, "the underlying of a spot instrument is itself", item.name
    if item.kind == "spot" and item.multiplier != 1:
        yield "multiplier", str(item.multiplier), "a spot instrument has none", "leave it empty"


def _kind_faults(item: Instrument) -> Iterator[Fault]:
    """Say which columns are missing or surplus for the kind of an instrument."""
    needed = _KIND_COLUMNS[item.kind]
    for column, has in (("expiry", item.expiry), ("strike", item.strike), ("right", item.right)):
        if has is None and column in needed:
            yield column, None, f"missing for the kind {item.kind}", None
        elif has is not None and column not in needed:
            yield column, str(has), f"not for the kind {item.kind}", "leave it empty"
    if item.inverse and item.kind not in ("perpetual", "future"):
        yield "inverse", "true", f"the kind {item.kind} cannot be inverse", "only perpetuals and futures can"
    elif item.inverse and item.settlement != item.underlying:
        yield "settlement", item.settlement, "an inverse contract settles in its underlying", item.underlying
    if item.strike is not None and item.strike <= 0:
        yield "strike", str(item.strike), "must be positive", None


def check_market(market: Market) -> list[Problem]:
    """Return every reason to refuse a market by itself, without a policy."""
    problems = []
    for name, item in market.instruments.items():
        for column, value, message, hint in instrument_faults(item):
            problems.append(Problem("instruments.csv", None, f"{name}.{column}", value, message, hint))
    if not 1 <= len(market.instruments) <= limits.MAX_INSTRUMENTS:
        message = f"{len(market.instruments)} instruments"
        problems.append(
            Problem("instruments.csv", None, None, None, message, f"1 to {limits.MAX_INSTRUMENTS}")
        )
    problems += [Problem("returns.csv", None, *fault) for fault in _return_faults(market)]
    problems += [Problem("depth.csv", None, *fault) for fault in _depth_faults(market)]
    for name, message, hint in (*_unknown_assets(market), *_missing_prices(market), *_bad_prices(market)):
        problems.append(Problem("prices.csv", None, None, name, message, hint))
    return problems


def _unknown_assets(market: Market) -> Iterator[tuple[str, str, str | None]]:
    assets = set(market.assets)
    for item in market.contracts:
        for role, asset in (("underlying", item.underlying), ("settlement", item.settlement)):
            if asset not in assets:
                yield (
                    asset,
                    f"the {role} of {item.name!r} is no spot instrument",
                    "add one to instruments.csv",
                )


def _missing_prices(market: Market) -> Iterator[tuple[str, str, str | None]]:
    time, options = market.time, [item for item in market.contracts if item.kind == "option"]
    for asset in market.assets:
        if asset not in market.spot:
            yield asset, "no spot price", f"add a row: spot, {asset}"
    for asset in sorted({item.underlying for item in market.contracts}):
        if (
            asset in market.spot and asset not in market.index
        ):  # where there is neither, the spot price is named
            yield asset, "no index price", f"add a row: index, {asset}"
    for item in market.contracts:
        if item.name not in market.mark:
            yield item.name, "no mark price", f"add a row: mark, {item.name}"
    for underlying, expiry in sorted({(item.underlying, item.expiry) for item in options if item.expiry}):
        if (underlying, expiry) not in market.forward:
            at = time_text(expiry)
            yield f"{underlying} {at}", "no forward price", f"add a row: forward, {underlying}, {at}"
    for item in options:
        if item.expiry is not None and item.expiry > time and item.name not in market.volatility:
            yield item.name, "no implied volatility", f"add a row: volatility, {item.name}"


def _bad_prices(market: Market) -> Iterator[tuple[str, str, str | None]]:
    """Prices of things that do not exist, and prices that are not positive (an option's mark may be 0)."""
    contracts = {item.name: item.kind for item in market.contracts}
    options = {name for name, kind in contracts.items() if kind == "option"}
    assets = set(market.assets)
    forward = {f"{underlying} {time_text(at)}": price for (underlying, at), price in market.forward.items()}
    kinds = (
        ("spot", market.spot, assets),
        ("mark", market.mark, set(contracts)),
        ("volatility", market.volatility, options),
        ("index", market.index, assets),
        ("forward", forward, {name for name in forward if name.rpartition(" ")[0] in assets}),
    )
    for kind, prices, known in kinds:
        for name, price in prices.items():
            if name not in known:
                yield name, f"{kind} price of an unknown name", None
            elif price < 0 or (price == 0 and not (kind == "mark" and name in options)):
                yield name, f"{kind} price is not positive", None
    for name, message in market.feeds.faults(assets, set(contracts), set(market.forward)):
        yield name, message, None


def _return_faults(market: Market) -> Iterator[Fault]:
    if market.returns is not None:
        yield from market.returns.faults(frozenset(market.assets))


def _depth_faults(market: Market) -> Iterator[Fault]:
    contracts = {item.name for item in market.contracts}
    for name, depth in market.depth.items():
        if name not in contracts:
            yield "instrument", name, "no such contract", None
        for column, value, message, hint in depth.faults():
            yield f"{name}.{column}", value, message, hint


def check_together(policy: Policy, market: Market) -> list[Problem]:
    """Return every reason why this policy cannot be used with this market; both are valid by themselves."""
    problems = []
    for asset in market.assets:
        if market.instruments[asset].settlement != policy.quote:
            message = "a spot instrument settles in the quote asset"
            problems.append(Problem("instruments.csv", None, "settlement", asset, message, policy.quote))
    if policy.quote not in market.assets:
        hint = f"add a spot instrument {policy.quote}"
        problems.append(
            Problem("instruments.csv", None, None, policy.quote, "the quote asset is missing", hint)
        )
    elif market.spot[policy.quote] != 1:
        problems.append(Problem("prices.csv", None, "value", policy.quote, "the quote asset's price is 1"))
    for book in policy.books.values():
        faults = _book_faults(book, policy, market)
        problems.extend(Problem("policy.toml", None, f"book.{book.id}.{f[0]}", *f[1:]) for f in faults)
    revalued = sum(
        _revaluations(book, market) * revalued_bits(book, market) for book in policy.books.values()
    )
    if revalued > limits.MAX_REVALUED:  # a small file may not ask for hours of work
        message = "too many scenarios for so many instruments"
        hint = f"bits of amounts x scenarios: {revalued}, at most {limits.MAX_REVALUED}"
        problems.append(Problem("policy.toml", None, "scenarios", None, message, hint))
    return problems


def _book_faults(book: BookPolicy, policy: Policy, market: Market) -> Iterator[Fault]:
    assets = set(market.assets)
    pools = {f"pools.{pool}": rules for pool, rules in book.pools.items()}
    if book.settlement not in assets:
        yield "settlement", book.settlement, "no such spot instrument", None
    for where, named in (("price_range", book.price_range), ("collateral", book.collateral), *pools.items()):
        for asset in named:
            if asset not in assets:
                yield f"{where}.{asset}", None, "no such spot instrument", None
    if MODELS[book.model].shocks:
        yield from _range_faults(book, policy, market)
    for item in market.contracts if MODELS[book.model].trades else ():
        if (bits := position_bits(book, market, item)) > limits.MAX_WIDTH:
            yield "limits.position", None, f"{item.name!r} needs {bits} bits", f"at most {limits.MAX_WIDTH}"
    if book.parameters is not None:
        yield from book.parameters.market_faults(book, policy, market)
    yield from market_cost_faults(book.liquidity, market)
    for asset in market.assets:
        if (bits := balance_bits(book, market, asset)) > limits.MAX_WIDTH:
            yield "limits.balance", None, f"{asset} needs {bits} bits", f"at most {limits.MAX_WIDTH}"


def _revaluations(book: BookPolicy, market: Market) -> int:
    history = market.returns is not None and MODELS[book.model].history
    past = len(market.returns.scenarios) if market.returns is not None and history else 0
    return len(book.scenarios) + past + (0 if book.parameters is None else book.parameters.revaluations())


def _range_faults(book: BookPolicy, policy: Policy, market: Market) -> Iterator[Fault]:
    """Say which ranges a book of scenarios lacks: it trades what concerns it, and each price may move."""
    unmoved, rules = {policy.quote, *book.price_range}, book.parameters
    contracts = [c for c in reversed(market.contracts) if rules is None or rules.concerns(book, c)]
    needed = {item.underlying: item.name for item in contracts}
    for item in contracts:
        if item.settlement != book.settlement:
            needed.setdefault(item.settlement, item.name)
    for asset, contract in needed.items():
        if asset not in unmoved:
            yield f"price_range.{asset}", None, "missing", f"{contract!r} depends on its price"


def check_age(policy: Policy, market: Market, now: datetime) -> None:
    """Raise PolicyError if the prices are of the future, or older than the policy allows."""
    age = now - market.time
    if age < timedelta(0):
        raise PolicyError(
            "future-prices",
            "the price time lies in the future",
            expected=f"at most {time_text(now)}",
            actual=time_text(market.time),
            hint="check the clock and the time column of prices.csv",
        )
    most = duration(policy.max_price_age) if policy.max_price_age is not None else None
    if most is not None and age > most:
        raise PolicyError(
            "stale-prices",
            "the prices are stale",
            expected=f"at most {policy.max_price_age} old at {time_text(now)}",
            actual=time_text(market.time),
            hint="fetch prices again, or change attestation.max_price_age",
        )
