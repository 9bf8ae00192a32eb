"""Derive's published portfolio-margin cases as our types; see the vectors' README for their origin."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from zkmargin.inputs.models import pm2_numbers as rules
from zkmargin.inputs.models.srm_numbers import SrmDepeg, SrmUnderlyingRates
from zkmargin.margin.derive.pm2 import Pm2Model, Pm2Portfolios, pm2_model
from zkmargin.margin.derive.srm import SrmHoldings, SrmModel
from zkmargin.risk.derive.market import Collateral, Expiry, Option, Pm2Market, SrmUnderlying

VECTORS = next(
    (folder for above in Path(__file__).parents if (folder := above / "shared/vectors").exists()),
    Path("absent"),
)
SRM_FILE = VECTORS / "derive_srm/test-cases.json"
MISSING = "third-party vectors are not beside this checkout"
NOT_CONVEX = ("STATIC_DISCOUNT_max", "STATIC_DISCOUNT_NEG_min")


def pm2_files() -> list[Path]:
    return sorted((VECTORS / "derive_pm2").glob("*.json"))


def load_case(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def exact(value: Any) -> Fraction:
    """The number that was meant: the shortest decimal of a float."""
    return Fraction(repr(value)) if isinstance(value, float) else Fraction(value)


def meant(value: Any) -> Fraction:
    """A parameter without the noise of its last digits, as in 0.005000000000000001."""
    return Fraction(f"{value:.12g}") if isinstance(value, float) else Fraction(value)


def parameters(case: dict[str, Any]) -> rules.Pm2Parameters:
    given = case["Parameters"]
    volatility, skew, margin = given["VolShock"], given["SkewShock"], given["Margin"]
    basis, other = given["BasisContingency"], given["OtherContingency"]
    return rules.Pm2Parameters(
        scenarios=tuple(
            rules.Pm2Scenario(
                meant(each["SpotShock"]),
                each["VolShockDirection"].lower(),
                meant(each["DampeningFactor"]),
            )
            for each in given["Scenarios"]
        ),
        volatility=rules.VolatilityShock(
            meant(volatility["VOLRANGEUP"]),
            meant(volatility["VOLRANGEDOWN"]),
            meant(volatility["MIN_VOL_EVAL_SHOCKED"]),
            meant(volatility["SHORTTERMPOWER"]),
            meant(volatility["LONGTERMPOWER"]),
            meant(volatility["DTE_FLOOR"]),
        ),
        skew=rules.SkewShock(
            meant(skew["LINEAR_SCALE_CAP"]),
            meant(skew["LINEAR_CBASE"]),
            meant(skew["ABS_SCALE_CAP"]),
            meant(skew["ABS_CBASE"]),
            meant(skew["MIN_K_STAR"]),
            meant(skew["MIN_WIDTH_SCALE"]),
            meant(skew["VOL_PARAM_STATIC"]),
            meant(skew["VOL_PARAM_SCALE"]),
        ),
        discount=rules.StaticDiscount(
            meant(margin["BASE_STATIC_DISCOUNT"]),
            meant(margin["LONG_RATE_MULTSCALE"]),
            meant(margin["LONG_RATE_ADDSCALE"]),
            meant(margin["BASE_STATIC_DISCOUNT_NEG"]),
            meant(margin["SHORT_RATE_MULTSCALE"]),
            meant(margin["SHORT_RATE_ADDSCALE"]),
        ),
        basis=rules.BasisContingency(
            meant(basis["SCENARIO_SPOT_UP"]),
            meant(basis["SCENARIO_SPOT_DOWN"]),
            meant(basis["BASIS_CONT_ADD_FACTOR"]),
            meant(basis["BASIS_CONT_MULT_FACTOR"]),
        ),
        other=rules.OtherContingency(
            meant(other["MM_PERP_PERCENT"]),
            meant(other["IM_PERP_PERCENT"]),
            meant(other["MM_OPTION_PERCENT"]),
            meant(other["IM_OPTION_PERCENT"]),
            meant(other["PEG_LOSS_THRESHOLD"]),
            meant(other["PEG_LOSS_FACTOR"]),
            meant(other["CONF_THRESHOLD"]),
            meant(other["CONF_MARGIN"]),
        ),
        maintenance_factor=meant(margin["MM_LOSS_FACTOR"]),
        initial_factor=meant(margin["IM_LOSS_FACTOR"]),
    )


def market(case: dict[str, Any]) -> Pm2Market:
    given = case["Scenario"]
    times = [feed["FeedExpiry"] for feed in given["OptionFeeds"]]
    expiries = tuple(
        Expiry(
            seconds=feed["FeedExpiry"],
            forward_variable=feed["Forward"] if feed["FeedExpiry"] else 0.0,
            forward_fixed=0.0 if feed["FeedExpiry"] else feed["Forward"],
            rate=feed["Rate"],
            confidence=min(feed["ForwardConfidence"], feed["RateConfidence"], feed["OptionVolConfidences"]),
        )
        for feed in given["OptionFeeds"]
    )
    return Pm2Market(
        spot=given["SpotPrice"],
        expiries=expiries,
        options=tuple(
            Option(times.index(o["Expiry"]), o["Strike"], bool(o["IsCall"]), o["MarkVol"])
            for o in given["Options"]
        ),
        collaterals=tuple(
            Collateral(c["Price"], c["MMHaircut"], c["IMHaircut"], c["IsRiskCancelling"], c["Confidence"])
            for c in given["Collaterals"]
        ),
        perpetual=given["PerpPrice"],
        stable=given["StablePrice"],
        spot_confidence=given["SpotConfidence"],
        perpetual_confidence=given["PerpConfidence"],
    )


def notional(case: dict[str, Any]) -> float:
    """What everything in a case refers to, in quote: errors are measured against it."""
    given = case["Scenario"]
    contracts = sum(abs(o["Amount"]) for o in given["Options"]) + abs(given["NumPerps"])
    collateral = sum(c["Amount"] * c["Price"] for c in given["Collaterals"]) / given["StablePrice"]
    return max(1.0, abs(given["Cash"]) + contracts * given["SpotPrice"] + collateral)


def portfolio(case: dict[str, Any], model: Pm2Model) -> Pm2Portfolios:
    given = case["Scenario"]
    return model.portfolios(
        cash=[given["Cash"]],
        options=[o["Amount"] for o in given["Options"]],
        collaterals=[c["Amount"] for c in given["Collaterals"]],
        perpetual=given["NumPerps"],
        perpetual_pnl=given["UnrealisedPerpPNL"] + given["UnrealisedFunding"],
    )


def model(case: dict[str, Any]) -> Pm2Model:
    return pm2_model(parameters(case), market(case))


UNIT = 10**18
WINDOW = 3600  # seconds of the settlement average in these cases
SRM_UNDERLYINGS = ("ETH", "BTC")


def srm_cases() -> dict[str, Any]:
    return json.loads(SRM_FILE.read_text()) if SRM_FILE.exists() else {}


def srm_models(case: dict[str, Any]) -> dict[str, SrmModel]:
    stable = case["Scenario"]["USDCValue"] / UNIT
    return {
        name: SrmModel(
            SrmUnderlyingRates(), SrmDepeg(), _srm_underlying(case["Scenario"], name), (0.1, 0.1), stable
        )
        for name in SRM_UNDERLYINGS
    }


def srm_holdings(case: dict[str, Any]) -> dict[str, SrmHoldings]:
    given = case["Scenario"]
    return {
        name: SrmHoldings(
            np.array([[given["OptionAmounts"][at] / UNIT for at in own(given, name)]]),
            np.array([given[f"Perps_{name}"] / UNIT]),
            np.array([_perpetual_pnl(given, name)]),
            np.array([given[f"w{name}"] / UNIT]),
        )
        for name in SRM_UNDERLYINGS
    }


def srm_notional(case: dict[str, Any]) -> float:
    """What everything in a case refers to, in quote."""
    given, size = case["Scenario"], 1.0
    for name in SRM_UNDERLYINGS:
        contracts = sum(abs(given["OptionAmounts"][at]) for at in own(given, name)) + abs(
            given[f"Perps_{name}"]
        )
        size += (contracts + given[f"w{name}"]) / UNIT * given[f"{name}SpotPrice"] / UNIT
    return size


def own(given: dict[str, Any], name: str) -> list[int]:
    return [at for at, underlying in enumerate(given["OptionUnderlying"]) if underlying == name]


def _perpetual_pnl(given: dict[str, Any], name: str) -> float:
    """Settle at the perpetual's price, and funding: position x (index at entry - index now)."""
    position = given[f"Perps_{name}"] / UNIT
    if not position:
        return 0.0
    gain = given["PerpPrice"][SRM_UNDERLYINGS.index(name)] - given[f"LastEntry{name}"]
    funding = given[f"Account{name}FundingIndex"] - given[f"{name}GlobalFundingIndex"]
    return float(position * (gain + funding) / UNIT)


def _srm_underlying(given: dict[str, Any], name: str) -> SrmUnderlying:
    mine = own(given, name)
    times = sorted({given["OptionExpiries"][at] for at in mine})
    spot_confidence, perpetual_confidence = given["SpotPerpConfidences"][SRM_UNDERLYINGS.index(name)]
    return SrmUnderlying(
        spot=given[f"{name}SpotPrice"] / UNIT,
        expiries=tuple(_srm_expiry(given, mine, seconds, name) for seconds in times),
        options=tuple(
            Option(
                times.index(given["OptionExpiries"][at]),
                given["OptionStrikes"][at] / UNIT,
                bool(given["OptionIsCall"][at]),
                given["OptionVols"][at] / UNIT,
            )
            for at in mine
        ),
        perpetual=given["PerpPrice"][SRM_UNDERLYINGS.index(name)] / UNIT,
        spot_confidence=spot_confidence / UNIT,
        perpetual_confidence=perpetual_confidence / UNIT,
    )


def _srm_expiry(given: dict[str, Any], mine: list[int], seconds: int, name: str) -> Expiry:
    same = [at for at in mine if given["OptionExpiries"][at] == seconds]
    forward = given["Forwards"][same[0]] / UNIT
    settling = given[f"PercentFixed{name}"] if seconds < WINDOW else 0.0
    confidence = min(min(given["ForwardConfidences"][at], given["OptionVolConfidences"][at]) for at in same)
    return Expiry(
        seconds,
        forward_variable=forward * (1 - settling),
        forward_fixed=given[f"TWAP_{name}"] / UNIT * settling,
        confidence=confidence / UNIT,
    )
