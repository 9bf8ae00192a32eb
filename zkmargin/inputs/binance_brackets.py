"""Import leverage brackets: what Binance's API answers, as it is or as ccxt keeps it, becomes a part of a policy.

    [{"symbol": "BTCUSDT", "brackets": [{"initialLeverage": 125, "notionalFloor": 0, "notionalCap": 50000,
                                         "maintMarginRatio": 0.004, "cum": 0.0, ...}, ...]}, ...]
    {"BTC/USDT:USDT": [{..., "info": {the same bracket}}, ...], ...}

Source: Binance, USDS-M Futures, "Notional and Leverage Brackets" (GET /fapi/v1/leverageBracket). A bracket's maximum
leverage limits the whole position, so initial rates are whole; `cum` follows from floors and rates and is compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from zkmargin import limits
from zkmargin.inputs.decimals import BadNumberError, decimal_text, short_decimal
from zkmargin.inputs.problems import Problems

FILE = "brackets.toml"
HEADER = """\
# Leverage brackets of {count} contracts, from {names}. Put this into policy.toml below the other keys of the book,
# which has model = "brackets" and, because a bracket's leverage limits the whole position, initial_rates = "whole".

[book.{book}.brackets]
"""
FIELDS = ("notionalFloor", "notionalCap", "maintMarginRatio", "initialLeverage", "cum")


@dataclass(frozen=True)
class LeverageBracket:
    """One bracket as published; amounts in the contract's quote asset."""

    floor: Fraction
    cap: Fraction
    maintenance: Fraction
    leverage: Fraction
    amount: Fraction


@dataclass(frozen=True)
class BracketReport:
    """Brackets by contract, and the contracts left out because they are quoted in another asset."""

    brackets: Mapping[str, tuple[LeverageBracket, ...]]
    left_out: tuple[str, ...]


def import_brackets(
    files: Sequence[Path], folder: Path, quotes: Sequence[str] = ("USDT",), book: str = "perp"
) -> BracketReport:
    """Write brackets.toml into an existing folder: the contracts that are quoted in one of `quotes`.

    Raise InputError for anything that is not such a file, and for brackets that leave gaps or whose amounts are not
    those of their floors and rates.
    """
    problems = Problems()
    found: dict[str, tuple[LeverageBracket, ...]] = {}
    for path in files:
        for symbol, items in _symbols(path, problems):
            if symbol in found:
                problems.add(path.name, None, symbol, None, "the contract stands twice")
            found[symbol] = _brackets(path.name, symbol, items, problems)
    problems.raise_if_any()
    kept = {name: found[name] for name in sorted(found) if _quoted_in(name, quotes)}
    if not kept:
        problems.add(files[0].name, None, None, None, f"no contract is quoted in {' or '.join(quotes)}")
        problems.raise_if_any()
    names = ", ".join(path.name for path in files)
    lines = (f"{json.dumps(name)} = [\n{_rows(of)}]\n" for name, of in kept.items())
    header = HEADER.format(count=len(kept), names=names, book=book)
    (folder / FILE).write_text(header + "".join(lines), encoding="utf-8")
    return BracketReport(kept, tuple(sorted(found.keys() - kept.keys())))


def _symbols(path: Path, problems: Problems) -> Iterator[tuple[str, Any]]:
    """Yield every contract's name as the exchange spells it, and its brackets in the exchange's own form."""
    try:
        if path.stat().st_size > limits.MAX_JSON_BYTES:
            problems.add(path.name, None, None, None, f"more than {limits.MAX_JSON_BYTES} bytes")
            return
        value = json.loads(path.read_bytes(), parse_float=str, parse_int=str)
    except OSError as error:
        problems.add(path.name, None, None, None, f"cannot be read: {error.strerror}")
        return
    except (ValueError, RecursionError):
        problems.add(path.name, None, None, None, "not JSON")
        return
    try:
        if isinstance(value, dict):
            yield from ((_spelled(name), [item["info"] for item in items]) for name, items in value.items())
        else:
            yield from ((_text(item["symbol"]), item["brackets"]) for item in value)
    except (KeyError, TypeError):
        problems.add(
            path.name, None, None, None, "not leverage brackets", '[{"symbol": ..., "brackets": [...]}]'
        )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _spelled(name: str) -> str:
    """Return the exchange's name of ccxt's "BTC/USDT:USDT" or "BTC/USDT:USDT-241227"."""
    pair, _, settlement = name.partition(":")
    expiry = settlement.partition("-")[2]
    return pair.replace("/", "") + (f"_{expiry}" if expiry else "")


def _quoted_in(symbol: str, quotes: Sequence[str]) -> bool:
    return any(symbol.partition("_")[0].endswith(quote) for quote in quotes)


def _brackets(file: str, symbol: str, items: Any, problems: Problems) -> tuple[LeverageBracket, ...]:
    before = problems.count
    if not isinstance(items, list) or not 1 <= len(items) <= limits.MAX_TIERS:
        problems.add(file, None, symbol, None, f"not 1 to {limits.MAX_TIERS} brackets")
        return ()
    found = [_bracket(file, symbol, item, problems) for item in items]
    if problems.count > before:
        return ()
    brackets = tuple(sorted(found, key=lambda bracket: bracket.floor))
    for message in _faults(brackets):
        problems.add(file, None, symbol, None, message)
    return brackets


def _bracket(file: str, symbol: str, item: Any, problems: Problems) -> LeverageBracket:
    numbers = []
    for field in FIELDS:
        text = item.get(field) if isinstance(item, dict) else None
        try:
            numbers.append(short_decimal(text if isinstance(text, str) else ""))
        except BadNumberError as error:
            problems.add(file, None, f"{symbol}.{field}", str(text), error.message, error.hint)
            numbers.append(Fraction(1))
    return LeverageBracket(*numbers)


def _faults(brackets: tuple[LeverageBracket, ...]) -> Iterator[str]:
    """Say where brackets are not those of a rule `notional x rate - amount` without gaps."""
    first = brackets[0]
    if first.floor != 0 or first.amount != 0:
        yield "the first bracket does not begin at 0 with the amount 0"
    if any(bracket.leverage <= 0 for bracket in brackets):
        yield "a leverage is not positive"
    for lower, upper in pairwise(brackets):
        expected = lower.amount + upper.floor * (upper.maintenance - lower.maintenance)
        if lower.cap != upper.floor:
            yield f"a gap: {decimal_text(lower.cap)} to {decimal_text(upper.floor)}"
        if upper.amount != expected:
            at, amount = decimal_text(upper.floor), decimal_text(upper.amount)
            yield f"the amount from {at} on is {amount}, by floors and rates it is {decimal_text(expected)}"


def _rows(brackets: tuple[LeverageBracket, ...]) -> str:
    return "".join(
        f'  {{ from = "{decimal_text(b.floor)}", maintenance = "{decimal_text(b.maintenance)}", '
        f'leverage = "{decimal_text(b.leverage)}" }},\n'
        for b in brackets
    )
