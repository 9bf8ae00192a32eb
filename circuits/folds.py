"""The folds of `atoms.norm`: rotations of the plane by Pythagorean triples, exact in integers.

    (x, y) -> (c x + s y, |c y - s x|) / d,    c^2 + s^2 = d^2

Four folds with angles t_1 > ... > t_4 bring any vector of the quadrant within 2 t_5 of the axis; what is then
measured along the direction t_5 is the largest of its projections on the 16 directions t_1 +- ... +- t_4 + t_5 +- ...,
which lie at most 2 t_5 apart, the outermost at most t_5 from the axes. So it is at least cos(t_5) times the length.
"""

from __future__ import annotations

from zkmargin.circuits.draft import Form, add_forms

Triple = tuple[int, int, int]

FOLDS: tuple[Triple, ...] = ((20, 21, 29), (12, 5, 13), (40, 9, 41), (323, 36, 325))
LAST: Triple = (1295, 72, 1297)


def rotated(along: Form, across: Form, triple: Triple) -> tuple[Form, Form]:
    """Return c x + s y and c y - s x."""
    c, s, _ = triple
    return (
        add_forms([_times(along, c), _times(across, s)]),
        add_forms([_times(across, c), _times(along, -s)]),
    )


def projected(along: Form, across: Form) -> Form:
    """Return d times the projection on the last direction."""
    return rotated(along, across, LAST)[0]


def _times(form: Form, number: int) -> Form:
    return Form(
        {side: a * number for side, a in form.sides.items()},
        {column: a * number for column, a in form.columns.items()},
    )
