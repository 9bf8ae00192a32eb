"""Compare a stored risk table with one computed again: what floats may change, and what nothing may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from zkmargin.errors import VerificationError
from zkmargin.risk.entries import BookRisk, Pnl, RiskTable


@dataclass(frozen=True)
class Tolerance:
    """What was tolerated: how many entries, and the most by which a lot's P&L moved, by option, in quote."""

    entries: int
    per_lot: Mapping[str, Fraction]

    @property
    def money(self) -> Fraction:
        """Return what they are worth to an account with one lot of each affected option, in quote."""
        return sum(self.per_lot.values(), Fraction(0))

    def money_of(self, lots: Mapping[str, int]) -> Fraction:
        """Return what they are worth for these positions, of either sign, in quote."""
        return sum((abs(lots.get(name, 0)) * unit for name, unit in self.per_lot.items()), Fraction(0))


def compare(stored: RiskTable, recomputed: RiskTable) -> Fraction:
    """Hold a stored table against the recomputed one; return the tolerated money: quote, a lot of each option.

    Raise VerificationError as `differences` does.
    """
    return differences(stored, recomputed).money


def differences(stored: RiskTable, recomputed: RiskTable) -> Tolerance:
    """Hold a stored table against the recomputed one; the stored integers count.

    Only entries of options, which pass through floats, may differ, by one unit of their last digit. Raise
    VerificationError, naming the entry, for every other difference.
    """
    _equal("time", stored.time, recomputed.time)
    _equal_maps("lot value", stored.lot_value, recomputed.lot_value)
    _equal("books", sorted(stored.books), sorted(recomputed.books))
    _equal(
        "books with a short-option minimum", sorted(stored.short_minimum), sorted(recomputed.short_minimum)
    )
    for book, rates in recomputed.short_minimum.items():
        _equal_maps(f"short-option minimum of book {book}", stored.short_minimum[book], rates)
    entries = 0
    per_lot: dict[str, Fraction] = {}
    for name, book_risk in recomputed.books.items():
        for instrument, count, unit in _compare_book(stored.books[name], book_risk):
            entries += count
            per_lot[instrument] = max(unit, per_lot.get(instrument, unit))
    return Tolerance(entries, dict(sorted(per_lot.items())))


def _compare_book(stored: BookRisk, recomputed: BookRisk) -> list[tuple[str, int, Fraction]]:
    what = f"book {recomputed.book}"
    _equal(f"{what}: name", stored.book, recomputed.book)
    _equal(f"{what}: scenarios", stored.scenarios, recomputed.scenarios)
    _equal(f"{what}: units", stored.units, recomputed.units)
    both = (
        ("P&L", recomputed.scenarios, stored.pnl, recomputed.pnl),
        ("delta", ("now",), stored.delta, recomputed.delta),
    )
    counts: Counter[str] = Counter()
    worth: dict[str, Fraction] = {}
    for kind, scenarios, have, want in both:
        _equal(f"{what}: instruments with {kind}", sorted(have), sorted(want))
        for name, pnl in want.items():
            count = _compare_pnl(f"{what}: {kind} of {name}", scenarios, have[name], pnl)
            if count:  # before the policy's factors: a unit of a delta counts in full, whatever its rate
                counts[name] += count
                worth[name] = worth.get(name, Fraction(0)) + pnl.unit
    out = [(name, count, worth[name]) for name, count in counts.items()]
    return out + _compare_factors(what, stored, recomputed)


def _compare_factors(what: str, stored: BookRisk, recomputed: BookRisk) -> list[tuple[str, int, Fraction]]:
    """Compare factors; one that is off by a unit moves every instrument by that share of its value."""
    _equal(f"{what}: factors", sorted(stored.factors), sorted(recomputed.factors))
    out = []
    for name, factor in recomputed.factors.items():
        if count := _compare_pnl(f"{what}: {name}", (name,), stored.factors[name], factor):
            out += [
                (instrument, count, factor.unit * max(map(abs, pnl.values)) * pnl.unit)
                for instrument, pnl in recomputed.pnl.items()
            ]
    return out


def _compare_pnl(what: str, scenarios: tuple[str, ...], stored: Pnl, recomputed: Pnl) -> int:
    """Return the number of entries that differ by one unit."""
    _equal(f"{what}: unit", stored.unit, recomputed.unit)
    _equal(f"{what}: exact", stored.exact, recomputed.exact)
    _equal(f"{what}: number of scenarios", len(stored.values), len(recomputed.values))
    allowed = 0 if recomputed.exact else 1
    for scenario, have, want in zip(scenarios, stored.values, recomputed.values, strict=True):
        if abs(have - want) > allowed:
            _equal(f"{what} in scenario {scenario}", have, want)
    return sum(have != want for have, want in zip(stored.values, recomputed.values, strict=True))


def _equal_maps(what: str, stored: Mapping[str, object], recomputed: Mapping[str, object]) -> None:
    _equal(f"{what}: names", sorted(stored), sorted(recomputed))
    for name, value in recomputed.items():
        _equal(f"{what} of {name}", stored[name], value)


def _equal(what: str, stored: object, recomputed: object) -> None:
    if stored != recomputed:
        raise VerificationError(
            "risk-table",
            f"the risk table does not follow from policy and market: {what}",
            expected=recomputed,
            actual=stored,
        )
