"""Cheats against the audit: each is refused by the check named beside it, and by nothing else.

Without that check the cheat is accepted exactly as the honest attestation is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import pytest
from malicious.dishonest import REFUSED, Lies, cheat, failed, first_book, removed

from tests.attestation import margined
from tests.attestation.exchange import BACKEND, Exchange, inputs, new_key, open_exchange
from tests.attestation.forging import Forgery
from zkmargin.attestation import audit, manifest, public
from zkmargin.attestation.build import Snapshot
from zkmargin.attestation.report import Outcome
from zkmargin.circuits.compile import compile_circuit
from zkmargin.commitment import LEAF_BYTES, Leaves, book_context
from zkmargin.errors import UndecidedError
from zkmargin.inputs.ledger_files import load_ledger
from zkmargin.inputs.market_files import load_market
from zkmargin.proofs import split_verifier, totals_verifier
from zkmargin.risk.comparison import Tolerance
from zkmargin.risk.entries import Pnl
from zkmargin.risk.table import build_risk_table
from zkmargin.signing import BUNDLE, SigningKey
from zkmargin.tree import Level, MerkleSumTree, Node

Patch = pytest.MonkeyPatch
Removal = Callable[[Patch], None]
ORDER = BACKEND.order


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Exchange:
    return open_exchange(tmp_path_factory.mktemp("exchange"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Exchange:
    """Another exchange with the same policy but for its name, at another time."""
    return open_exchange(tmp_path_factory.mktemp("stranger"), exchange="Other", time="2026-02-02T00:00:00Z")


def nothing(module: object, name: str) -> Removal:
    return lambda patch: patch.setattr(module, name, lambda *_, **__: None)


def truth(module: object, name: str) -> Removal:
    return lambda patch: patch.setattr(module, name, lambda *_, **__: True)


def no_names(patch: Patch) -> None:
    """Take the totals by their place, whatever they are called."""
    real = audit.check_totals

    def check(backend, signed, book, compiled, sums, digest):  # type: ignore[no-untyped-def]
        names = list(compiled.circuit.published)[: len(book.totals)]
        totals = tuple((name, total) for name, (_, total) in zip(names, book.totals, strict=True))
        real(backend, signed, replace(book, totals=totals), compiled, sums, digest)

    patch.setattr(audit, "check_totals", check)


def no_root(patch: Patch) -> None:
    """Take the sums from the header, whatever the list says."""

    def check(backend, signed, book):  # type: ignore[no-untyped-def]
        leaves, tree = opened(backend, signed, book)
        top = Level(
            (book.root.hash,), *(backend.decode(p, infinity=True) for p in (book.root.a, book.root.b))
        )
        tree.levels[-1] = top
        return leaves, tree

    patch.setattr(audit, "check_tree", check)


def no_comparison_with_root(patch: Patch) -> None:
    """Take the sums from the list, whatever the header says."""
    patch.setattr(audit, "check_tree", opened)


def opened(backend, signed, book):  # type: ignore[no-untyped-def]
    """List and tree, of as many leaves as there are."""
    data, header = signed.read(f"leaves/{book.id}"), signed.manifest.header
    leaves = Leaves.from_bytes(backend, data, len(data) // LEAF_BYTES)
    return leaves, MerkleSumTree(backend, book_context(header.exchange, header.snapshot_id, book.id), leaves)


def no_header_digest(patch: Patch) -> None:
    patch.setattr(
        public,
        "_load",
        lambda signed, role, expected, parse: public.parse_strictly(role, signed.read(role), parse),
    )


def no_circuit(patch: Patch) -> None:
    patch.setattr(
        public,
        "_compile",
        lambda policy, market, table, book: compile_circuit(policy, market, table, book.id),
    )


no_table = lambda patch: patch.setattr(public, "differences", lambda *_: Tolerance(0, {}))  # noqa: E731
no_totals = nothing(split_verifier, "verify")
no_range = nothing(totals_verifier, "check_range")
no_reach = nothing(totals_verifier, "check_reach")


@dataclass(frozen=True)
class Cheat:
    """What it lies about, the check that refuses it, and what to remove, layer by layer, until it is accepted."""

    lies: Lies
    check: str
    layers: tuple[Removal, ...]
    snapshot: Callable[[Snapshot], Snapshot] = lambda honest: honest


def totals(**changes: Callable[[dict[str, int]], int]) -> Lies:
    """Publish these values for totals; ':' written as '_'."""
    return Lies(
        totals=lambda true: {
            name: changes.get(name.replace(":", "_"), lambda true, name=name: true[name])(true)
            for name in true
        }
    )


def header(**changes: object) -> Lies:
    return Lies(header=lambda honest: first_book(honest, **changes))


def table(change: Callable[[dict[str, int]], dict[str, int]]) -> Callable[[Snapshot], Snapshot]:
    return lambda honest: replace(
        honest, table=replace(honest.table, lot_value=change(dict(honest.table.lot_value)))
    )


OTHER = bytes(range(32))
CHEATS: dict[str, Cheat] = {
    "owed one too low": Cheat(totals(owed=lambda t: t["owed"] - 1), "totals of spot", (no_totals,)),
    "owed one too high": Cheat(totals(owed=lambda t: t["owed"] + 1), "totals of spot", (no_totals,)),
    "deposits one too high": Cheat(
        totals(deposits_USD=lambda t: t["deposits:USD"] + 1), "totals of spot", (no_totals,)
    ),
    "bad debt hidden": Cheat(totals(bad_debt=lambda t: 0), "totals of spot", (no_totals,)),
    "negative bad debt": Cheat(totals(bad_debt=lambda t: -5), "totals of spot", (no_totals,)),
    "two totals swapped": Cheat(
        totals(owed=lambda t: t["bad_debt"], bad_debt=lambda t: t["owed"]), "totals of spot", (no_totals,)
    ),
    "a debt moved between totals": Cheat(
        totals(owed=lambda t: t["owed"] - 5, bad_debt=lambda t: t["bad_debt"] - 5),
        "totals of spot",
        (no_totals,),
    ),
    "a total congruent to the true one, far below": Cheat(
        totals(owed=lambda t: t["owed"] - ORDER), "totals of spot", (no_range, no_reach)
    ),
    "a total congruent to the true one, far above": Cheat(
        totals(owed=lambda t: t["owed"] + ORDER), "totals of spot", (no_range, no_reach)
    ),
    "a total under another name": Cheat(
        Lies(totals=lambda t: {name.replace("bad_debt", "bonus"): total for name, total in t.items()}),
        "totals of spot",
        (no_names,),
    ),
    "a foreign root": Cheat(
        Lies(header=lambda h: first_book(h, root=replace(h.books[0].root, hash=OTHER))),
        "tree of spot",
        (no_comparison_with_root,),
    ),
    "root sums that are not those of the hash": Cheat(
        Lies(header=lambda h: first_book(h, root=replace(h.books[0].root, a=h.books[0].root.b))),
        "tree of spot",
        (no_comparison_with_root,),
    ),
    "root sums swapped": Cheat(
        Lies(
            header=lambda h: first_book(
                h, root=Node(h.books[0].root.hash, h.books[0].root.b, h.books[0].root.a)
            )
        ),
        "tree of spot",
        (no_comparison_with_root,),
    ),
    "another circuit": Cheat(header(circuit=OTHER), "circuit of spot", (no_circuit,)),
    "another risk table": Cheat(header(risk=OTHER), "risk table", (no_header_digest,)),
    "another policy": Cheat(Lies(header=lambda h: replace(h, policy=OTHER)), "policy", (no_header_digest,)),
    "another market": Cheat(Lies(header=lambda h: replace(h, market=OTHER)), "market", (no_header_digest,)),
    "another time than the market's": Cheat(
        Lies(header=lambda h: replace(h, time="2027-01-01T00:00:00Z")),
        "snapshot",
        (nothing(public, "_check_names"),),
    ),
    "a lot worth more than the market says": Cheat(
        Lies(),
        "risk table recomputed",
        (no_table,),
        table(lambda lots: {**lots, "USD": lots["USD"] + 1}),
    ),
    "fewer leaves than the policy promises": Cheat(
        Lies(leaves=4), "padding of spot", (nothing(public, "_check_leaves"),)
    ),
    "leaves that are not padded": Cheat(
        Lies(leaves=9), "padding of spot", (nothing(public, "_check_leaves"),)
    ),
}


@pytest.mark.parametrize("name", CHEATS)
def test_cheat(exchange: Exchange, tmp_path: Path, monkeypatch: Patch, name: str) -> None:
    case = CHEATS[name]
    snapshot = case.snapshot(exchange.snapshot)
    cheating = cheat(monkeypatch, tmp_path / "cheat", case.lies, (snapshot, exchange.ledger))
    for depth in range(len(case.layers)):
        with removed(monkeypatch, *case.layers[:depth]):
            assert failed(cheating.audit().report)[:1] == [case.check]
    with removed(monkeypatch, *case.layers):
        report = cheating.audit().report
        assert report.outcome is Outcome.PASSED, [c for c in report.checks if c.outcome in REFUSED]


def test_the_honest_exchange_is_accepted(exchange: Exchange) -> None:
    assert exchange.audit().report.outcome is Outcome.PASSED


def test_a_total_left_out(exchange: Exchange, tmp_path: Path, monkeypatch: Patch) -> None:
    """Which totals there are is the circuit's knowledge; the count is the proof's own check (test_totals_cheats)."""
    lies = Lies(header=lambda h: first_book(h, totals=h.books[0].totals[:-1]))
    cheating = cheat(monkeypatch, tmp_path / "cheat", lies, (exchange.snapshot, exchange.ledger))
    codes = [check.code for check in cheating.audit().report.checks if check.outcome in REFUSED]
    assert "totals-names" in codes


# --- lists and proofs of another


ROLES = {"leaves": "leaves/spot", "totals": "totals/spot", "liabilities": "liabilities/spot/0"}


def resigned(exchange: Exchange, folder: Path, **files: bytes) -> Path:
    """Other files in the honest attestation, listed and signed by the exchange."""
    forgery = Forgery.of(exchange.attestation)
    forgery.files |= {ROLES[role]: data for role, data in files.items()}
    forgery.digest_again(root=False)
    forgery.sign(exchange.key)
    return forgery.write(folder)


def foreign_file(role: str) -> Callable[[Exchange, Exchange], bytes]:
    return lambda own, other: Forgery.of(other.attestation).files[ROLES[role]]


def longer(own: Exchange, other: Exchange) -> bytes:
    data = Forgery.of(own.attestation).files["leaves/spot"]
    return data + data[-160:]


def shorter(own: Exchange, other: Exchange) -> bytes:
    return Forgery.of(own.attestation).files["leaves/spot"][:-160]


def one_foreign_leaf(own: Exchange, other: Exchange) -> bytes:
    return shorter(own, other) + foreign_file("leaves")(own, other)[-160:]


def two_leaves_swapped(own: Exchange, other: Exchange) -> bytes:
    """The same sums, the same leaves, another order."""
    data = Forgery.of(own.attestation).files["leaves/spot"]
    return data[160:320] + data[:160] + data[320:]


TREE, RULES = ("tree of spot", no_root), ("account rules of spot", nothing(audit, "check_liabilities"))
FOREIGN: dict[str, tuple[str, Callable[[Exchange, Exchange], bytes], tuple[tuple[str, Removal], ...]]] = {
    "the list of another exchange": ("leaves", foreign_file("leaves"), (TREE, RULES)),
    "a leaf of another exchange": ("leaves", one_foreign_leaf, (TREE, RULES)),
    "a list longer than M": ("leaves", longer, (TREE, RULES)),
    "a list shorter than M": ("leaves", shorter, (TREE, RULES)),
    "a list in another order": ("leaves", two_leaves_swapped, (TREE, RULES)),
    "the totals' proof of another exchange": (
        "totals",
        foreign_file("totals"),
        (("totals of spot", nothing(audit, "check_totals")),),
    ),
    "the liabilities' proof of another exchange": ("liabilities", foreign_file("liabilities"), (RULES,)),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_file(
    exchange: Exchange, stranger: Exchange, tmp_path: Path, monkeypatch: Patch, name: str
) -> None:
    role, make, layers = FOREIGN[name]
    folder = resigned(exchange, tmp_path / "cheat", **{role: make(exchange, stranger)})
    for depth, (check, _) in enumerate(layers):
        with removed(monkeypatch, *(removal for _, removal in layers[:depth])):
            checks = exchange.audit(folder).report.checks
            assert [c.name for c in checks if c.outcome is not Outcome.PASSED] == [check]
    with removed(monkeypatch, *(removal for _, removal in layers)):
        assert exchange.audit(folder).report.outcome is Outcome.PASSED


@pytest.mark.parametrize("changes", [{"time": "2026-01-01T00:00:01Z"}, {"exchange": "Tiny 2"}, {"bob": 8}])
def test_the_proof_of_another_snapshot(
    exchange: Exchange, tmp_path: Path, changes: dict[str, object]
) -> None:
    """Of the same totals under another time or name, or of other totals: a proof is about one header only."""
    other = open_exchange(tmp_path / "other", key=exchange.key, **changes)
    proofs = {role: foreign_file(role)(exchange, other) for role in ("totals", "liabilities")}
    folder = resigned(exchange, tmp_path / "cheat", **proofs)
    assert failed(exchange.audit(folder).report) == ["totals of spot", "account rules of spot"]


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Exchange:
    """Two books of one rule, one size and the same numbers."""
    folder = tmp_path_factory.mktemp("twins")
    inputs(folder)
    policy = folder / "market" / "policy.toml"
    rules = policy.read_text()
    policy.write_text(rules + rules[rules.index("[book.spot]") :].replace("[book.spot]", "[book.twin]"))
    for name in ("accounts", "balances"):
        path = folder / "ledger" / f"{name}.csv"
        header, *rows = path.read_text().splitlines()
        second = [f"T{row}".replace(",spot", ",twin") for row in rows]
        path.write_text("\n".join([header, *rows, *second]) + "\n")
    terms, market = load_market(folder / "market")
    snapshot = Snapshot(terms, market, build_risk_table(terms, market))
    with pytest.MonkeyPatch.context() as patch:
        return cheat(patch, folder, Lies(), (snapshot, load_ledger(folder / "ledger", terms, market)))


@pytest.mark.parametrize(
    ("role", "check"),
    [("leaves/{}", "tree"), ("totals/{}", "totals"), ("liabilities/{}/0", "account rules")],
)
def test_what_belongs_to_another_book(twins: Exchange, tmp_path: Path, role: str, check: str) -> None:
    """Same circuit, same totals, same size: still no list and no proof of one book serves the other."""
    books = {book.id: book.totals for book in twins.attested.header.books}
    assert books["spot"] == books["twin"]
    forgery = Forgery.of(twins.attestation)
    one, other = role.format("spot"), role.format("twin")
    forgery.files[one], forgery.files[other] = forgery.files[other], forgery.files[one]
    forgery.digest_again(root=False)
    forgery.sign(twins.key)
    assert failed(twins.audit(forgery.write(tmp_path / "cheat")).report) == [
        f"{check} of spot",
        f"{check} of twin",
    ]
    assert twins.audit().report.outcome is Outcome.PASSED


# --- who signed


def test_a_key_that_is_not_trusted(exchange: Exchange, tmp_path: Path, monkeypatch: Patch) -> None:
    forgery = Forgery.of(exchange.attestation)
    forgery.sign(new_key())
    folder = forgery.write(tmp_path / "cheat")
    assert failed(exchange.audit(folder).report) == ["trusted key"]
    with removed(monkeypatch, truth(public, "is_trusted")):
        assert exchange.audit(folder).report.outcome is Outcome.PASSED


def test_the_trusted_key_beside_a_strangers_signature(
    exchange: Exchange, tmp_path: Path, monkeypatch: Patch
) -> None:
    forgery = Forgery.of(exchange.attestation)
    forgery.sign(new_key())
    forgery.key = exchange.key.public
    folder = forgery.write(tmp_path / "cheat")
    assert failed(exchange.audit(folder).report) == ["signature"]
    with removed(monkeypatch, truth(public, "_check_signature")):
        assert exchange.audit(folder).report.outcome is Outcome.PASSED


def test_a_signature_made_for_bundles(exchange: Exchange, tmp_path: Path, monkeypatch: Patch) -> None:
    """The purpose is signed along: what was signed as one kind of document is none of another kind."""
    true = SigningKey.sign

    def sign(self: SigningKey, purpose: bytes, message: bytes) -> bytes:
        return true(self, BUNDLE, message)

    cheating = cheat(monkeypatch, tmp_path / "cheat", Lies(sign=sign), (exchange.snapshot, exchange.ledger))
    assert failed(cheating.audit().report) == ["signature"]
    with removed(monkeypatch, lambda patch: patch.setattr(manifest, "ATTESTATION", BUNDLE)):
        assert cheating.audit().report.outcome not in REFUSED


# --- prices and tables


@pytest.fixture(scope="module")
def margin_exchange(tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, object]:
    return margined.inputs(tmp_path_factory.mktemp("margined"))


def attest_table(patch: Patch, folder: Path, margin_exchange, changed) -> Exchange:  # type: ignore[no-untyped-def]
    snapshot, ledger = margin_exchange
    return cheat(patch, folder, Lies(), (replace(snapshot, table=changed), ledger))


def with_pnl(snapshot: Snapshot, name: str, change: Callable[[Pnl], Pnl]):  # type: ignore[no-untyped-def]
    book = snapshot.table.books["portfolio"]
    pnl = {**book.pnl, name: change(book.pnl[name])}
    return replace(snapshot.table, books={"portfolio": replace(book, pnl=pnl)})


def shifted(by: int) -> Callable[[Pnl], Pnl]:
    return lambda pnl: replace(pnl, values=(pnl.values[0] + by, *pnl.values[1:]))


@pytest.mark.parametrize("by", [-1])
def test_one_unit_in_an_options_entry_is_tolerated_and_said(
    margin_exchange: tuple[Snapshot, object], tmp_path: Path, monkeypatch: Patch, by: int
) -> None:
    changed = with_pnl(margin_exchange[0], "CALL", shifted(by))
    report = attest_table(monkeypatch, tmp_path / "cheat", margin_exchange, changed).audit().report
    assert not failed(report)
    (detail,) = (check.detail for check in report.checks if check.name == "risk table recomputed")
    assert "1 option entries differ by one unit" in detail and "0.000000001 USD" in detail


TABLES: dict[str, Callable[[Snapshot], object]] = {
    "two units of an option": lambda s: with_pnl(s, "CALL", shifted(2)),
    "one unit of a perpetual": lambda s: with_pnl(s, "PERP", shifted(1)),
    "a mark": lambda s: replace(s.table, lot_value={**s.table.lot_value, "PERP": 100_000}),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_does_not_follow(
    margin_exchange: tuple[Snapshot, object], tmp_path: Path, monkeypatch: Patch, name: str
) -> None:
    changed = TABLES[name](margin_exchange[0])
    cheating = attest_table(monkeypatch, tmp_path / "cheat", margin_exchange, changed)
    assert failed(cheating.audit().report) == ["risk table recomputed"]
    with removed(monkeypatch, no_table):
        assert cheating.audit().report.outcome not in REFUSED


def test_a_mark_altered_and_everything_digested_again(
    margin_exchange: tuple[Snapshot, object], tmp_path: Path, monkeypatch: Patch
) -> None:
    """The table is of the true market, the market inside says another mark: they do not follow from each other."""
    snapshot, ledger = margin_exchange
    market = replace(snapshot.market, mark={**snapshot.market.mark, "PERP": Fraction(1500)})
    cheating = cheat(monkeypatch, tmp_path / "cheat", Lies(), (replace(snapshot, market=market), ledger))  # type: ignore[arg-type]
    assert failed(cheating.audit().report) == ["risk table recomputed"]
    with removed(monkeypatch, no_table):
        assert cheating.audit().report.outcome not in REFUSED


def test_a_false_mark_told_consistently(
    margin_exchange: tuple[Snapshot, object], tmp_path: Path, monkeypatch: Patch
) -> None:
    """Nothing inside the attestation contradicts it; an auditor's own copy of the market does."""
    snapshot, _ = margin_exchange
    cheating = cheat(
        monkeypatch, tmp_path / "cheat", Lies(), margined.inputs(tmp_path / "files", perp="1500")
    )
    assert not failed(cheating.audit().report)
    assert failed(cheating.audit(market=(snapshot.policy, snapshot.market)).report) == ["market"]
    with removed(monkeypatch, nothing(audit, "_compare_market")):
        assert not failed(cheating.audit(market=(snapshot.policy, snapshot.market)).report)


# --- the folder


def surplus_file(folder: Path) -> None:
    (folder / "notes.txt").write_bytes(b"more")


def surplus_folder(folder: Path) -> None:
    (folder / ("0" * 64)).mkdir()


def hidden_file(folder: Path) -> None:
    (folder / ".manifest.json.partial").write_bytes(b"")


def dead_link(folder: Path) -> None:
    (folder / "link").symlink_to("nowhere")


def a_file_as_link(folder: Path) -> None:
    target = next(path for path in sorted(folder.iterdir()) if len(path.name) == 64)
    target.rename(folder.parent / "elsewhere")
    target.symlink_to(folder.parent / "elsewhere")


def a_file_as_pipe(folder: Path) -> None:
    import os

    target = next(path for path in sorted(folder.iterdir()) if len(path.name) == 64)
    target.unlink()
    os.mkfifo(target)


def a_file_as_folder(folder: Path) -> None:
    target = next(path for path in sorted(folder.iterdir()) if len(path.name) == 64)
    target.unlink()
    target.mkdir()


def another_name(folder: Path) -> None:
    target = next(path for path in sorted(folder.iterdir()) if len(path.name) == 64)
    target.rename(folder / target.name.upper())


SURPLUS = (surplus_file, surplus_folder, hidden_file, dead_link)
UNREADABLE = (a_file_as_link, a_file_as_pipe, a_file_as_folder, another_name)


@pytest.mark.parametrize("change", SURPLUS)
def test_foreign_entries(
    exchange: Exchange, tmp_path: Path, monkeypatch: Patch, change: Callable[[Path], None]
) -> None:
    folder = Forgery.of(exchange.attestation).write(tmp_path / "cheat")
    change(folder)
    assert failed(exchange.audit(folder).report) == ["folder"]
    with removed(monkeypatch, nothing(manifest.SignedManifest, "check_folder")):
        assert exchange.audit(folder).report.outcome is Outcome.PASSED


@pytest.mark.parametrize("change", UNREADABLE)
def test_entries_that_are_no_files(
    exchange: Exchange, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    folder = Forgery.of(exchange.attestation).write(tmp_path / "cheat")
    change(folder)
    assert "folder" in failed(exchange.audit(folder).report)
    assert Outcome.UNDECIDED in {check.outcome for check in exchange.audit(folder).report.checks}


def test_a_folder_that_cannot_be_listed(exchange: Exchange, monkeypatch: Patch) -> None:
    def scandir(path: object) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(manifest.os, "scandir", scandir)
    assert exchange.audit().report.outcome is Outcome.UNDECIDED


@pytest.mark.parametrize("role", ["policy", "market", "risk", *ROLES.values()])
def test_listed_but_missing_is_undecided(exchange: Exchange, tmp_path: Path, role: str) -> None:
    forgery = Forgery.of(exchange.attestation)
    del forgery.files[role]
    assert exchange.audit(forgery.write(tmp_path / "cheat")).report.outcome is Outcome.UNDECIDED


@pytest.mark.parametrize("role", ["policy", "market", "risk", *ROLES.values()])
def test_not_listed_is_not_met(exchange: Exchange, tmp_path: Path, role: str) -> None:
    """The code knows which files there are; one that the manifest leaves out is never passed over."""
    forgery = Forgery.of(exchange.attestation)
    del forgery.files[role], forgery.manifest["files"][role]
    forgery.sign(exchange.key)
    report = exchange.audit(forgery.write(tmp_path / "cheat")).report
    assert report.outcome is Outcome.UNMET
    assert "not-listed" in {check.code for check in report.checks if check.outcome is Outcome.UNMET}


@pytest.mark.parametrize("role", ["more", "totals/other", "totals/spot/1", "leaves/", "../policy"])
def test_files_that_the_format_does_not_have(exchange: Exchange, tmp_path: Path, role: str) -> None:
    forgery = Forgery.of(exchange.attestation)
    forgery.files[role] = b"{}"
    forgery.digest_again()
    forgery.sign(exchange.key)
    assert failed(exchange.audit(forgery.write(tmp_path / "cheat")).report) == ["manifest"]


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "manifest.json", "a" * 63, "A" * 64, ""])
def test_names_that_are_no_digests(exchange: Exchange, tmp_path: Path, name: str) -> None:
    forgery = Forgery.of(exchange.attestation)
    forgery.manifest["files"]["risk"] = name
    forgery.sign(exchange.key)
    del forgery.files["risk"]
    assert failed(exchange.audit(forgery.write(tmp_path / "cheat")).report) == ["manifest"]


def test_a_later_format_is_undecided(exchange: Exchange, tmp_path: Path) -> None:
    forgery = Forgery.of(exchange.attestation)
    forgery.manifest["format"] = "zkmargin/attestation/2"
    forgery.sign(exchange.key)
    report = exchange.audit(forgery.write(tmp_path / "cheat")).report
    assert report.outcome is Outcome.UNDECIDED
    with pytest.raises(UndecidedError):
        report.raise_unless_verified()


def test_no_attestation_at_all(exchange: Exchange, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "nothing", tmp_path / "file", tmp_path / "empty", tmp_path / ("x" * 300)):
        assert exchange.audit(path).report.outcome is Outcome.UNDECIDED
