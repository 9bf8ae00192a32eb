from __future__ import annotations

import random
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest
from small_market import pots

from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.witness import check_row
from zkmargin.errors import InputError, PolicyError
from zkmargin.inputs import load_ledger, load_market
from zkmargin.inputs.binance import ImportReport, import_binance
from zkmargin.inputs.binance_assets import POOLS, read_tiers
from zkmargin.inputs.decimals import BadNumberError
from zkmargin.inputs.market import Market
from zkmargin.inputs.policy_rules import tier_value
from zkmargin.margin.accounts import BookMargin, calculate
from zkmargin.risk.table import build_risk_table

VECTORS = Path(__file__).parents[2] / ".." / "shared" / "vectors" / "binance"
TIME = datetime(2026, 1, 30, 8, tzinfo=UTC)
F = Fraction

HEADER = "rn,id,e_btc,d_btc,btc,vl_btc,m_btc,pm_btc,e_shib,d_shib,shib,vl_shib,m_shib,pm_shib,total_net_balance_usdt\n"
ACCOUNTS = (
    HEADER
    + "0,aa,2.00000001,0,2.0000000100000000005,1,0.5,0.25,807.18,0,0,403.59,0,0,0.0\n"  # sound, all of it
    + "1,bb,1,0,1,0.5,0.4,0.3,10,5,5,0,0,0,1.0\n"  # pledges 1.2 of 1
    + "2,cc,0.1,0,0,0.1,0,0,0,900000000,0,0,0,0,0\n"  # owes 16,173, pledged 6,510
    + "3,dd,0,0,0,0,0,0,0,0,0,0,0,0,0\n"  # has nothing
)
ASSETS = (
    "symbol,usdt_price,loan_tiers_ratio,margin_tiers_ratio,portfolio_tiers_ratio\n"
    'btc,65100.22000000,"[0-10000:100,10000-20000:90]","[0-10000:100]","[0-10000:50]"\n'
    'shib,0.00001797,"","",""\n'
)


def run(folder: Path, accounts: str = ACCOUNTS, assets: str = ASSETS) -> ImportReport:
    (folder / "users.csv").write_text(accounts)
    (folder / "assets.csv").write_text(assets)
    (folder / "out").mkdir()
    return import_binance([folder / "assets.csv", folder / "users.csv"], folder / "out", TIME)


def margin(folder: Path) -> BookMargin:
    policy, market = load_market(folder / "market")
    ledger = load_ledger(folder / "ledger", policy, market)
    return calculate(policy, build_risk_table(policy, market), ledger.pots["spot"])


def test_typed_accounts(tmp_path: Path) -> None:
    report = run(tmp_path)
    assert (report.accounts, report.short) == (4, 1)
    assert [(c.row, c.account, c.asset, c.pool, c.pledged, c.kept) for c in report.cuts] == [
        (3, "bb", "btc", "portfolio", F(3, 10), F(1, 10))
    ]
    policy, market = load_market(tmp_path / "out/market")
    pots = load_ledger(tmp_path / "out/ledger", policy, market).pots["spot"]
    assert [account for account, _ in pots.labels] == ["aa", "bb", "cc", "dd"]
    assert pots.values["held", "btc"].values.tolist() == [200_000_001, 10**8, 10**7]
    assert pots.values["held", "shib"].values.tolist() == [80_718, 1_000]
    assert pots.values["pledged:portfolio", "btc"].values.tolist() == [25 * 10**6, 10**7]
    assert policy.books["spot"].pools["loan"]["btc"] == (
        (F(0), F(1)),
        (F(10_000), F(9, 10)),
        (F(20_000), F(0)),
    )
    assert policy.books["spot"].pools["margin"]["shib"] == ((F(0), F(0)),)


def test_the_calculator_agrees(tmp_path: Path) -> None:
    report = run(tmp_path)
    result = margin(tmp_path / "out")
    assert int((~result.healthy).sum()) == report.short == 1
    # aa: loan 10,000 + 0.9 x 10,000, margin 10,000, portfolio 0.5 x 10,000: value beyond the tiers counts nothing
    assert int(result.equity[0]) / 10**10 == pytest.approx(10_000 + 9_000 + 10_000 + 5_000, abs=0.01)


def test_pledges_are_cut_portfolio_first_then_margin_then_loan(tmp_path: Path) -> None:
    report = run(tmp_path, HEADER + "0,aa,1,0,0,2,0.5,0.25,0,0,0,0,0,0,0\n")
    assert [(c.pool, c.kept) for c in report.cuts] == [("portfolio", F(0)), ("margin", F(0)), ("loan", F(1))]


@pytest.mark.parametrize(
    "accounts, assets, file, row, column, message",
    [
        (ACCOUNTS.replace("0,aa,2.0", "0,aa,-2.0"), ASSETS, "users.csv", 2, "e_btc", "negative"),
        (ACCOUNTS.replace(",5,5,", ",5e0,5,"), ASSETS, "users.csv", 3, "d_shib", "exponent"),
        (ACCOUNTS.replace(",5,5,", ",,5,"), ASSETS, "users.csv", 3, "d_shib", "no value"),
        (ACCOUNTS.replace("1,bb", "1,aa"), ASSETS, "users.csv", 3, "id", "twice"),
        (ACCOUNTS.replace("vl_btc", "vx_btc"), ASSETS, "users.csv", 1, "vl_btc", "missing"),
        (ACCOUNTS.replace("_shib", "_doge"), ASSETS, "users.csv", 1, "e_doge", "without a price"),
        (ACCOUNTS + "4,ee,1\n", ASSETS, "users.csv", 6, None, "3 fields"),
        (ACCOUNTS, ASSETS.replace("65100.22000000", "0"), "assets.csv", 2, "usdt_price", "must be positive"),
        (ACCOUNTS, ASSETS.replace("10000:100,10000-", "10000:90,10000-").replace("20000:90", "20000:95"),
         "assets.csv", 2, "loan_tiers_ratio", "a rate rises"),
        (ACCOUNTS, ASSETS.replace("65100.22000000", "a lot"), "assets.csv", 2, "usdt_price", "not a decimal"),
        (ACCOUNTS, ASSETS.replace("shib,", "btc,"), "assets.csv", 3, "symbol", "twice"),
        (ACCOUNTS, "token,price\nbtc,1\n", "assets.csv", None, None, "exactly one asset file"),
        ("id,btc\n0,1\n", ASSETS, "assets.csv", None, None, "no accounts file"),
        ("", ASSETS, "users.csv", None, None, "empty"),
    ],
)  # fmt: skip
def test_what_is_refused(
    tmp_path: Path, accounts: str, assets: str, file: str, row: int | None, column: str | None, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        run(tmp_path, accounts, assets)
    assert any(
        (p.file, p.row, p.column) == (file, row, column) and message in p.message
        for p in caught.value.problems
    ), caught.value.problems
    assert not list((tmp_path / "out").iterdir())


def test_prices_must_be_in_usdt(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="its own is not 1"):
        run(tmp_path, assets=ASSETS + 'usdt,0.99,"","",""\n')


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "0-1:100",
        "[0-1:100",
        "[1-2:100]",
        "[0-1:100,2-3:90]",
        "[0-0:100]",
        "[0-1:101]",
        "[0-1:50,1-2:60]",
    ],
)
def test_tiers_that_are_refused(text: str) -> None:
    with pytest.raises(BadNumberError):
        read_tiers(text)


def test_a_coin_worth_too_little(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="worth too little"):
        run(tmp_path, assets=ASSETS.replace("0.00001797", f"0.{'0' * 30}1"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        import_binance([tmp_path / "absent.csv"], tmp_path, TIME)


@pytest.mark.skipif(
    not VECTORS.is_dir(), reason="../shared/vectors/binance is not here; the typed accounts did run"
)
def test_the_published_sample(tmp_path: Path) -> None:
    report = import_binance([VECTORS / "sample_users0.csv", VECTORS / "cex_assets_info.csv"], tmp_path, TIME)
    assert (report.accounts, report.short, len({cut.account for cut in report.cuts})) == (100, 10, 5)
    result = margin(tmp_path)
    assert (len(result), int((~result.healthy).sum()), min(result.net) > 0) == (100, 10, True)
    short = {result.labels[row][0] for row in range(100) if not result.healthy[row]}
    assert {cut.account for cut in report.cuts} <= short


@pytest.mark.skipif(
    not VECTORS.is_dir(), reason="../shared/vectors/binance is not here; the typed accounts did run"
)
def test_483_assets_with_their_real_tiers(tmp_path: Path) -> None:
    assets = VECTORS / "cex_assets_info_real_tiers.csv"
    assert import_binance([VECTORS / "sample_users0.csv", assets], tmp_path, TIME).accounts == 100
    assert len(load_market(tmp_path / "market")[1].assets) == 483


@pytest.mark.skipif(
    not VECTORS.is_dir(), reason="../shared/vectors/binance is not here; the typed accounts did run"
)
def test_the_circuit_of_483_assets_and_three_pools(tmp_path: Path) -> None:
    """Pledges of all sizes to several pools, and debts: equity is the published rule, rounded down."""
    assets = VECTORS / "cex_assets_info_real_tiers.csv"
    import_binance([VECTORS / "sample_users0.csv", assets], tmp_path, TIME)
    policy, market = load_market(tmp_path / "market")
    table = build_risk_table(policy, market)
    compiled = compile_circuit(policy, market, table, "spot")
    assert sum(len(group.tiers) for group in compiled.circuit.one_hots) == 1_553
    chance = random.Random(3)
    pools, rows = policy.books["spot"].pools, [random_pledges(chance, market) for _ in range(50)]
    witness = compiled.fill(pots(*rows, book_id="spot"))
    for index, row in enumerate(rows):
        check_row(compiled.circuit, witness.row(index))
        value = {key: lots * table.lot_value[key[1]] * policy.equity_quantum for key, lots in row.items()}
        covered = sum(
            tier_value(pools[kind.removeprefix("pledged:")][asset], money)
            for (kind, asset), money in value.items()
            if kind.startswith("pledged:")
        )
        below = covered - sum(money for (kind, _), money in value.items() if kind == "owed")
        below -= int(witness.outputs[index, 1]) * policy.equity_quantum
        assert 0 <= below <= F(1, 10**5) * sum(value.values())  # knots are moved down to lots


def random_pledges(chance: random.Random, market: Market) -> dict[tuple[str, str], int]:
    """Six assets, each held, mostly pledged to one pool or two, and one of them owed."""
    row: dict[tuple[str, str], int] = {}
    for asset in chance.sample(market.assets, 6):
        lot = market.instruments[asset].lot * market.spot[asset]
        held = max(4, int(10 ** chance.uniform(1, 6) / lot))
        row["held", asset] = held
        row |= {(f"pledged:{pool}", asset): held // 3 for pool in chance.sample(POOLS, chance.randint(0, 2))}
    row["owed", asset] = held // 2
    return row
