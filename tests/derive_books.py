"""Derive's published cases as policies, markets and pots: what the circuits are held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil, log10
from typing import Any

import small_market as sm
from derive_cases import (
    SRM_UNDERLYINGS,
    UNIT,
    exact,
    model,
    notional,
    own,
    parameters,
    srm_holdings,
    srm_models,
    srm_notional,
)

from zkmargin.inputs.feeds import FeedKey, Feeds
from zkmargin.inputs.ledger import Pots
from zkmargin.inputs.market import Instrument, Market, in_circuit_order
from zkmargin.inputs.models.derive_pm2 import DerivePm2
from zkmargin.inputs.models.derive_srm import DeriveSrm
from zkmargin.inputs.models.kind import Parameters
from zkmargin.inputs.models.srm_numbers import SrmDepeg, SrmUnderlyingRates
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.margin.derive.srm import SrmModel
from zkmargin.risk.derive.market import Option

F = Fraction
TIME = datetime(2026, 1, 1, tzinfo=UTC)
QUOTE = "USDC"
Amounts = Mapping[tuple[str, str], Fraction]
"""Units of what a pot holds, by the ledger's names."""


def trading_book(
    model_name: str, rule: Parameters, collateral: Mapping[str, Fraction], limit: Fraction
) -> BookPolicy:
    """A book of a model that trades, collateral at flat maintenance rates; `limit` of every amount, in quote."""
    return sm.book(
        model=model_name,
        settlement=QUOTE,
        scenario_set="",
        scenarios=(),
        price_range={},
        volatility_range=F(0),
        short_option_minimum=F(0),
        initial_factor=F(1),
        collateral={QUOTE: "cash"} | {name: ((F(0), rate),) for name, rate in collateral.items()},
        position_limit=limit,
        balance_limit=limit,
        parameters=rule,
    )


def house(book: BookPolicy, size: float, **changes: Any) -> Policy:
    """A policy with quanta so fine beside a notional that rounding is far below 1e-9 of it."""
    quanta = {"equity_quantum": quantum(size), "margin_quantum": quantum(size) * 10**6}
    return sm.policy(book, quote=QUOTE, **(quanta | changes))


def quantum(size: float) -> Fraction:
    return ten(size) / 10**23


def whole(price: Fraction, lot: Fraction, size: float) -> Fraction:
    """A price that makes a lot worth whole quanta, so that nothing is rounded in N."""
    return round(price * lot / quantum(size)) * quantum(size) / lot


def ten(size: float) -> Fraction:
    """The power of ten at or above a size."""
    return F(10) ** ceil(log10(size))


def asset(name: str, size: float, price: float = 1.0) -> Instrument:
    """An asset whose lot is worth about 1e-12 of a notional."""
    lot = ten(size / price) / 10**12
    return Instrument(name, "spot", name, QUOTE, lot, lot)


def contract(name: str, underlying: str, size: float, price: float, **changes: Any) -> Instrument:
    """A linear contract whose lot refers to about 1e-12 of a notional."""
    lot = ten(size / price) / 10**12
    return replace(Instrument(name, "perpetual", underlying, QUOTE, lot, lot), **changes)


def in_lots(market: Market, amounts: Amounts) -> Pots:
    """One pot, amounts rounded to whole lots."""
    lots = {key: round(amount / market.instruments[key[1]].lot) for key, amount in amounts.items()}
    return sm.pots({key: count for key, count in lots.items() if count})


def cash(amount: Fraction) -> Amounts:
    return {("held" if amount > 0 else "owed", QUOTE): abs(amount)}


# ---- PM2 ----
def pm2_market(case: dict[str, Any]) -> Market:
    given, priced = case["Scenario"], model(case)
    stable, spot = exact(given["StablePrice"]), exact(given["SpotPrice"])
    size, price = notional(case), given["SpotPrice"]
    items = [asset(QUOTE, size), asset("BASE", size, price), contract("PERP", "BASE", size, price)]
    items += [asset(c["Name"], size, c["Price"]) for c in given["Collaterals"]]
    lots = {item.name: item.lot for item in items}
    mark = {"PERP": whole(exact(given["PerpPrice"]) or F(1), lots["PERP"], size)}
    volatility = {}
    for number, (o, value) in enumerate(zip(given["Options"], priced.prices.mark, strict=True)):
        terms = {
            "expiry": _at(o["Expiry"]),
            "strike": exact(o["Strike"]),
            "right": "call" if o["IsCall"] else "put",
        }
        items.append(contract(f"O{number}", "BASE", size, price, kind="option", **terms))
        mark[f"O{number}"] = whole(exact(float(value)), items[-1].lot, size)
        volatility[f"O{number}"] = exact(o["MarkVol"])
    forward = {("BASE", _at(f["FeedExpiry"])): exact(f["Forward"]) for f in given["OptionFeeds"]}
    prices = {
        c["Name"]: whole(exact(c["Price"]) / stable, lots[c["Name"]], size) for c in given["Collaterals"]
    }
    feeds: dict[FeedKey, Fraction] = {
        ("peg", QUOTE, None): stable,
        ("confidence", "BASE", None): exact(given["SpotConfidence"]),
    }
    if given["NumPerps"]:  # elsewhere the exchange does not read it
        feeds["confidence", "PERP", None] = exact(given["PerpConfidence"])
    for c in given["Collaterals"]:
        feeds["confidence", c["Name"], None] = exact(c["Confidence"])
    for f in given["OptionFeeds"]:
        at = _at(f["FeedExpiry"])
        feeds["rate", "BASE", at] = max(exact(f["Rate"]), F(0))
        sure = min(f["ForwardConfidence"], f["RateConfidence"], f["OptionVolConfidences"])
        feeds["confidence", "BASE", at] = exact(sure)
    everything = {QUOTE: F(1), "BASE": spot} | prices
    return Market(
        TIME, in_circuit_order(items), everything, mark, forward, volatility, everything, Feeds(feeds)
    )


def pm2_policy(case: dict[str, Any]) -> Policy:
    collaterals = case["Scenario"]["Collaterals"]
    rule = DerivePm2(
        underlying="BASE",
        numbers=parameters(case),
        hedges=tuple(sorted(c["Name"] for c in collaterals if c["IsRiskCancelling"])),
        initial_haircut={c["Name"]: exact(c["IMHaircut"]) for c in collaterals},
    )
    rates = {c["Name"]: 1 - exact(c["MMHaircut"]) for c in collaterals}
    size = notional(case)
    return house(trading_book("derive-pm2", rule, rates, 4 * F(size)), size)


def pm2_pots(case: dict[str, Any], market: Market) -> Pots:
    given = case["Scenario"]
    perpetuals, pnl = (
        exact(given["NumPerps"]),
        exact(given["UnrealisedPerpPNL"]) + exact(given["UnrealisedFunding"]),
    )
    amounts: dict[tuple[str, str], Fraction] = {
        **{("position", f"O{n}"): exact(o["Amount"]) for n, o in enumerate(given["Options"])},
        **{("held", c["Name"]): exact(c["Amount"]) for c in given["Collaterals"]},
        ("position", "PERP"): perpetuals,
        ("cost", QUOTE): perpetuals * (exact(given["PerpPrice"]) or F(1)) - pnl,
    }
    return in_lots(market, amounts | cash(exact(given["Cash"])))


# ---- SRM ----
def srm_market(case: dict[str, Any]) -> Market:
    given, models, size = case["Scenario"], srm_models(case), srm_notional(case)
    stable = units(given["USDCValue"])
    spot = {name: units(given[f"{name}SpotPrice"]) for name in SRM_UNDERLYINGS}
    items = [asset(QUOTE, size), *(asset(name, size, float(price)) for name, price in spot.items())]
    feeds: dict[FeedKey, Fraction] = {("peg", QUOTE, None): stable}
    mark, volatility, forward = {}, {}, {}
    for place, name in enumerate(SRM_UNDERLYINGS):
        perpetual = contract(f"{name}-PERP", name, size, float(spot[name]))
        mark[perpetual.name] = whole(units(given["PerpPrice"][place]), perpetual.lot, size)
        items.append(perpetual)
        for feed, value in zip((name, perpetual.name), given["SpotPerpConfidences"][place], strict=True):
            feeds["confidence", feed, None] = units(value)
        for at, (option, price) in zip(own(given, name), _priced(models[name]), strict=True):
            terms = {"expiry": _at(given["OptionExpiries"][at]), "strike": units(given["OptionStrikes"][at])}
            right = "call" if option.call else "put"
            item = contract(f"O{at}", name, size, float(spot[name]), kind="option", right=right, **terms)
            items.append(item)
            mark[item.name], volatility[item.name] = whole(exact(price), item.lot, size), F(1)
            confidence = min(units(given[f"{kind}Confidences"][at]) for kind in ("Forward", "OptionVol"))
            key = "confidence", name, item.expiry
            feeds[key] = min(confidence, feeds.get(key, F(1)))
            forward[name, item.expiry] = exact(models[name].underlying.expiries[option.expiry].forward)
    prices = {QUOTE: F(1)} | {name: whole(spot[name], items[1 + i].lot, size) for i, name in enumerate(spot)}
    everything = in_circuit_order(items)
    return Market(TIME, everything, prices, mark, forward, volatility, {QUOTE: F(1)} | spot, Feeds(feeds))


def srm_policy(case: dict[str, Any]) -> Policy:
    parameters = DeriveSrm({name: SrmUnderlyingRates() for name in sorted(SRM_UNDERLYINGS)}, SrmDepeg(), {})
    size = srm_notional(case)
    rates = dict.fromkeys(SRM_UNDERLYINGS, F("0.1"))
    return house(trading_book("derive-srm", parameters, rates, 4 * F(size)), size)


def srm_pots(case: dict[str, Any], market: Market) -> Pots:
    given, holdings = case["Scenario"], srm_holdings(case)
    perpetuals = {f"{name}-PERP": units(given[f"Perps_{name}"]) for name in SRM_UNDERLYINGS}
    settled = sum(exact(float(held.perpetual_pnl[0])) for held in holdings.values())
    amounts: dict[tuple[str, str], Fraction] = {
        **{("position", f"O{at}"): units(amount) for at, amount in enumerate(given["OptionAmounts"])},
        **{("position", name): amount for name, amount in perpetuals.items()},
        **{("held", name): units(given[f"w{name}"]) for name in SRM_UNDERLYINGS},
        ("cost", QUOTE): sum((q * market.mark[name] for name, q in perpetuals.items()), F(0)) - settled,
    }
    return in_lots(market, amounts | cash(units(given["Cash"])))


def units(value: int) -> Fraction:
    """An 18-decimal integer of the file."""
    return F(value, UNIT)


def _priced(model: SrmModel) -> list[tuple[Option, float]]:
    return list(zip(model.underlying.options, model.mark.tolist(), strict=True))


def _at(seconds: int) -> datetime:
    return TIME + timedelta(seconds=seconds)
