"""BN254 G1 by py_ecc: the independent computation that ours is held against."""

from __future__ import annotations

from collections.abc import Sequence

from py_ecc import optimized_bn128 as ecc

from zkmargin.group.curve import Point


def add(left: Point, right: Point) -> Point:
    return _read(ecc.add(_write(left), _write(right)))


def multiply(point: Point, scalar: int) -> Point:
    return _read(ecc.multiply(_write(point), scalar))


def msm(scalars: Sequence[int], points: Sequence[Point]) -> Point:
    total = ecc.Z1
    for scalar, point in zip(scalars, points, strict=True):
        total = ecc.add(total, ecc.multiply(_write(point), scalar))
    return _read(total)


def _write(point: Point):
    return ecc.Z1 if point is None else (ecc.FQ(point[0]), ecc.FQ(point[1]), ecc.FQ(1))


def _read(point) -> Point:
    if ecc.is_inf(point):
        return None
    x, y = ecc.normalize(point)
    return int(x), int(y)
