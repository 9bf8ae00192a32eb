"""Groups of exact numbers of a model's parameters: dataclasses of fractions with defaults, read and written alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

from zkmargin.canonical import Json, fraction_text
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.json_fields import Fields
from zkmargin.inputs.problems import Fault

if TYPE_CHECKING:
    from zkmargin.inputs.sections import Section

T = TypeVar("T")


def read_numbers(section: Section, kind: type[T]) -> T:
    """Take every number of a group from a table that has nothing else; what is not there has its default."""
    group = kind(**{each.name: section.decimal(each.name, each.default) for each in _numbers(kind)})
    section.finish()
    return group


def decode_numbers(value: Json, kind: type[T], what: str) -> T:
    """Read what `numbers_json` wrote; raise DecodeError for any other shape."""
    with Fields(value, what) as found:
        return kind(**{each.name: found.fraction(each.name) for each in _numbers(kind)})


def numbers_json(group: Any) -> Json:
    """Write every number of a group."""
    return {each.name: fraction_text(getattr(group, each.name)) for each in _numbers(type(group))}


def negative_numbers(name: str, group: Any, signed: tuple[str, ...] = ()) -> Iterator[Fault]:
    """Say which numbers of a group are negative, but for those that may be."""
    for each in _numbers(type(group)):
        value: Fraction = getattr(group, each.name)
        if value < 0 and each.name not in signed:
            yield f"{name}.{each.name}", decimal_text(value), "negative", None


def _numbers(kind: Any) -> tuple[Any, ...]:
    return fields(kind)
