"""Build the risk table of a snapshot from its policy and market."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from zkmargin.errors import PolicyError
from zkmargin.inputs.eligibility import may_hold
from zkmargin.inputs.market import Instrument, Market
from zkmargin.inputs.models import MODELS
from zkmargin.inputs.models.sensitivities import MEASURES, Sensitivities
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.risk.comparison import Tolerance, compare, differences
from zkmargin.risk.deltas import option_deltas
from zkmargin.risk.derive.pm2_entries import pm2_risk
from zkmargin.risk.entries import JOINT, BookRisk, Pnl, RiskTable, RiskUnit
from zkmargin.risk.greeks import sensitivity_pnl
from zkmargin.risk.history import with_history
from zkmargin.risk.scenarios import (
    asset_pnl,
    common_unit,
    contract_pnl,
    expired,
    intrinsic_pnl,
    option_pnl,
)
from zkmargin.risk.shocks import portfolio_rules
from zkmargin.risk.valuation import rounded_lot_values

__all__ = [
    "JOINT",
    "BookRisk",
    "Pnl",
    "RiskTable",
    "RiskUnit",
    "Tolerance",
    "build_risk_table",
    "compare",
    "differences",
]

PUBLIC_NUMBERS: Mapping[str, Callable[[Policy, BookPolicy, Market], BookRisk]] = {"derive-pm2": pm2_risk}
"""Models other than scenarios whose public numbers pass through floats."""


def build_risk_table(policy: Policy, market: Market) -> RiskTable:
    """Compute lot values, scenario P&L and short-option minimums of all books.

    Deterministic but for the last digit of an option's P&L, which depends on the machine's floats. Raise
    PolicyError for a quantum too coarse for a lot, a price range without a price, a scenario that makes a
    price negative, and an instrument that a book's netting cannot carry.
    """
    return RiskTable(
        time=market.time,
        lot_value=rounded_lot_values(market, policy.equity_quantum),
        short_minimum={
            name: {
                option.name: short_minimum(book, market, option)
                for option in market.contracts
                if option.kind == "option" and may_hold(book, option)
            }
            for name, book in policy.books.items()
            if MODELS[book.model].shocks
        },
        books={name: book_risk(policy, book, market) for name, book in policy.books.items()},
    )


def short_minimum(book: BookPolicy, market: Market, option: Instrument) -> Fraction:
    """Return the minimum in quote per lot short: rate x index x lot x multiplier."""
    size = option.lot * option.multiplier
    return book.short_option_minimum * market.index[option.underlying] * size


def book_risk(policy: Policy, book: BookPolicy, market: Market) -> BookRisk:
    """Return units and scenario P&L of one book, empty for models whose numbers follow exactly from the policy."""
    if book.model in PUBLIC_NUMBERS:
        return PUBLIC_NUMBERS[book.model](policy, book, market)
    if not MODELS[book.model].shocks:
        return BookRisk(book.id, (), (), {})
    _check_ranges(policy, book, market)
    book = with_history(book, market)
    contracts = [contract for contract in market.contracts if may_hold(book, contract)]
    assets = _moved_assets(policy, book, market)
    if book.netting == "underlying":
        for contract in contracts:
            _refuse_two_prices(book, contract)
    if isinstance(book.parameters, Sensitivities):
        names: tuple[str, ...] = MEASURES
        pnl = sensitivity_pnl(book, market, contracts, assets)
    else:
        names = tuple(scenario.name for scenario in book.scenarios)
        pnl = {asset: _exact(asset_pnl(book, market, asset)) for asset in assets}
        pnl |= _contracts_pnl(book, market, contracts)
    return BookRisk(
        book=book.id,
        scenarios=names,
        units=_units(book, contracts, assets),
        pnl=pnl,
        delta=_deltas(book, market, contracts),
    )


def _moved_assets(policy: Policy, book: BookPolicy, market: Market) -> list[str]:
    """Return the assets whose value moves in scenarios; in a book measured in a coin that of the quote asset does."""
    moved = {policy.quote} if portfolio_rules(book).measure == "settlement" else book.price_range
    return [asset for asset in market.assets if asset in moved]


def _deltas(book: BookPolicy, market: Market, contracts: Sequence[Instrument]) -> dict[str, Pnl]:
    if not portfolio_rules(book).charges_deltas:
        return {}
    return option_deltas(
        book, market, [c for c in contracts if c.kind == "option" and not expired(market, c)]
    )


def _contracts_pnl(book: BookPolicy, market: Market, contracts: Sequence[Instrument]) -> dict[str, Pnl]:
    options = [c for c in contracts if c.kind == "option" and not expired(market, c)]
    pnl = {
        option.name: Pnl(unit, values, exact=False)
        for option, (unit, values) in zip(options, option_pnl(book, market, options), strict=True)
    }
    for contract in contracts:
        if contract.kind != "option":
            pnl[contract.name] = _exact(contract_pnl(book, market, contract))
        elif contract.name not in pnl:
            pnl[contract.name] = _exact(intrinsic_pnl(book, market, contract))
    return pnl


def _exact(values: Sequence[Fraction]) -> Pnl:
    unit = common_unit(values)
    return Pnl(unit, tuple(int(value / unit) for value in values), exact=True)


def _units(book: BookPolicy, contracts: Sequence[Instrument], assets: Sequence[str]) -> tuple[RiskUnit, ...]:
    if book.netting == "joint":
        everything = tuple(contract.name for contract in contracts)
        return (RiskUnit(JOINT, everything, tuple(assets)),)
    return tuple(
        RiskUnit(
            underlying,
            tuple(contract.name for contract in contracts if contract.underlying == underlying),
            tuple(asset for asset in assets if asset == underlying or asset not in book.price_range),
        )
        for underlying in sorted(book.price_range)
    )


def _check_ranges(policy: Policy, book: BookPolicy, market: Market) -> None:
    if policy.quote in book.price_range:
        raise PolicyError("price-range", f"book {book.id}: the price of the quote asset {policy.quote} is 1")
    known = set(market.assets) | {contract.underlying for contract in market.contracts}
    if unknown := sorted(set(book.price_range) - known):
        raise PolicyError(
            "price-range", f"book {book.id}: price_range names what the market does not: {', '.join(unknown)}"
        )
    for asset, rule in book.collateral.items():
        if rule == "shocked" and asset not in book.price_range and asset != policy.quote:
            raise PolicyError(
                "price-range",
                f'book {book.id}: collateral {asset} is "shocked" but has no price_range',
                hint="give it a price_range, or tiers",
            )


def _refuse_two_prices(book: BookPolicy, contract: Instrument) -> None:
    """Refuse what moves with its underlying and its settlement asset; an option's P&L is in quote already."""
    settles_elsewhere = contract.settlement != contract.underlying and contract.settlement in book.price_range
    if contract.kind != "option" and settles_elsewhere:
        raise PolicyError(
            "two-prices",
            f"book {book.id}: the value of {contract.name} depends on two shocked prices,"
            f" {contract.underlying} and {contract.settlement}",
            hint='set netting = "joint", or leave one of them out of price_range',
        )
