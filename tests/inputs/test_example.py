from __future__ import annotations

import filecmp
from pathlib import Path

import pytest

from zkmargin.errors import UsageError
from zkmargin.inputs import load_ledger, load_market
from zkmargin.inputs.example import write_example
from zkmargin.inputs.example_market import black_76, example_market
from zkmargin.inputs.ledger import Ledger
from zkmargin.inputs.widths import position_bits
from zkmargin.margin.accounts import BookMargin, calculate_all
from zkmargin.risk.table import build_risk_table


def example(folder: Path, accounts: int, **options: int) -> Path:
    folder.mkdir()
    write_example(folder, accounts, **options)  # type: ignore[arg-type]
    return folder


def load(folder: Path) -> tuple[Ledger, dict[str, BookMargin]]:
    policy, market = load_market(folder / "market")
    ledger = load_ledger(folder / "ledger", policy, market)
    return ledger, calculate_all(policy, build_risk_table(policy, market), ledger.pots)


@pytest.mark.parametrize("accounts", [1, 11, 12, 60, 400])
def test_every_size_loads(tmp_path: Path, accounts: int) -> None:
    ledger, _ = load(example(tmp_path / "e", accounts))
    assert len({account for pots in ledger.pots.values() for account, _ in pots.labels}) == accounts


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_is_in_it(tmp_path: Path, seed: int) -> None:
    ledger, margins = load(example(tmp_path / "e", 200, seed=seed))
    portfolio, spot = ledger.pots["portfolio"].values, ledger.pots["spot"].values
    assert all(column.total() == 0 for (kind, _), column in portfolio.items() if kind in ("position", "cost"))
    assert {"held", "owed", "position", "cost"} == {kind for kind, _ in portfolio}
    assert {"held", "owed", "pledged:loan", "pledged:margin"} == {kind for kind, _ in spot}
    assert any(pot != "cross" for _, pot in ledger.pots["portfolio"].labels)
    unhealthy = {name: int((~margin.healthy).sum()) for name, margin in margins.items()}
    assert 2 <= unhealthy["portfolio"] <= 15 and 1 <= unhealthy["spot"] <= 8
    assert sum(1 for value in margins["portfolio"].bad_debt if value) == 1
    assert not any(margins["spot"].bad_debt)
    levels = {margins["portfolio"].level(row) for row in range(len(margins["portfolio"]))}
    assert {"normal", "warning", "liquidation"} <= levels


def test_it_is_reproducible(tmp_path: Path) -> None:
    one, same, other = (
        example(tmp_path / name, 50, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    files = sorted(path.relative_to(one) for path in one.rglob("*.*"))
    assert len(files) == 7
    assert all(filecmp.cmp(one / path, same / path, shallow=False) for path in files)
    assert not filecmp.cmp(one / "ledger/balances.csv", other / "ledger/balances.csv", shallow=False)


def test_parquet_is_the_same_exchange(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    write_example(tmp_path / "p", 50, seed=1, form="parquet")
    digests = [load(folder)[0].digest for folder in (tmp_path / "p", example(tmp_path / "c", 50, seed=1))]
    assert digests[0] == digests[1]
    assert not list((tmp_path / "p").rglob("*.csv"))


@pytest.mark.parametrize("contracts", [9, 17, 40, 256])
def test_any_number_of_instruments(tmp_path: Path, contracts: int) -> None:
    market = example_market(contracts)
    assert len(market.contracts) == contracts
    assert {item.kind for item in market.contracts} == {"perpetual", "future", "option"}
    load(example(tmp_path / "e", 30, contracts=contracts))


def test_columns_are_narrow(tmp_path: Path) -> None:
    policy, market = load_market(example(tmp_path / "e", 1) / "market")
    bits = [position_bits(policy.books["portfolio"], market, item) for item in market.contracts]
    assert max(bits) <= 16 and 2 * sum(bits) < 512


@pytest.mark.parametrize("accounts, contracts", [(0, 17), (5, 8)])
def test_sizes_that_cannot_be(tmp_path: Path, accounts: int, contracts: int) -> None:
    with pytest.raises(UsageError):
        write_example(tmp_path, accounts, contracts=contracts)


def test_option_marks_are_black_76() -> None:
    # forward 600 = 600, strike 1000, half a year, 30 %: py_vollib's black, undiscounted, agrees to 1e-9
    call, put = black_76("call", 600, 1000, 0.5, 0.3), black_76("put", 600, 1000, 0.5, 0.3)
    assert call - put == pytest.approx(-400)
    for option in (item for item in example_market().contracts if item.kind == "option"):
        assert 0 < example_market().mark[option.name] < 10_000
