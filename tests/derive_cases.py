"""Derive's published portfolio-margin cases as our types; see the vectors' README for their origin."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from zkmargin.margin.derive import pm2_parameters as rules
from zkmargin.margin.derive.market import Collateral, Expiry, Option, Pm2Market, SrmUnderlying
from zkmargin.margin.derive.pm2 import Pm2Model, Pm2Portfolios, pm2_model
from zkmargin.margin.derive.srm import SrmHoldings, SrmModel
from zkmargin.margin.derive.srm_parameters import SrmParameters

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


def parameters(case: dict[str, Any]) -> rules.Pm2Parameters:
    given = case["Parameters"]
    volatility, skew, margin = given["VolShock"], given["SkewShock"], given["Margin"]
    basis, other = given["BasisContingency"], given["OtherContingency"]
    return rules.Pm2Parameters(
        scenarios=tuple(
            rules.Pm2Scenario(
                Fraction(each["SpotShock"]),
                each["VolShockDirection"].lower(),
                Fraction(each["DampeningFactor"]),
            )
            for each in given["Scenarios"]
        ),
        volatility=rules.VolatilityShock(
            Fraction(volatility["VOLRANGEUP"]),
            Fraction(volatility["VOLRANGEDOWN"]),
            Fraction(volatility["MIN_VOL_EVAL_SHOCKED"]),
            Fraction(volatility["SHORTTERMPOWER"]),
            Fraction(volatility["LONGTERMPOWER"]),
            Fraction(volatility["DTE_FLOOR"]),
        ),
        skew=rules.SkewShock(
            Fraction(skew["LINEAR_SCALE_CAP"]),
            Fraction(skew["LINEAR_CBASE"]),
            Fraction(skew["ABS_SCALE_CAP"]),
            Fraction(skew["ABS_CBASE"]),
            Fraction(skew["MIN_K_STAR"]),
            Fraction(skew["MIN_WIDTH_SCALE"]),
            Fraction(skew["VOL_PARAM_STATIC"]),
            Fraction(skew["VOL_PARAM_SCALE"]),
        ),
        discount=rules.StaticDiscount(
            Fraction(margin["BASE_STATIC_DISCOUNT"]),
            Fraction(margin["LONG_RATE_MULTSCALE"]),
            Fraction(margin["LONG_RATE_ADDSCALE"]),
            Fraction(margin["BASE_STATIC_DISCOUNT_NEG"]),
            Fraction(margin["SHORT_RATE_MULTSCALE"]),
            Fraction(margin["SHORT_RATE_ADDSCALE"]),
        ),
        basis=rules.BasisContingency(
            Fraction(basis["SCENARIO_SPOT_UP"]),
            Fraction(basis["SCENARIO_SPOT_DOWN"]),
            Fraction(basis["BASIS_CONT_ADD_FACTOR"]),
            Fraction(basis["BASIS_CONT_MULT_FACTOR"]),
        ),
        other=rules.OtherContingency(
            Fraction(other["MM_PERP_PERCENT"]),
            Fraction(other["IM_PERP_PERCENT"]),
            Fraction(other["MM_OPTION_PERCENT"]),
            Fraction(other["IM_OPTION_PERCENT"]),
            Fraction(other["PEG_LOSS_THRESHOLD"]),
            Fraction(other["PEG_LOSS_FACTOR"]),
            Fraction(other["CONF_THRESHOLD"]),
            Fraction(other["CONF_MARGIN"]),
        ),
        maintenance_factor=Fraction(margin["MM_LOSS_FACTOR"]),
        initial_factor=Fraction(margin["IM_LOSS_FACTOR"]),
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
        name: SrmModel(SrmParameters(), _srm_underlying(case["Scenario"], name), stable)
        for name in SRM_UNDERLYINGS
    }


def srm_holdings(case: dict[str, Any]) -> dict[str, SrmHoldings]:
    given = case["Scenario"]
    return {
        name: SrmHoldings(
            np.array([[given["OptionAmounts"][at] / UNIT for at in _own(given, name)]]),
            np.array([given[f"Perps_{name}"] / UNIT]),
            np.array([_perpetual_pnl(given, name)]),
            np.array([given[f"w{name}"] / UNIT]),
        )
        for name in SRM_UNDERLYINGS
    }


def _own(given: dict[str, Any], name: str) -> list[int]:
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
    own = _own(given, name)
    times = sorted({given["OptionExpiries"][at] for at in own})
    spot_confidence, perpetual_confidence = given["SpotPerpConfidences"][SRM_UNDERLYINGS.index(name)]
    return SrmUnderlying(
        spot=given[f"{name}SpotPrice"] / UNIT,
        expiries=tuple(_srm_expiry(given, own, seconds, name) for seconds in times),
        options=tuple(
            Option(
                times.index(given["OptionExpiries"][at]),
                given["OptionStrikes"][at] / UNIT,
                bool(given["OptionIsCall"][at]),
                given["OptionVols"][at] / UNIT,
            )
            for at in own
        ),
        perpetual=given["PerpPrice"][SRM_UNDERLYINGS.index(name)] / UNIT,
        spot_confidence=spot_confidence / UNIT,
        perpetual_confidence=perpetual_confidence / UNIT,
    )


def _srm_expiry(given: dict[str, Any], own: list[int], seconds: int, name: str) -> Expiry:
    same = [at for at in own if given["OptionExpiries"][at] == seconds]
    forward = given["Forwards"][same[0]] / UNIT
    settling = given[f"PercentFixed{name}"] if seconds < WINDOW else 0.0
    confidence = min(min(given["ForwardConfidences"][at], given["OptionVolConfidences"][at]) for at in same)
    return Expiry(
        seconds,
        forward_variable=forward * (1 - settling),
        forward_fixed=given[f"TWAP_{name}"] / UNIT * settling,
        confidence=confidence / UNIT,
    )
