"""keygen, attest, bundle, verify and audit as a user runs them, on a generated exchange."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from zkmargin.cli.main import run
from zkmargin.files import locked


def zkmargin(*arguments: object) -> int:
    return run([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exchange of 30 accounts that attested, with the bundle of account A0000003."""
    out = tmp_path_factory.mktemp("commands") / "x"
    assert zkmargin("example", "-o", out, "--accounts", 30) == 0
    assert zkmargin("risk", "build", out / "market", "-o", out / "risk") == 0
    assert zkmargin("keygen", "-o", out / "key") == 0
    assert attest(out, "attestation", "private") == 0
    assert bundle(out, "A0000003", "bundle.json") == 0
    return out


def attest(out: Path, name: str, private: str, *more: object) -> int:
    where = ("-o", out / name, "--private", out / private)
    return zkmargin("attest", out / "ledger", "--risk", out / "risk", "--key", out / "key", *where, *more)


def bundle(out: Path, account: str, name: str) -> int:
    where = ("--private", out / "private", "--key", out / "key")
    return zkmargin("bundle", *where, "--account", account, "-o", out / name)


def row(path: Path, account: str) -> dict[str, str]:
    with path.open(newline="") as file:
        return next(line for line in csv.DictReader(file) if line["account"] == account)


def user(out: Path, account: str = "A0000003") -> str:
    return row(out / "ledger" / "accounts.csv", account)["user"]


def verify(out: Path, *more: object, name: str = "bundle.json") -> int:
    return zkmargin("verify", out / name, "--attestation", out / "attestation", *more)


@pytest.fixture
def records(folder: Path, tmp_path: Path) -> Path:
    """The customer's own rows, cut out of the ledger."""
    for name in ("balances", "positions"):
        with (folder / "ledger" / f"{name}.csv").open(newline="") as file:
            lines = list(csv.DictReader(file))
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, lines[0])
            writer.writeheader()
            writer.writerows(line for line in lines if line["account"] == "A0000003")
    return tmp_path


def test_keygen_makes_a_pair_and_overwrites_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert zkmargin("keygen", "-o", tmp_path / "key") == 0
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    secret = (tmp_path / "key").read_text()
    shown = "".join(capsys.readouterr())
    assert "fingerprint" in shown and secret.splitlines()[1] not in shown
    assert zkmargin("keygen", "-o", tmp_path / "key") == 2
    assert (tmp_path / "key").read_text() == secret


def test_verify_says_who_is_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(folder, "--trust", folder / "key.pub", "--id", user(folder)) == 0
    out, err = capsys.readouterr()
    assert "bundle: VERIFIED" in err
    assert "the attestation's proofs were not checked here" in err
    assert "maintenance" in out and "portfolio/cross" in out
    assert "not compared with your records" in err


def test_verify_shows_what_margin_shows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zkmargin("margin", folder / "ledger", "--risk", folder / "risk", "--account", "A0000003", "--json")
    exchange = json.loads(capsys.readouterr().out)["books"]
    assert verify(folder, "--trust", folder / "key.pub", "--id", user(folder), "--json") == 0
    mine = json.loads(capsys.readouterr().out)
    (theirs,) = [pot for book in exchange.values() for pot in book["pots"] if pot["pot"] == "cross"]
    assert mine["pots"][0]["equity"] == theirs["equity"]
    assert mine["verdict"] == "VERIFIED"


def test_verify_without_a_key_or_an_identity_is_not_enough(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(folder, "--id", user(folder)) == 4
    assert "no key was given to trust" in capsys.readouterr().err
    assert verify(folder, "--trust", folder / "key.pub") == 4
    assert "you gave no identity of your own" in capsys.readouterr().err


def test_verify_with_another_identity_is_false(folder: Path) -> None:
    assert verify(folder, "--trust", folder / "key.pub", "--id", "mallory@example.com") == 1


def test_verify_compares_records(folder: Path, records: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = ("--trust", folder / "key.pub", "--id", user(folder), "--records", records)
    assert verify(folder, *good) == 0
    assert "equal to your records" in capsys.readouterr().err
    path = records / "balances.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-1]) + "\n")
    assert verify(folder, *good) == 1
    assert "the bundle differs from your records" in capsys.readouterr().err


def test_verify_takes_the_customers_nonce(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x"
    assert zkmargin("example", "-o", out, "--accounts", 20) == 0
    accounts = out / "ledger" / "accounts.csv"
    lines = accounts.read_text().splitlines()
    place = lines[0].split(",").index("user_nonce")
    fields = lines[1].split(",")
    fields[place] = "00112233445566778899aabbccddeeff"
    accounts.write_text("\n".join([lines[0], ",".join(fields), *lines[2:]]) + "\n")
    assert zkmargin("risk", "build", out / "market", "-o", out / "risk") == 0
    assert zkmargin("keygen", "-o", out / "key") == 0
    assert attest(out, "attestation", "private") == 0
    assert bundle(out, fields[0], "bundle.json") == 0
    who = ("--trust", out / "key.pub", "--id", user(out, fields[0]))
    (out / "nonce").write_text("00112233445566778899AABBCCDDEEFF\n")
    (out / "other").write_text("ff" * 16)
    (out / "none").write_text("no nonce")
    assert verify(out, *who, "--nonce", out / "nonce") == 0
    assert verify(out, *who, "--nonce", out / "other") == 1
    assert verify(out, *who) == 4  # a nonce is committed, and the customer named none
    assert verify(out, *who, "--nonce", out / "none") == 2


def test_bundle_is_secret_and_asks_for_a_known_account(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (folder / "bundle.json").stat().st_mode & 0o777 == 0o600
    assert bundle(folder, "nobody", "none.json") == 2
    assert "no such account" in capsys.readouterr().err
    assert not (folder / "none.json").exists()
    assert bundle(folder, "A0000003", "bundle.json") == 2  # exists already


def test_all_bundles_verify(folder: Path) -> None:
    where = ("--private", folder / "private", "--key", folder / "key")
    assert zkmargin("bundle", *where, "--all", "-o", folder / "bundles") == 0
    names = sorted(path.stem for path in (folder / "bundles").iterdir())
    assert len(names) == 30
    for account in names[::10]:
        more = ("--trust", folder / "key.pub", "--id", user(folder, account))
        assert verify(folder, *more, name=f"bundles/{account}.json") == 0


def test_audit_reports_everything_that_it_checks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert zkmargin("audit", folder / "attestation", "--trust", folder / "key.pub") == 0
    out, err = capsys.readouterr()
    assert "every account on this list has equity at least its requirement" in err and "FAIL" not in err
    assert "owed" in out and "position:BTC-PERP" in out


def test_audit_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert zkmargin("audit", folder / "attestation", "--trust", folder / "key.pub", "--json") == 0
    value = json.loads(capsys.readouterr().out)
    assert value["exit_code"] == 0 and value["verdict"] == "VERIFIED"
    assert {check["outcome"] for check in value["checks"]} == {"passed"}
    assert int(value["totals"]["portfolio"]["owed"]) > 0


def test_audit_with_ones_own_market(folder: Path, tmp_path: Path) -> None:
    audit = ("audit", folder / "attestation", "--trust", folder / "key.pub", "--market")
    assert zkmargin(*audit, folder / "market") == 0
    shutil.copytree(folder / "market", tmp_path / "market")
    prices = tmp_path / "market" / "prices.csv"
    with prices.open(newline="") as file:
        lines = list(csv.DictReader(file))
    next(line for line in lines if line["kind"] == "volatility")["value"] = "0.77"
    with prices.open("w", newline="") as file:
        writer = csv.DictWriter(file, lines[0])
        writer.writeheader()
        writer.writerows(lines)
    assert zkmargin(*audit, tmp_path / "market") == 1


def test_audit_with_a_strangers_key(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert zkmargin("keygen", "-o", tmp_path / "key") == 0
    assert zkmargin("audit", folder / "attestation", "--trust", tmp_path / "key.pub") == 1
    assert "a key that you do not trust" in capsys.readouterr().err


def test_a_secret_key_is_not_trusted(folder: Path) -> None:
    assert zkmargin("audit", folder / "attestation", "--trust", folder / "key") == 2


@pytest.mark.parametrize(("damage", "code"), [("truncate", 1), ("remove", 3), ("surplus", 1), ("link", 1)])
def test_audit_of_a_damaged_attestation(folder: Path, tmp_path: Path, damage: str, code: int) -> None:
    copy = tmp_path / "attestation"
    shutil.copytree(folder / "attestation", copy)
    victim = max(copy.iterdir(), key=lambda path: path.stat().st_size)
    if damage == "truncate":
        victim.write_bytes(victim.read_bytes()[:-1])
    elif damage == "remove":
        victim.unlink()
    elif damage == "surplus":
        (copy / "note.txt").write_text("hello")
    else:
        (copy / ("0" * 64)).symlink_to(victim)
    assert zkmargin("audit", copy, "--trust", folder / "key.pub") == code


def test_audit_needs_the_proof_of_liabilities(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A manifest that lists no proof is not false, but it is not enough."""
    from zkmargin.attestation.manifest import SIGNATURE, Manifest, read_manifest
    from zkmargin.canonical import encode
    from zkmargin.signing import ATTESTATION, load_signing_key

    copy = tmp_path / "attestation"
    shutil.copytree(folder / "attestation", copy)
    signed, key = read_manifest(copy), load_signing_key(folder / "key")
    role = "liabilities/portfolio/0"
    files = {name: digest for name, digest in signed.manifest.files.items() if name != role}
    (copy / signed.manifest.files[role]).unlink()
    data = Manifest(signed.manifest.header, files).to_bytes()
    (copy / "manifest.json").write_bytes(data)
    (copy / SIGNATURE).write_bytes(encode({"key": key.public, "signature": key.sign(ATTESTATION, data)}))
    assert zkmargin("audit", copy, "--trust", folder / "key.pub") == 4
    assert f"lists no {role}" in capsys.readouterr().err


def test_verify_with_audit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(folder, "--trust", folder / "key.pub", "--id", user(folder), "--audit") == 0
    err = capsys.readouterr().err
    assert "bundle: VERIFIED" in err and "attestation: VERIFIED" in err


def test_audit_of_nothing(tmp_path: Path) -> None:
    assert zkmargin("audit", tmp_path / "nowhere") == 3


def test_a_chain_of_snapshots(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "next"
    shutil.copytree(folder / "market", out / "market")
    shutil.copytree(folder / "ledger", out / "ledger")
    shutil.copy(folder / "key", out / "key")
    shutil.copy(folder / "key.pub", out / "key.pub")
    prices = out / "market" / "prices.csv"
    time = prices.read_text().splitlines()[1].split(",")[0]
    prices.write_text(prices.read_text().replace(time, time.replace("T00", "T01").replace("T08", "T09")))
    assert zkmargin("risk", "build", out / "market", "-o", out / "risk") == 0
    assert attest(out, "attestation", "private", "--previous", folder / "attestation") == 0
    audit = ("audit", out / "attestation", "--trust", out / "key.pub")
    assert zkmargin(*audit, "--previous", folder / "attestation") == 0
    assert "follows the attestation given" in capsys.readouterr().err
    assert zkmargin(*audit, "--previous", out / "attestation") == 1
    assert attest(folder, "again", "private-again", "--previous", out / "attestation") == 2  # not older


def test_bad_ledger_leaves_nothing(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = tmp_path / "ledger"
    shutil.copytree(folder / "ledger", ledger)
    balances = ledger / "balances.csv"
    balances.write_text(balances.read_text().replace(",0,0,0\n", ",-1,0,0\n", 1))
    common = ("--risk", folder / "risk", "--key", folder / "key")
    assert zkmargin("attest", ledger, *common, "-o", tmp_path / "a", "--private", tmp_path / "p") == 2
    assert "balances.csv:" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger"]


def test_stale_prices_are_refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(folder / "market", tmp_path / "market")
    policy = tmp_path / "market" / "policy.toml"
    policy.write_text(policy.read_text().replace("[attestation]", '[attestation]\nmax_price_age = "5m"'))
    common = ("--risk", tmp_path / "risk", "--key", folder / "key", "--private", tmp_path / "p")
    code = zkmargin("risk", "build", tmp_path / "market", "-o", tmp_path / "risk")
    if code == 0:
        code = zkmargin("attest", folder / "ledger", *common, "-o", tmp_path / "a")
    assert code == 2 and "stale" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_an_interrupted_run_leaves_no_attestation(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("zkmargin.attestation.build.write_attestation", interrupt)
    before = {path.name for path in folder.iterdir()}
    assert attest(folder, "interrupted", "private-interrupted") == 130
    assert {path.name for path in folder.iterdir()} - before == {"private-interrupted"}
    monkeypatch.undo()
    assert attest(folder, "interrupted", "private-interrupted") == 0


def test_a_busy_private_folder_is_refused(folder: Path) -> None:
    (folder / "busy").mkdir(mode=0o700)
    with locked(folder / "busy"):
        assert attest(folder, "busy-attestation", "busy") == 2
    assert not (folder / "busy-attestation").exists()


def test_demo_catches_every_cheat(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert zkmargin("demo", "--accounts", 20, "--keep", tmp_path / "demo") == 0
    err = capsys.readouterr().err
    assert err.count("INVALID by [") == 5
    assert (
        "lender.example/loan-1: VERIFIED" in err and "shown to another.example/7: INVALID by [context]" in err
    )
    assert "17 contracts on BTC, ETH; books" in err  # underlyings, not every asset
    assert "prove totals and account rules" in err
    assert (tmp_path / "demo" / "attestation" / "manifest.json").exists()
