"""Charges of Derive's margin rules that are exact, per contract or as shares of a notional.

Source: derivexyz/v2-core, `StandardManager.sol`: _getIsolatedMarginForCall, _getIsolatedMarginForPut,
_getDepegMultiplier; `PMRMLib_2.sol`: _getConfidenceContingency, getMarginAndMarkToMarket.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from zkmargin.inputs.models.srm_numbers import SrmOptionRates

ZERO = Fraction(0)


@dataclass(frozen=True)
class OptionTerms:
    """`mark` of one contract and `spot` in quote currency."""

    spot: Fraction
    mark: Fraction
    strike: Fraction
    call: bool


def maintenance_charge(rates: SrmOptionRates, option: OptionTerms) -> Fraction:
    """Return the isolated maintenance margin of one contract sold, its mark included."""
    if option.call:
        return option.mark + rates.call_spot * option.spot
    return option.mark + max(rates.put_spot * option.spot, rates.put_mark * option.mark)


def initial_charge(rates: SrmOptionRates, option: OptionTerms) -> Fraction:
    """Return the isolated initial margin of one contract sold, its mark included."""
    beyond = option.strike - option.spot if option.call else option.spot - option.strike
    share = max(rates.maximum_spot - max(beyond, ZERO) / option.spot, rates.minimum_spot)
    charge = share * option.spot + option.mark
    if option.call:
        return charge
    return max(charge, rates.put_initial_scale * maintenance_charge(rates, option))


def below_threshold(threshold: Fraction, factor: Fraction, price: Fraction) -> Fraction:
    """Return what a peg lost costs: (threshold - price) x factor, at least 0."""
    return max(threshold - price, ZERO) * factor


def oracle_rate(threshold: Fraction, factor: Fraction, confidence: Fraction) -> Fraction:
    """Return (1 - confidence) x factor of the notional where a feed's confidence is below the threshold, else 0."""
    return (1 - confidence) * factor if confidence < threshold else ZERO
