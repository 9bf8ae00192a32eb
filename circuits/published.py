"""The totals that every attestation publishes, or lists as hidden: linear forms over a circuit.

    position:<instrument>   net position, long minus short          deposits:<asset>   what is held, pledges included
    loans:<asset>           what is owed                            cost:<asset>       net entry cost

are in lots; owed, bad_debt, shortfall, and surplus, requirement, initial_requirement where the policy says so, are
in equity quanta. Where it says "open_interest":

    open_interest:<instrument>   all that is long, in lots
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zkmargin.circuits.circuit import Deficits, Input, variable
from zkmargin.circuits.variables import I, InputKey, R, Terms

FAMILIES = {
    "held": "deposits",
    "unpledged": "deposits",
    "owed": "loans",
    "small": "position",
    "alone": "position",
}  # others go by their own name
ALWAYS = ("owed", "bad_debt", "shortfall")
ON_DEMAND = ("surplus", "requirement", "initial_requirement")
OPEN_INTEREST = "open_interest"


def form_name(key: InputKey) -> str:
    """Return the name of the total to which an input belongs."""
    kind, label = key
    family = "deposits" if kind.startswith("pledged:") else FAMILIES.get(kind, kind)
    return f"{family}:{label}"


def published_forms(inputs: Sequence[Input], deficits: Deficits, publish: Sequence[str]) -> dict[str, Terms]:
    """Return every form by its name: of inputs in their order, then the deficits, then what the policy adds."""
    lots: dict[str, dict[int, int]] = {}
    for item in inputs:
        form = lots.setdefault(form_name(item.key), {})
        for side, sign in zip(item.sides, (1, -1), strict=False):
            form |= {variable(column): sign * weight for column, weight in side.parts}
    quanta: dict[str, Terms] = {
        "owed": ((variable(deficits.owed), 1),),
        "bad_debt": ((variable(deficits.bad_debt), 1),),
        "shortfall": ((variable(deficits.shortfall), 1),),
        "surplus": ((variable(deficits.surplus), 1),),
        "requirement": ((R, 1),),
        "initial_requirement": ((I, 1),),
    }
    chosen = ALWAYS + tuple(name for name in ON_DEMAND if name in publish)
    forms = {name: tuple(sorted(form.items())) for name, form in lots.items()}
    longs = _open_interest(inputs) if OPEN_INTEREST in publish else {}
    return forms | {name: quanta[name] for name in chosen} | longs


def published_on_demand(names: Iterable[str]) -> list[str]:
    """Return which totals a policy must have asked for, to have published these names."""
    families = {name.partition(":")[0] for name in names}
    return [name for name in (*ON_DEMAND, OPEN_INTEREST) if name in families]


def _open_interest(inputs: Sequence[Input]) -> dict[str, Terms]:
    """Sum the long sides of every contract."""
    longs: dict[str, dict[int, int]] = {}
    for item in inputs:
        if form_name(item.key).startswith("position:"):
            form = longs.setdefault(f"{OPEN_INTEREST}:{item.key[1]}", {})
            form |= {variable(column): weight for column, weight in item.sides[0].parts}
    return {name: tuple(sorted(form.items())) for name, form in longs.items()}
