"""A circuit together with the program that fills it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from zkmargin.circuits.circuit import Circuit
from zkmargin.circuits.draft import Row
from zkmargin.circuits.fill import Program
from zkmargin.circuits.steps import Step
from zkmargin.circuits.variables import InputKey
from zkmargin.circuits.witness import Witness
from zkmargin.errors import CircuitError
from zkmargin.inputs.ledger import Pots


@dataclass(frozen=True)
class Rounding:
    """A rounded function: `share` of its value is too much where `full` columns hold so much; see `overstatement`."""

    of: object  # of one only the largest counts: a group of tiers, or the key of an input
    full: Mapping[int, int]
    share: Fraction


@dataclass(frozen=True, repr=False)
class CompiledBook:
    """`steps` is the canonical witness as a public function; `tolerance` per lot of inputs: see `overstatement`.

    `charges` are the terms of R by name, in equity quanta: they say what a requirement consists of. `roundings` are
    those of functions that R uses.
    """

    circuit: Circuit
    steps: tuple[Step, ...]
    tolerance: Mapping[InputKey, Fraction]
    charges: tuple[tuple[str, Row], ...] = ()
    roundings: tuple[Rounding, ...] = ()

    def __repr__(self) -> str:
        return f"CompiledBook({self.circuit!r})"

    @cached_property
    def program(self) -> Program:
        """The steps, prepared for arrays."""
        return Program(self.circuit, self.steps)

    def fill(self, pots: Pots) -> Witness:
        """Return the canonical witness of every pot at once; see `fill.Program.run`.

        Raise CircuitError, which names the pot, for one beyond the book's money limit.
        """
        witness = self.program.run(pots.values, len(pots))
        for index, found in witness.auxiliary.items():
            column = self.circuit.columns[index]
            beyond = found.rows[np.flatnonzero(found.values > column.capacity)].tolist()
            if beyond:
                account, pot = pots.labels[beyond[0]]
                raise CircuitError(
                    "beyond-limit",
                    f"account {account} pot {pot}: {column.name} is beyond the money limit of book {pots.book}",
                    hint="a book with a higher limit can take the account",
                )
        return witness
