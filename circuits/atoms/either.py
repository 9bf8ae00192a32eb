"""either(a, b) inside a maximum: the smaller of two convex expressions, by true bits.

    v + C_0 w_0 >= a,    v + C_1 w_1 >= b,    w_0 + w_1 + slack = used;    w_0, w_1, used one bit wide

At most one inequality of the two is waived, so v >= min(a, b) in every satisfying row: there are no free columns
anywhere, and a bit is a bit. C is the most that the inequality can be short of by what its columns can hold, so a
waived one always holds. Without `used` nothing is waived, which only costs: the constant that favours the account
stands beside pieces that hold at zero. *Exact witness*: see `maximum`; equal alternatives need no waiver.
"""

from __future__ import annotations

from zkmargin.circuits.expression import Alternatives, Expression


def either(first: object, second: object, *, names: tuple[str, str] = ("first", "second")) -> Alternatives:
    """Return the smaller of two convex expressions, to be a piece of a maximum (capped charges, the better of two).

    `names`: what explanations and refusals call them.
    """
    return Alternatives(dict(zip(names, map(Expression.of, (first, second)), strict=True)), 1)
