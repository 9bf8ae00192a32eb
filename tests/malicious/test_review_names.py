"""Names that promise what is not there: a known scenario set with other scenarios, one account in two books."""

from __future__ import annotations

import pytest
from small_market import UP_DOWN, F, book, policy

from zkmargin.bundle import Bundle, BundleLeaf
from zkmargin.bundle_verifier import _check_distinct
from zkmargin.errors import VerificationError
from zkmargin.inputs.ledger import User
from zkmargin.inputs.policy import Scenario
from zkmargin.inputs.policy_rules import check_policy
from zkmargin.inputs.presets import PRESETS

GENTLE = tuple(Scenario(s.name, s.price / 100, s.volatility, s.weight) for s in PRESETS["span-16"])


@pytest.mark.parametrize(
    ("name", "scenarios"), [("span-16", GENTLE), ("span-16", UP_DOWN), ("SPAN-16", UP_DOWN), ("", UP_DOWN)]
)
def test_a_known_set_with_other_scenarios(name: str, scenarios: tuple[Scenario, ...]) -> None:
    faults = check_policy(policy(book(scenario_set=name, scenarios=scenarios)))
    assert [fault.message for fault in faults] == ["not the scenarios of that set"]


def test_a_set_under_its_own_name() -> None:
    assert check_policy(policy(book())) == []
    assert check_policy(policy(book(scenario_set="custom", scenarios=UP_DOWN))) == []
    assert {scenario.weight for scenario in PRESETS["span-16"]} == {F(1), F("0.35")}


def leaf(book_id: str, pot: str, index: int) -> BundleLeaf:
    return BundleLeaf(book_id, pot, index, (), 1, 1, bytes(32), ())


def test_an_account_is_in_one_book() -> None:
    """Otherwise the exchange could margin each pot by the laxer of two books."""
    user = User("alice@example.org", b"")
    _check_distinct(Bundle(bytes(32), "1", user, (leaf("strict", "cross", 1), leaf("strict", "isolated", 2))))
    with pytest.raises(VerificationError) as refused:
        _check_distinct(
            Bundle(bytes(32), "1", user, (leaf("strict", "cross", 1), leaf("lax", "isolated", 2)))
        )
    assert refused.value.code == "two-books"
