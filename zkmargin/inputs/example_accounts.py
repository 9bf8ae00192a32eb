"""The accounts of the example exchange: heavy-tailed sizes, several kinds of traders, a few in trouble.

Floats choose sizes and estimate requirements; what is written down are whole lots.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random

from zkmargin.inputs.example_risk import Sizes
from zkmargin.inputs.ledger import CROSS
from zkmargin.inputs.market import Instrument, Market

POSITION_LIMIT = 2_000_000  # quote currency, as in the example's policy
HOUSE_SHARE, CROWDED = 0.85, 0.6  # of the limit: where trades stop, and where they turn against the crowd
POOL_RATE = 0.8  # what pledged coins are taken to be worth when a debt is sized
UNHEALTHY, BAD_DEBT, ISOLATED, UNCOVERED = (
    3,
    5,
    7,
    12,
)  # accounts that are so in every example, and a few more
LEAST_WITH_HOUSE = 12


@dataclass
class Account:
    """One account being made up; amounts in lots."""

    id: str
    user: str
    nonce: str
    book: str
    held: Counter[tuple[str, str]] = field(default_factory=Counter)  # (pot, asset)
    owed: Counter[tuple[str, str]] = field(default_factory=Counter)
    pledged: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # (pool, pot, asset)
    positions: Counter[tuple[str, str]] = field(default_factory=Counter)  # (pot, instrument)
    costs: Counter[tuple[str, str]] = field(default_factory=Counter)


class Exchange:
    """Makes up accounts one after the other and keeps the net position of all, which the house takes."""

    def __init__(self, market: Market, seed: int) -> None:
        self._market = market
        self._random = Random(seed)  # noqa: S311 - reproducible example data, nothing secret
        self._contracts = market.contracts
        self._sizes = Sizes(market)
        self._most = {item.name: int(POSITION_LIMIT / self._sizes.notional(item)) for item in self._contracts}
        self._net: Counter[str] = Counter()
        self._net_cost: Counter[str] = Counter()

    def accounts(self, count: int) -> Iterator[Account]:
        """Yield `count` accounts; the last is the house, the other side of everyone's trades."""
        house = count >= LEAST_WITH_HOUSE
        for number in range(count - house):
            yield self._account(number)
        if house:
            yield self._house()

    def _account(self, number: int) -> Account:
        nonce = f"{self._random.getrandbits(128):032x}" if number % 9 == 4 else ""
        user = f"user{number:06}@example.com"
        account = Account(f"A{number:07}", user, nonce, "spot" if number % 10 in (2, 6, 9) else "portfolio")
        if account.book == "spot":
            self._fill_spot(account, troubled=number == UNCOVERED or self._random.random() < 1 / 60)
            return account
        self._trade(account, CROSS)
        health = math.exp(self._random.gauss(1.0, 0.5)) + 0.3
        troubled = number == UNHEALTHY or (number > ISOLATED and self._random.random() < 1 / 60)
        if number == BAD_DEBT:
            self._ruin(account)
        else:
            self._fund(account, CROSS, self._random.uniform(0.3, 0.8) if troubled else max(1.15, health))
        if number == ISOLATED or (number > ISOLATED and self._random.random() < 1 / 50):
            self._trade(account, "isolated-1", kinds=("perpetual",))
            self._fund(account, "isolated-1", max(1.15, health))
        return account

    def _trade(self, account: Account, pot: str, kinds: Sequence[str] = ()) -> None:
        """Open positions of one kind of trader; turn them round, or leave them out, where the house is full."""
        size = min(0.4 * POSITION_LIMIT, 400 * self._random.paretovariate(0.7))
        style = self._random.random()
        if kinds or style < 0.5:
            drafts = self._directional(size, kinds or ("perpetual", "future"))
        elif style < 0.62:
            drafts = self._basis(size)
        elif style < 0.78:
            drafts = self._hedged_options(size)
        elif style < 0.9:
            drafts = [(self._pick(("option",)), -size * self._random.uniform(0.2, 1)) for _ in range(2)]
        else:
            drafts = []
        crowded = any(
            self._net[item.name] * math.copysign(1, value) > CROWDED * self._most[item.name]
            for item, value in drafts
        )
        turn = -1 if crowded else 1
        for item, value in drafts:
            self._open(account, pot, item, round(turn * value / self._sizes.notional(item)))

    def _open(self, account: Account, pot: str, item: Instrument, lots: int) -> None:
        room = int(HOUSE_SHARE * self._most[item.name])
        if lots == 0 or (pot, item.name) in account.positions or abs(self._net[item.name] + lots) > room:
            return
        cost = self._cost(item, lots, 1 + self._random.gauss(0, 0.03))
        account.positions[pot, item.name] = lots
        account.costs[pot, item.name] = cost
        self._net[item.name] += lots
        self._net_cost[item.name] += cost

    def _directional(self, size: float, kinds: Sequence[str]) -> list[tuple[Instrument, float]]:
        count = self._random.choice((1, 1, 2, 2, 3, 4))
        return [(self._pick(kinds), self._side() * size * self._random.uniform(0.3, 1)) for _ in range(count)]

    def _basis(self, size: float) -> list[tuple[Instrument, float]]:
        """Return a dated future against the perpetual of the same asset."""
        future = self._pick(("future",))
        side = self._side()
        perpetuals = [
            i for i in self._of(("perpetual",)) if i.underlying == future.underlying and not i.inverse
        ]
        return [(future, side * size), (perpetuals[0], -side * size)]

    def _hedged_options(self, size: float) -> list[tuple[Instrument, float]]:
        """Return a spread of two options of one expiry, part of its delta hedged by the perpetual."""
        first = self._pick(("option",))
        others = [
            i
            for i in self._of(("option",))
            if (i.underlying, i.expiry) == (first.underlying, first.expiry) and i != first
        ]
        perpetual = next(
            i for i in self._of(("perpetual",)) if i.underlying == first.underlying and not i.inverse
        )
        side = self._side()
        delta = 0.4 if first.right == "call" else -0.4
        hedge = -side * delta * size * self._random.choice((0, 0.25, 0.5))
        legs = [(first, side * size), (perpetual, hedge)]
        return [*legs, (self._random.choice(others), -side * size)] if others else legs

    def _fund(self, account: Account, pot: str, health: float) -> None:
        """Give a pot equity of `health` times its estimated requirement, in cash, coins and perhaps a loan."""
        requirement, value = self._estimate(account, pot)
        wanted = health * requirement - value
        if requirement == 0:
            wanted = 50 * self._random.paretovariate(0.8)
        wanted = min(max(wanted, 25.0), 0.2 * 10**8)
        coins = self._random.choice((0.0, 0.0, 0.0, 0.3, 0.6)) if health > 1 and pot == CROSS else 0.0
        if coins:
            asset = self._random.choice(("BTC", "ETH", "USDT"))
            self._hold(account, pot, asset, 1.4 * coins * wanted)
        self._hold(account, pot, "USD", (1 - coins) * wanted + 5)
        if coins and self._random.random() < 0.3:
            loan = 0.2 * wanted
            account.owed[pot, "USD"] += self._sizes.lots("USD", loan)
            self._hold(account, pot, "ETH", 1.3 * loan)

    def _ruin(self, account: Account) -> None:
        """Leave an account with losses beyond all it holds."""
        item = next(i for i in self._contracts if i.name == "ETH-PERP")
        lots = min(round(40_000 / self._sizes.notional(item)), self._most[item.name] // 2)
        cost = self._cost(item, lots, 1.35)
        account.positions[CROSS, item.name] += lots
        account.costs[CROSS, item.name] += cost
        self._net[item.name] += lots
        self._net_cost[item.name] += cost
        self._hold(account, CROSS, "USD", 2_500)

    def _fill_spot(self, account: Account, *, troubled: bool) -> None:
        for asset in self._random.sample(("BTC", "ETH", "USD", "USDT"), self._random.choice((1, 1, 2, 3))):
            self._hold(account, CROSS, asset, min(2 * 10**7, 80 * self._random.paretovariate(0.6)))
        if troubled:
            self._hold(account, CROSS, "BTC", 5_000)
        coins = [asset for asset in ("BTC", "ETH") if account.held[CROSS, asset]]
        if not coins or (not troubled and self._random.random() > 0.5):
            return
        asset, pool = coins[0], self._random.choice(("loan", "margin"))
        pledged = round(account.held[CROSS, asset] * self._random.uniform(0.3, 1))
        account.pledged[pool, CROSS, asset] = pledged
        worth = self._sizes.worth(asset, pledged)
        share = self._random.uniform(1.3, 1.5) if troubled else self._random.uniform(0.1, 0.6)
        owed = self._random.choice(("USD", "USDT"))
        debt = self._sizes.lots(owed, min(POOL_RATE * worth, 10**6) * share)
        account.owed[CROSS, owed] += debt
        account.held[CROSS, owed] += round(debt * self._random.uniform(0.3, 0.9))

    def _house(self) -> Account:
        house = Account("HOUSE", "market-maker@example.com", "", "portfolio")
        for item in self._contracts:
            if self._net[item.name]:
                house.positions[CROSS, item.name] = -self._net[item.name]
                house.costs[CROSS, item.name] = -self._net_cost[item.name]
        requirement, value = self._estimate(house, CROSS)
        self._hold(house, CROSS, "USD", min(9.5e7, max(100_000.0, 2.5 * requirement - value)))
        return house

    def _estimate(self, account: Account, pot: str) -> tuple[float, float]:
        positions = {name: lots for (where, name), lots in account.positions.items() if where == pot}
        return self._sizes.estimate(positions, {name: account.costs[pot, name] for name in positions})

    def _cost(self, item: Instrument, lots: int, move: float) -> int:
        """Entry cost in lots of the settlement asset; an option's premium was paid in cash."""
        if item.kind == "option":
            return 0
        entry = Fraction(round(float(self._market.mark[item.name]) * move / float(item.tick))) * item.tick
        units = lots * item.lot * item.multiplier
        cost = -units / entry if item.inverse else units * entry
        return round(cost / self._market.instruments[item.settlement].lot)

    def _hold(self, account: Account, pot: str, asset: str, value: float) -> None:
        account.held[pot, asset] += self._sizes.lots(asset, value)

    def _pick(self, kinds: Sequence[str]) -> Instrument:
        return self._random.choice(self._of(kinds))

    def _of(self, kinds: Sequence[str]) -> list[Instrument]:
        return [item for item in self._contracts if item.kind in kinds]

    def _side(self) -> int:
        return 1 if self._random.random() < 0.55 else -1
