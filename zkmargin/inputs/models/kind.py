"""What a margin model is to the files: which sections of a policy it takes, and parameters of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from zkmargin.canonical import Json
from zkmargin.inputs.problems import Fault

if TYPE_CHECKING:
    from zkmargin.inputs.market import Instrument, Market
    from zkmargin.inputs.policy import BookPolicy, Policy
    from zkmargin.inputs.sections import Section


class Parameters(ABC):
    """A model's own numbers in a book of the policy: exact and public.

    `optional`: a book may do without them. `least_scenarios`: how many of its own a model with shocks needs.
    """

    optional: ClassVar[bool] = False
    least_scenarios: ClassVar[int] = 1

    @classmethod
    @abstractmethod
    def read(cls, section: Section) -> Self | None:
        """Take the model's own keys of a [book.NAME] table; None if an optional set of them is not there."""

    @classmethod
    @abstractmethod
    def from_json(cls, value: Json, what: str) -> Self:
        """Read what `to_json` wrote; raise DecodeError for any other shape."""

    @abstractmethod
    def to_json(self) -> Json:
        """Return everything, defaults filled in, for canonical JSON."""

    @abstractmethod
    def faults(self, book: BookPolicy, quote: str) -> Iterator[Fault]:
        """Say why these parameters are refused, whatever the market: (dotted name, value, message, hint)."""

    def market_faults(self, book: BookPolicy, policy: Policy, market: Market) -> Iterator[Fault]:
        """Say why they cannot be used with a market."""
        yield from ()

    def margins(self, contract: Instrument) -> bool:
        """Tell whether positions in a contract may be held."""
        return True

    def concerns(self, book: BookPolicy, contract: Instrument) -> bool:
        """Tell whether a book that shocks prices must have a range for a contract, which it then may hold."""
        return True

    def lends(self, asset: str) -> bool:
        """Tell whether an asset may be owed, besides the quote and the settlement asset, which always may."""
        return False

    def beside_losses(self, book: BookPolicy) -> Iterator[str]:
        """Yield the keys by which a requirement is more than a coherent measure of netted losses, unit by unit."""
        yield "model"

    def revaluations(self) -> int:
        """Return how many inequalities have a coefficient for every bit of a position, about: it bounds the work."""
        return 0


@dataclass(frozen=True)
class MarginModel:
    """`trades`: takes positions, collateral rules and a position limit. `shocks`: scenarios, ranges, initial factor.

    `pools`: pledges to pools with haircuts instead of positions. `history`: the market's past moves are scenarios too.
    """

    name: str
    trades: bool = False
    shocks: bool = False
    pools: bool = False
    history: bool = False
    parameters: type[Parameters] | None = None
