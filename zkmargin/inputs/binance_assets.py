"""Binance's asset file: a price in USDT and collateral tiers for three pools, per asset."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from zkmargin.inputs.decimals import BadNumberError, decimal
from zkmargin.inputs.policy import Tiers
from zkmargin.inputs.problems import Problems
from zkmargin.inputs.tables import Table
from zkmargin.inputs.texts import label_fault

POOLS = ("loan", "margin", "portfolio")
# Names of the columns in the files that Binance published so far: asset, price, and a pool's tiers each.
LAYOUTS = (
    ("symbol", "usdt_price", "loan_tiers_ratio", "margin_tiers_ratio", "portfolio_tiers_ratio"),
    (
        "token",
        "asset_usdt_price",
        "collateral_vip_loan_ratio_tiers",
        "collateral_margin_ratio_tiers",
        "collateral_portfolio_margin_ratio_tiers",
    ),
)
NO_COLLATERAL: Tiers = ((Fraction(0), Fraction(0)),)

_TIER = re.compile(r"\s*([0-9.]+)-([0-9.]+):([0-9.]+)\s*", re.ASCII)


@dataclass
class Asset:
    """One asset: price in USDT, tiers per pool, and the most decimals that any amount of it has."""

    name: str
    price: Fraction
    tiers: dict[str, Tiers]
    decimals: int = 0


def read_assets(tables: list[Table], problems: Problems) -> dict[str, Asset]:
    """Read the one asset file among tables, noting problems."""
    assets: dict[str, Asset] = {}
    layout = next((names for names in LAYOUTS if tables and set(names) <= set(tables[0].columns)), None)
    if len(tables) != 1 or layout is None:
        name = tables[-1].file if tables else "assets"
        hint = f"columns {', '.join(LAYOUTS[0])}"
        problems.add(name, None, None, None, "exactly one asset file is needed beside accounts", hint)
        return assets
    table = tables[0]
    for number, (name, price, *tiers) in table.rows(*layout):
        fault = "the asset stands twice" if name in assets else label_fault(name)
        if fault:
            problems.add(table.file, number, layout[0], name, fault)
        try:
            value = decimal(price)
        except BadNumberError as error:
            problems.add(table.file, number, layout[1], price, error.message, error.hint)
            continue
        if value <= 0:
            problems.add(table.file, number, layout[1], price, "a price must be positive")
            continue
        rules = {}
        for pool, column, text in zip(POOLS, layout[2:], tiers, strict=True):
            try:
                rules[pool] = read_tiers(text)
            except BadNumberError as error:
                problems.add(table.file, number, column, text, error.message, error.hint)
        assets[name] = Asset(name, value, rules)
    return assets


def read_tiers(text: str) -> Tiers:
    """Read "[from-to:percent,...]", "" for no collateral; raise BadNumberError for anything else.

    Value beyond the last tier counts nothing, which is a tier of its own here.
    """
    if not text:
        return NO_COLLATERAL
    parts = [_TIER.fullmatch(part) for part in text[1:-1].split(",")]
    if text[0] + text[-1] != "[]" or not all(parts):
        raise BadNumberError("not tiers", "[0-10000:100,10000-20000:90]")
    tiers = [tuple(map(decimal, part.groups())) for part in parts if part]
    if tiers[0][0] != 0 or any(low >= high for low, high, _ in tiers):
        raise BadNumberError("crossed tiers", "the first begins at 0, each ends above its beginning")
    for (_, end, rate), (start, _, following) in pairwise(tiers):
        if end != start:
            raise BadNumberError("crossed tiers", "each begins where the one before ends")
        if following > rate:
            raise BadNumberError("a rate rises", "collateral rates fall with value, or they are not convex")
    if tiers[0][2] > 100:
        raise BadNumberError("a rate above 100 percent")
    return *((start, rate / 100) for start, _, rate in tiers), (tiers[-1][1], Fraction(0))
