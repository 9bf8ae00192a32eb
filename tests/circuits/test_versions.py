"""Released compilers stay: what verified once verifies for ever.

The circuits of version 1 for a fixed policy, market and risk table (typed in, so that no float is involved) have
these digests on every machine. If a change moves one, it is a new circuit version, and the old one must remain.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from circuit_cases import everything, two_positions

from zkmargin.circuits.compile import COMPILERS, compile_circuit
from zkmargin.inputs.market import Instrument, Market, in_circuit_order
from zkmargin.inputs.models import MODELS
from zkmargin.inputs.models.bracket import Bracket
from zkmargin.inputs.models.brackets import Brackets
from zkmargin.inputs.policy import BookPolicy, Policy, Scenario
from zkmargin.risk.table import BookRisk, Pnl, RiskTable, RiskUnit

F = Fraction
TIME, EXPIRY = datetime(2026, 1, 30, 8, tzinfo=UTC), datetime(2026, 3, 27, 8, tzinfo=UTC)
DIGESTS = {
    "portfolio": "a0b33c5fc9602795d263ddc5d59a5edbdc0862740294436695751bc03c3fbf5f",
    "spot": "7364fe91a308c77d8265d05c43c5a7663794fa20ff9f49f170752f92f5779aa1",
}


def market() -> Market:
    def spot(name: str, lot: str) -> Instrument:
        return Instrument(name, "spot", name, "USD", F(lot), F("0.01"))

    perpetual = Instrument("BTC-PERP", "perpetual", "BTC", "USD", F("0.001"), F("0.5"))
    option = Instrument(
        "BTC-C", "option", "BTC", "USD", F("0.1"), F("0.5"), expiry=EXPIRY, strike=F(110_000), right="call"
    )
    inverse = Instrument("BTC-INV", "perpetual", "BTC", "BTC", F(100), F("0.5"), inverse=True)
    prices = {"USD": F(1), "BTC": F(100_000), "ETH": F(4_000)}
    return Market(
        time=TIME,
        instruments=in_circuit_order(
            [spot("USD", "0.01"), spot("BTC", "0.0001"), spot("ETH", "0.001"), perpetual, option, inverse]
        ),
        spot=prices,
        mark={"BTC-PERP": F(100_010), "BTC-C": F(4_500), "BTC-INV": F(100_000)},
        forward={("BTC", EXPIRY): F(101_000)},
        volatility={"BTC-C": F("0.5")},
        index=prices,
    )


def book(name: str) -> BookPolicy:
    scenarios = name == "portfolio"
    tiers = ((F(0), F("0.95")), (F(1_000_000), F("0.9")))
    return BookPolicy(
        id=name,
        model="scenarios" if scenarios else "collateral",
        settlement="USD",
        netting="underlying",
        scenario_set="",
        scenarios=(Scenario("up", F(1), F(0)), Scenario("down", F(-1), F(0))) if scenarios else (),
        price_range={"BTC": F("0.16")} if scenarios else {},
        volatility_range=F("0.5"),
        interest=F(0),
        short_option_minimum=F("0.005"),
        initial_factor=F("1.3333") if scenarios else F(1),
        collateral={"USD": "cash", "BTC": "shocked", "ETH": tiers} if scenarios else {},
        pools={} if scenarios else {"loan": {"BTC": tiers, "USD": ((F(0), F(1)),)}},
        position_limit=F(10**7),
        balance_limit=F(10**8),
        levels=(("liquidation", F(1)),),
        pad_to=1,
        minimum_accounts=1,
    )


def policy() -> Policy:
    return Policy(
        exchange="Example",
        quote="USD",
        circuit_version=1,
        equity_quantum=F("0.000001"),
        margin_quantum=F("0.0001"),
        max_price_age=None,
        max_overstatement=F(1),
        publish=("requirement",),
        books={name: book(name) for name in DIGESTS},
    )


def table() -> RiskTable:
    unit = RiskUnit("BTC", ("BTC-C", "BTC-INV", "BTC-PERP"), ("BTC",))
    pnl = {
        "BTC": Pnl(F("0.0001"), (16_000, -16_000), exact=True),
        "BTC-PERP": Pnl(F("0.0001"), (160_016, -160_016), exact=True),
        "BTC-INV": Pnl(F(1, 7), (96, -133), exact=True),
        "BTC-C": Pnl(F("1e-9"), (812_345_678_901, -321_098_765_432), exact=False),
    }
    values = {"USD": 10_000, "BTC": 10_000_000, "ETH": 4_000_000, "BTC-C": 450_000_000}
    return RiskTable(
        time=TIME,
        lot_value=values | {"BTC-PERP": 100_010_000, "BTC-INV": -100_000_000},
        short_minimum={"portfolio": {"BTC-C": F(50)}},
        books={
            "portfolio": BookRisk("portfolio", ("up", "down"), (unit,), pnl),
            "spot": BookRisk("spot", (), (), {}),
        },
    )


@pytest.mark.parametrize("name", DIGESTS)
def test_circuits_of_version_1_stay_as_they_are(name: str) -> None:
    assert compile_circuit(policy(), market(), table(), name).circuit.digest.hex() == DIGESTS[name]


def test_the_circuit_of_brackets_stays_as_it_is() -> None:
    """Two brackets, the first lots apart, whole initial rates; the inverse contract has one bracket."""
    brackets = {
        "BTC-PERP": (Bracket(F(0), F("0.004"), F("0.008")), Bracket(F(50_000), F("0.005"), F("0.01"))),
        "BTC": (Bracket(F(0), F("0.01"), F("0.02")),),
    }
    changes = {"model": "brackets", "parameters": Brackets(brackets, initial="whole")}
    perp = replace(book("spot"), id="perp", pools={}, collateral={"USD": "cash"}, **changes)
    rules = replace(policy(), books={"perp": perp})
    found = compile_circuit(rules, market(), table(), "perp").circuit.digest.hex()
    assert found == "dd0e97f576391fecf9a64c3a0c52d7b98f5b48bae441d5a98619505df5b54b95"


def test_every_version_knows_every_model() -> None:
    assert all(set(models) == set(MODELS) for models in COMPILERS.values())


def test_everything_public_is_in_the_digest() -> None:
    """A price, a width, a published total or a tier that changes gives another circuit."""
    base = {name: compile_circuit(policy(), market(), table(), name).circuit.digest for name in DIGESTS}

    def digest(name: str, *, rules: Policy | None = None, risk: RiskTable | None = None) -> bytes:
        return compile_circuit(rules or policy(), market(), risk or table(), name).circuit.digest

    dearer = replace(table(), lot_value={**table().lot_value, "ETH": 4_000_001})
    assert digest("portfolio", risk=dearer) != base["portfolio"]
    assert digest("spot", risk=dearer) != base["spot"]
    shocked = table()
    shocked.books["portfolio"].pnl["BTC-C"] = Pnl(F("1e-9"), (812_345_678_901, -321_098_765_433), exact=False)
    assert digest("portfolio", risk=shocked) != base["portfolio"]
    old = book("portfolio")
    for new in (
        replace(old, position_limit=F(10**9)),
        replace(old, balance_limit=F(10**9)),
        replace(old, initial_factor=F(2)),
    ):
        books = {"portfolio": new}
        assert digest("portfolio", rules=replace(policy(), books=books)) != base["portfolio"]
    assert digest("spot", rules=replace(policy(), publish=())) != base["spot"]
    tiers = {"loan": {"BTC": ((F(0), F("0.95")), (F(1_000_000), F("0.8")))}}
    books = {"spot": replace(book("spot"), pools=tiers)}
    assert digest("spot", rules=replace(policy(), books=books)) != base["spot"]
    assert digest("spot", rules=replace(policy(), exchange="Another")) == base["spot"]


def test_atoms_stay_as_they_are_and_their_declarations_are_in_the_digest() -> None:
    circuit = two_positions(everything).circuit
    assert circuit.digest.hex() == "8581d31884f12bcb0388a45c59a8fb6ac851d8788a9ac8d104aff3e3710e6dcf"
    changed = [
        replace(circuit, **{name: getattr(circuit, name)[1:]})
        for name in ("waivers", "tails", "hypotenuses", "one_hots")
    ]
    assert len({item.digest for item in (circuit, *changed)}) == 5


def test_circuits_without_later_declarations_do_not_name_them() -> None:
    names = {b"waivers", b"tails", b"hypotenuses", b"allowances", b"alone"}
    plain = compile_circuit(policy(), market(), table(), "portfolio").circuit.canonical
    assert not [name for name in names if b'"' + name + b'":' in plain]
