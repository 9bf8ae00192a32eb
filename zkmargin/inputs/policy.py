"""The policy: what an exchange declares about its margin rules, its units and what it publishes.

Everything here is public. Numbers are exact fractions of decimal strings; amounts are in quote currency.
`policy_file` reads it from policy.toml, `policy_rules` says which policies are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Literal, TypeVar, cast, get_args

from zkmargin import canonical
from zkmargin.canonical import Json, fraction_text
from zkmargin.errors import DecodeError, PolicyError
from zkmargin.inputs.json_fields import Fields, fraction, strings
from zkmargin.inputs.liquidity import Costs, costs_json, decoded_costs
from zkmargin.inputs.models import MODELS, Parameters

Tiers = tuple[tuple[Fraction, Fraction], ...]
"""Marginal collateral rates: (value in quote from which it holds, rate), first from 0."""

Collateral = Literal["cash", "shocked"] | Tiers
Netting = Literal["underlying", "joint"]
Legs = Literal["alone"]

Own = TypeVar("Own", bound=Parameters)


@dataclass(frozen=True)
class Scenario:
    """One shock: `price` in multiples of an asset's price range, `volatility` in multiples of the
    volatility range.

    The scenario's P&L is multiplied by `weight`.
    """

    name: str
    price: Fraction
    volatility: Fraction
    weight: Fraction = Fraction(1)

    def price_move(self, asset: str, span: Fraction) -> Fraction:
        """Return the relative move of an asset's price, given its range."""
        return self.price * span

    def volatility_move(self, underlying: str, span: Fraction) -> Fraction:
        """Return the relative move of the volatility of options on an underlying, given the book's range."""
        return self.volatility * span


@dataclass(frozen=True)
class BookPolicy:
    """The margin rules of one book.

    `price_range` is relative (0.16 is 16 %), `volatility_range` too; `interest` is a continuous yearly rate;
    `short_option_minimum` a rate of the index per unit short. `collateral` belongs to the model
    "scenarios" and others that trade, `pools` (pool -> asset -> tiers) to the model "collateral". `levels` fall by
    ratio E / R. What else a model needs is in its `parameters`: see `zkmargin.inputs.models`. `liquidity`: costs of
    closing positions, on top of any model's requirements. `account_limit` bounds every gain and loss in a pot's worst
    cases: narrower columns cost less, and a pot beyond it is refused. `legs`: a position that is all of its risk unit
    is charged by itself, which costs less and charges the same.
    The number of leaves of the book is the next multiple of `pad_to`, at least `minimum_accounts`.
    """

    id: str
    model: str
    settlement: str
    netting: Netting
    scenario_set: str
    scenarios: tuple[Scenario, ...]
    price_range: Mapping[str, Fraction]
    volatility_range: Fraction
    interest: Fraction
    short_option_minimum: Fraction
    initial_factor: Fraction
    collateral: Mapping[str, Collateral]
    pools: Mapping[str, Mapping[str, Tiers]]
    position_limit: Fraction
    balance_limit: Fraction
    levels: tuple[tuple[str, Fraction], ...]
    pad_to: int
    minimum_accounts: int
    parameters: Parameters | None = None
    liquidity: Costs = field(default_factory=dict)
    account_limit: Fraction | None = None
    legs: Legs | None = None

    def own(self, kind: type[Own]) -> Own:
        """Return the parameters of the book's model; raise PolicyError for a book of another model."""
        if not isinstance(self.parameters, kind):
            model = next(model.name for model in MODELS.values() if model.parameters is kind)
            raise PolicyError("parameters", f"book {self.id} has no parameters of the model {model}")
        return self.parameters

    def to_json(self) -> Json:
        """Return the book with every default filled in; what is optional without a default only where it is there."""
        parameters = {} if self.parameters is None else {"parameters": self.parameters.to_json()}
        liquidity = {"liquidity": costs_json(self.liquidity)} if self.liquidity else {}
        limit = {} if self.account_limit is None else {"account_limit": fraction_text(self.account_limit)}
        legs = {} if self.legs is None else {"legs": self.legs}
        return (
            parameters
            | liquidity
            | limit
            | legs
            | {
                "model": self.model,
                "settlement": self.settlement,
                "netting": self.netting,
                "scenario_set": self.scenario_set,
                "scenarios": [
                    [s.name, fraction_text(s.price), fraction_text(s.volatility), fraction_text(s.weight)]
                    for s in self.scenarios
                ],
                "price_range": {asset: fraction_text(value) for asset, value in self.price_range.items()},
                "volatility_range": fraction_text(self.volatility_range),
                "interest": fraction_text(self.interest),
                "short_option_minimum": fraction_text(self.short_option_minimum),
                "initial_factor": fraction_text(self.initial_factor),
                "collateral": {asset: _collateral_json(rule) for asset, rule in self.collateral.items()},
                "pools": {
                    pool: {asset: _tiers_json(tiers) for asset, tiers in assets.items()}
                    for pool, assets in self.pools.items()
                },
                "position_limit": fraction_text(self.position_limit),
                "balance_limit": fraction_text(self.balance_limit),
                "levels": [[name, fraction_text(ratio)] for name, ratio in self.levels],
                "pad_to": str(self.pad_to),
                "minimum_accounts": str(self.minimum_accounts),
            }
        )

    @staticmethod
    def from_json(name: str, value: Json) -> BookPolicy:
        """Read what `to_json` wrote; raise DecodeError for any other shape."""
        what = f"policy.books.{name}"
        with Fields(value, what) as book:
            return BookPolicy(
                id=name,
                model=(model := book.choice("model", tuple(MODELS))),
                settlement=book.text("settlement"),
                netting=cast(Netting, book.choice("netting", ("underlying", "joint"))),
                scenario_set=book.text("scenario_set"),
                scenarios=tuple(_scenario(item, f"{what}.scenarios") for item in book.items("scenarios")),
                price_range=book.fractions("price_range"),
                volatility_range=book.fraction("volatility_range"),
                interest=book.fraction("interest"),
                short_option_minimum=book.fraction("short_option_minimum"),
                initial_factor=book.fraction("initial_factor"),
                collateral={
                    asset: _collateral(rule, f"{what}.collateral.{asset}")
                    for asset, rule in book.mapping("collateral").items()
                },
                pools=_pools(book.mapping("pools"), f"{what}.pools"),
                position_limit=book.fraction("position_limit"),
                balance_limit=book.fraction("balance_limit"),
                levels=tuple(
                    (level, fraction(ratio, f"{what}.levels"))
                    for level, ratio in (strings(item, 2, f"{what}.levels") for item in book.items("levels"))
                ),
                pad_to=book.integer("pad_to"),
                minimum_accounts=book.integer("minimum_accounts"),
                parameters=_parameters(model, book, f"{what}.parameters"),
                liquidity=decoded_costs(book.take("liquidity"), f"{what}.liquidity")
                if "liquidity" in book
                else {},
                account_limit=book.fraction("account_limit") if "account_limit" in book else None,
                legs=cast(Legs, book.choice("legs", get_args(Legs))) if "legs" in book else None,
            )


@dataclass(frozen=True)
class Policy:
    """The public policy of an exchange; `books` in the order of their ids' UTF-8 bytes.

    `equity_quantum` and `margin_quantum` are in quote currency, the second a multiple of the first.
    `max_price_age` is a duration such as "5m", or None; `max_overstatement` is in quote currency per account.
    """

    exchange: str
    quote: str
    circuit_version: int
    equity_quantum: Fraction
    margin_quantum: Fraction
    max_price_age: str | None
    max_overstatement: Fraction
    publish: tuple[str, ...]
    books: Mapping[str, BookPolicy]

    def to_json(self) -> Json:
        """Return the policy with every default filled in, for canonical JSON."""
        return {
            "exchange": self.exchange,
            "quote": self.quote,
            "circuit_version": str(self.circuit_version),
            "equity_quantum": fraction_text(self.equity_quantum),
            "margin_quantum": fraction_text(self.margin_quantum),
            "max_price_age": self.max_price_age or "",
            "max_overstatement": fraction_text(self.max_overstatement),
            "publish": list(self.publish),
            "books": {name: book.to_json() for name, book in self.books.items()},
        }

    @staticmethod
    def from_json(value: Json) -> Policy:
        """Read what `to_json` wrote; raise DecodeError for another shape. `policy_rules` checks the rest."""
        with Fields(value, "policy") as fields:
            publish = fields.items("publish")
            books = fields.mapping("books")
            return Policy(
                exchange=fields.text("exchange"),
                quote=fields.text("quote"),
                circuit_version=fields.integer("circuit_version"),
                equity_quantum=fields.fraction("equity_quantum"),
                margin_quantum=fields.fraction("margin_quantum"),
                max_price_age=fields.text("max_price_age") or None,
                max_overstatement=fields.fraction("max_overstatement"),
                publish=tuple(strings(publish, len(publish), "policy.publish")),
                books={name: BookPolicy.from_json(name, books[name]) for name in sorted(books)},
            )

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the canonical JSON, 32 bytes."""
        return canonical.digest(self.to_json())


def _tiers_json(tiers: Tiers) -> Json:
    return [[fraction_text(start), fraction_text(rate)] for start, rate in tiers]


def _collateral_json(rule: Collateral) -> Json:
    return rule if isinstance(rule, str) else _tiers_json(rule)


def _tiers(value: Json, what: str) -> Tiers:
    if not isinstance(value, list):
        raise DecodeError("json", f"{what} is not an array of tiers")
    pairs = (strings(item, 2, what) for item in value)
    return tuple((fraction(start, what), fraction(rate, what)) for start, rate in pairs)


def _collateral(value: Json, what: str) -> Collateral:
    if value in ("cash", "shocked"):
        return cast(Collateral, value)
    return _tiers(value, what)


def _pools(value: dict[str, Json], what: str) -> dict[str, dict[str, Tiers]]:
    if not all(isinstance(assets, dict) for assets in value.values()):
        raise DecodeError("json", f"{what} is not an object of pools")
    return {
        pool: {asset: _tiers(tiers, f"{what}.{pool}.{asset}") for asset, tiers in assets.items()}
        for pool, assets in value.items()
    }


def _parameters(model: str, book: Fields, what: str) -> Parameters | None:
    kind = MODELS[model].parameters
    if kind is None or (kind.optional and "parameters" not in book):
        return None
    return kind.from_json(book.take("parameters"), what)


def _scenario(value: Json, what: str) -> Scenario:
    name, price, volatility, weight = strings(value, 4, what)
    return Scenario(name, fraction(price, what), fraction(volatility, what), fraction(weight, what))
