"""Claims of real accounts: made from bundles, checked against an attestation, and every way to be refused."""

from __future__ import annotations

import dataclasses
import random
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from claim_cases import claim_case, form, often
from proof_cases import SeededNonces

from tests.attestation import margined
from tests.attestation.exchange import BACKEND, Exchange, new_key, open_exchange
from zkmargin import limits
from zkmargin.attestation.build import attest
from zkmargin.attestation.report import Outcome
from zkmargin.bundle import Bundle
from zkmargin.circuits.circuit import Circuit
from zkmargin.claim import TEXT_PREFIX, Claim, read_claim
from zkmargin.claim_maker import PublicAttestation, make_claim, read_attestation
from zkmargin.claim_verifier import ClaimResult, Expectation, check_leaf, verify_claim
from zkmargin.errors import DecodeError, UndecidedError, UsageError, VerificationError
from zkmargin.group import default_backend
from zkmargin.margin.accounts import calculate_all
from zkmargin.proofs import claim_prover, claim_verifier
from zkmargin.proofs.claim_statement import Form

FAST = default_backend()
CONTEXT = "lender.example, loan 17"
TIME = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def traders(tmp_path_factory: pytest.TempPathFactory) -> Exchange:
    """The exchange with positions: accounts 1, 2, 3 in one book."""
    folder, key = tmp_path_factory.mktemp("traders"), new_key()
    snapshot, ledger = margined.inputs(folder)
    attested = attest(FAST, snapshot, ledger, key, folder / "attestation", folder / "private")
    return Exchange(folder, key, snapshot, ledger, attested)


def make(
    exchange: Exchange, text: str, *bundles: Bundle, context: str = CONTEXT, seed: int = 1, **options: object
) -> Claim:
    attested = read_attestation(exchange.attestation)
    nonces = SeededNonces(FAST.order, seed)
    return make_claim(FAST, attested, bundles, text, context, nonces, **options)  # type: ignore[arg-type]


def check(
    exchange: Exchange, data: bytes, required: str, context: str = CONTEXT, **options: object
) -> ClaimResult:
    expected = Expectation(required, context, **options)  # type: ignore[arg-type]
    return verify_claim(FAST, data, exchange.attestation, [exchange.key.public], expected)


def refusal(result: ClaimResult) -> tuple[str, str]:
    """The first check that failed, and its code."""
    assert result.report.outcome is Outcome.FAILED
    found = next(check for check in result.report.checks if check.outcome is Outcome.FAILED)
    return found.name, found.code


def outputs(exchange: Exchange, account: str) -> tuple[int, int, int, int]:
    (book,) = calculate_all(exchange.snapshot.policy, exchange.snapshot.table, exchange.ledger.pots).values()
    pot = book.pot(book.rows_of(account)[0])
    return pot.net, pot.equity, pot.requirement, pot.initial


def usd(quanta: int, exchange: Exchange) -> str:
    value = Fraction(quanta) * exchange.snapshot.policy.equity_quantum
    return f"{float(value):.2f}"


# --- honest claims


@pytest.mark.parametrize("account", ["1", "2", "3"])
def test_forms_at_equality_and_one_quantum_below(traders: Exchange, account: str) -> None:
    net, equity, requirement, initial = outputs(traders, account)
    bundle = traders.bundle(account)
    for figure, value, sign in (
        ("net value", net, ">="),
        ("net value", net, "<="),
        ("equity", equity, ">="),
        ("requirement", requirement, "<="),
        ("initial requirement", initial, "<="),
        ("equity - requirement", equity - requirement, ">="),
    ):
        at = f"{figure} {sign} {usd(value, traders)} USD"
        data = make(traders, at, bundle).to_bytes(FAST)
        result = check(traders, data, at)
        assert result.report.outcome is Outcome.PASSED, result.report.checks
        beyond = f"{figure} {sign} {usd(value + (1 if sign == '>=' else -1), traders)} USD"
        with pytest.raises(UsageError) as error:
            make(traders, beyond, bundle)
        assert error.value.code == "claim-false"
        assert refusal(check(traders, data, beyond)) == ("forms", "claim-form")


def test_both_backends_make_and_accept_the_same_claim(traders: Exchange) -> None:
    attested, bundle = read_attestation(traders.attestation), traders.bundle("1")
    claims = [
        make_claim(
            backend,
            attested,
            [bundle],
            "net >= 1 USD and equity >= requirement",
            "x",
            SeededNonces(FAST.order),
        )
        for backend in (FAST, BACKEND)
    ]
    datas = [claim.to_bytes(backend) for claim, backend in zip(claims, (FAST, BACKEND), strict=True)]
    assert datas[0] == datas[1]
    expected = Expectation("net >= 1 USD", "x")
    for backend in (FAST, BACKEND):
        report = verify_claim(backend, datas[0], traders.attestation, [traders.key.public], expected).report
        assert report.outcome is Outcome.PASSED


def test_several_leaves_with_forms_of_their_own(exchange: Exchange) -> None:
    """Bob's pots hold 7 and 3."""
    text = "net >= 2 USD and leaf 1: net >= 7 USD and leaf 2: net <= 3 USD"
    data = make(exchange, text, exchange.bundle("2")).to_bytes(FAST)
    result = check(exchange, data, text)
    assert result.report.outcome is Outcome.PASSED
    assert [text for _, text in result.forms] == [
        "net value >= 2 USD", "net value >= 7 USD", "net value <= 3 USD", "net value >= 2 USD"
    ]  # fmt: skip
    assert check(exchange, data, "net >= 2 USD").report.outcome is Outcome.PASSED
    for other in ("net >= 7 USD", "leaf 2: net >= 7 USD", "leaf 3: net >= 2 USD"):
        assert refusal(check(exchange, data, other)) == ("forms", "claim-form")


def test_leaves_of_several_bundles_and_one_pot_alone(exchange: Exchange) -> None:
    data = make(exchange, "net >= 7 USD", exchange.bundle("1"), exchange.bundle("2"), pots=["cross"])
    assert [leaf.book for leaf in data.statement.leaves] == ["spot", "spot"]
    assert check(exchange, data.to_bytes(FAST), "net >= 7 USD").report.outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("code", "text", "options"),
    [
        ("claim-leaf", "leaf 1: net >= 2 USD", {}),
        ("claim-leaf", "net >= 2 USD and leaf 3: net >= 2 USD", {}),
        ("pot", "net >= 2 USD", {"pots": ["isolate"]}),
        ("context", "net >= 2 USD", {"context": ""}),
        ("context", "net >= 2 USD", {"context": "x" * 257}),
        ("context", "net >= 2 USD", {"context": "a\nb"}),
        ("context", "net >= 2 USD", {"context": "e\u0301"}),
    ],
)
def test_what_is_not_claimed(exchange: Exchange, code: str, text: str, options: dict[str, object]) -> None:
    with pytest.raises(UsageError) as error:
        make(exchange, text, exchange.bundle("2"), **options)  # type: ignore[arg-type]
    assert error.value.code == code


def test_too_many_forms(exchange: Exchange) -> None:
    text = " and ".join(f"net + {i} USD >= 0" for i in range(9))
    with pytest.raises(UsageError) as error:
        make(exchange, text, exchange.bundle("2"))
    assert error.value.code == "claim-forms"
    assert (
        len(make(exchange, text.rpartition(" and ")[0], exchange.bundle("2")).statement.forms)
        == limits.MAX_FORMS
    )


def test_no_bundle_is_no_claim(exchange: Exchange) -> None:
    with pytest.raises(UsageError) as error:
        make(exchange, "net >= 2 USD")
    assert error.value.code == "claim-leaves"


def test_more_bits_for_more_money(exchange: Exchange) -> None:
    huge = "net + 20000000000000000000 USD >= 0"
    with pytest.raises(UsageError) as error:
        make(exchange, huge, exchange.bundle("1"))
    assert (error.value.code, error.value.hint) == ("claim-bits", "--bits 128")
    claim = make(exchange, huge, exchange.bundle("1"), bits=128)
    assert check(exchange, claim.to_bytes(FAST), huge).report.outcome is Outcome.PASSED


def test_one_bundle_twice_is_a_slip_not_a_forgery(exchange: Exchange) -> None:
    with pytest.raises(UsageError) as error:
        make(exchange, "net >= 2 USD", exchange.bundle("1"), exchange.bundle("1"))
    assert error.value.code == "claim-leaves"


def test_a_bundle_of_another_attestation(exchange: Exchange, traders: Exchange) -> None:
    with pytest.raises(VerificationError) as error:
        make(exchange, "net >= 2 USD", traders.bundle("1"))
    assert error.value.code == "bundle-snapshot"


def test_a_bundle_with_other_numbers(exchange: Exchange) -> None:
    bundle = exchange.bundle("1")
    (leaf,) = bundle.leaves
    more = dataclasses.replace(leaf, inputs=((leaf.inputs[0][0], 2 * leaf.inputs[0][1]),))
    with pytest.raises(VerificationError) as error:
        make(exchange, "net >= 150 USD", dataclasses.replace(bundle, leaves=(more,)))
    assert error.value.code == "inclusion"


def test_the_size_is_as_documented(exchange: Exchange) -> None:
    claim = make(exchange, "net >= 2 USD", exchange.bundle("1"), context="c")
    (leaf,), (path,) = claim.statement.leaves, claim.paths
    size = 1071 + len("c") + len(leaf.book) + 96 * len(path)
    assert len(claim.to_bytes(FAST)) == size
    at_100_000 = 1071 + 30 + 96 * 17
    assert len(TEXT_PREFIX) + (3 * at_100_000 + 1) // 2 < 4296  # version 40, level L, alphanumeric


# --- what the verifier refuses


def test_text_and_bytes_are_one_claim(exchange: Exchange) -> None:
    claim = make(exchange, "net >= 2 USD", exchange.bundle("1"))
    for data in (claim.to_text(FAST).encode(), claim.to_text(FAST).encode() + b"\n", claim.to_bytes(FAST)):
        assert check(exchange, data, "net >= 2 USD").report.outcome is Outcome.PASSED
        assert read_claim(FAST, data).to_bytes(FAST) == claim.to_bytes(FAST)


def test_another_context(exchange: Exchange) -> None:
    data = make(exchange, "net >= 2 USD", exchange.bundle("1")).to_bytes(FAST)
    result = check(exchange, data, "net >= 2 USD", "lender.example, loan 18")
    assert refusal(result) == ("context", "claim-context")
    (found,) = [item for item in result.report.checks if item.name == "context"]
    assert (found.expected, found.actual) == ("lender.example, loan 18", CONTEXT)
    assert [item.code for item in result.report.checks if item.name == "proof"] == ["claim/link"]


def test_a_context_that_was_replaced_in_the_file(exchange: Exchange) -> None:
    claim = make(exchange, "net >= 2 USD", exchange.bundle("1"))
    changed = dataclasses.replace(claim, statement=dataclasses.replace(claim.statement, context="mine"))
    assert refusal(check(exchange, changed.to_bytes(FAST), "net >= 2 USD", "mine")) == ("proof", "claim/link")


def test_another_snapshot(exchange: Exchange, tmp_path: Path) -> None:
    data = make(exchange, "net >= 2 USD", exchange.bundle("1")).to_bytes(FAST)
    later = open_exchange(tmp_path, key=exchange.key, time="2026-01-02T00:00:00Z")
    assert refusal(check(later, data, "net >= 2 USD")) == ("claim snapshot", "claim-snapshot")
    claim = read_claim(FAST, data)
    digest = later.attested.digest
    changed = dataclasses.replace(
        claim, statement=dataclasses.replace(claim.statement, snapshot_digest=digest)
    )
    assert refusal(check(later, changed.to_bytes(FAST), "net >= 2 USD"))[1] == "inclusion"


def test_leaves_that_the_verifier_names(exchange: Exchange) -> None:
    claim = make(exchange, "net >= 2 USD", exchange.bundle("2"))
    data, (one, two) = claim.to_bytes(FAST), claim.statement.leaves
    named = [(one.book, one.index), (two.book, None)]
    assert check(exchange, data, "net >= 2 USD", places=named).report.outcome is Outcome.PASSED
    for places in (named[:1], [*named, ("spot", None)], named[::-1], [("other", None), named[1]],
                   [(one.book, one.index + 1), named[1]]):  # fmt: skip
        result = check(exchange, data, "net >= 2 USD", places=places)
        assert refusal(result) == ("leaves", "claim-leaf")


@pytest.mark.parametrize(
    ("age", "outcome"),
    [(0, Outcome.PASSED), (3600, Outcome.PASSED), (3601, Outcome.UNMET), (-1, Outcome.UNMET)],
)
def test_the_age_of_a_snapshot(exchange: Exchange, age: int, outcome: Outcome) -> None:
    data = make(exchange, "net >= 2 USD", exchange.bundle("1")).to_bytes(FAST)
    now = TIME + timedelta(seconds=age)
    result = check(exchange, data, "net >= 2 USD", max_age=timedelta(hours=1), now=now)
    assert result.report.outcome is outcome


@pytest.mark.parametrize(
    ("age", "outcome"), [(0, Outcome.PASSED), (10**8, Outcome.PASSED), (-1, Outcome.UNMET)]
)
def test_any_age_will_do_but_no_future(exchange: Exchange, age: int, outcome: Outcome) -> None:
    data = make(exchange, "net >= 2 USD", exchange.bundle("1")).to_bytes(FAST)
    result = check(exchange, data, "net >= 2 USD", now=TIME + timedelta(seconds=age))
    assert result.report.outcome is outcome
    assert any("no maximum age was asked for" in line for line in result.report.not_proven)


@pytest.mark.parametrize("context", ["", " x", "a\nb", "e\u0301", "x" * 257])
def test_nobody_is_no_context(context: str) -> None:
    """A claim made for the empty context would be everybody's whose program forgot to name one."""
    with pytest.raises(UsageError) as error:
        Expectation("net >= 0", context)
    assert error.value.code == "context"


def test_a_maximum_age_needs_a_clock() -> None:
    with pytest.raises(ValueError):
        Expectation("net >= 0", "x", max_age=timedelta(hours=1))


def test_a_book_that_refuses_ratios(traders: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = traders.bundle("1")
    data = make(traders, "equity >= requirement", bundle).to_bytes(FAST)
    value = make(traders, "equity >= 1 USD", bundle).to_bytes(FAST)
    monkeypatch.setattr(Circuit, "ratio_claims", property(lambda _: False))
    assert refusal(check(traders, data, "equity >= requirement")) == ("rules", "claim/ratio")
    assert check(traders, value, "equity >= 1 USD").report.outcome is Outcome.PASSED
    for text in ("equity >= requirement", "initial <= 100000 USD"):
        with pytest.raises(UsageError) as error:
            make(traders, text, bundle)
        assert error.value.code == "claim-ratio"


def test_without_a_trusted_key_not_all_is_shown(exchange: Exchange) -> None:
    data = make(exchange, "net >= 2 USD", exchange.bundle("1")).to_bytes(FAST)
    expected = Expectation("net >= 2 USD", CONTEXT)
    assert verify_claim(FAST, data, exchange.attestation, [], expected).report.outcome is Outcome.UNMET
    other = [new_key().public]
    assert verify_claim(FAST, data, exchange.attestation, other, expected).report.outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("text", "pots", "said"),
    [
        ("net >= 2 USD", [], ["that the leaves are one customer's"]),
        ("net >= 2 USD", ["cross"], []),
        ("equity >= requirement", ["cross"], ["that anything is in the account"]),
        ("net + 5 USD >= 0 and leaf 1: net >= 2 USD", [],
         ["that the leaves are one customer's", "that anything is in the account"]),
    ],
)  # fmt: skip
def test_what_is_not_proven_is_said(exchange: Exchange, text: str, pots: list[str], said: list[str]) -> None:
    """A pot that was left away, a leaf that the exchange invented, an empty account that keeps every ratio."""
    data = make(exchange, text, exchange.bundle("2"), pots=pots).to_bytes(FAST)
    result = check(exchange, data, text)
    assert result.report.outcome is Outcome.PASSED
    assert [line.split(":")[0].split(";")[0] for line in result.report.not_proven] == [
        "the attestation's proofs were not checked here",
        "whose account it is",
        *said,
        "other pots and accounts",
        "anything after the snapshot",
        "unlinkability",
        "that it is recent",
    ]


# --- the file


def test_every_flipped_byte_is_refused(exchange: Exchange) -> None:
    data = make(exchange, "net >= 2 USD", exchange.bundle("1"), context="c").to_bytes(FAST)
    attested = read_attestation(exchange.attestation)
    for at in range(0, len(data), often(1, 29)):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        assert not accepted(attested, bytes(changed)), at


def accepted(attested: PublicAttestation, data: bytes) -> bool:
    """What decides, without the recomputation of the public inputs."""
    try:
        claim = read_claim(FAST, data)
        own = dataclasses.replace(
            claim.statement, snapshot_digest=attested.header.digest(FAST.order), context="c"
        )
        if own != claim.statement:
            return False
        for leaf, path in zip(own.leaves, claim.paths, strict=True):
            check_leaf(FAST, attested.header, leaf, path)
        claim_verifier.verify(FAST, own, claim.proof)
    except (VerificationError, UndecidedError):
        return False
    return True


def test_every_other_length_is_refused(exchange: Exchange) -> None:
    data = make(exchange, "net >= 2 USD", exchange.bundle("1")).to_bytes(FAST)
    for length in range(len(data)):
        with pytest.raises(DecodeError):
            read_claim(FAST, data[:length])
    for more in (b"\0", bytes(32), data):
        with pytest.raises(DecodeError):
            read_claim(FAST, data + more)
    text = read_claim(FAST, data).to_text(FAST).encode()
    for length in range(len(TEXT_PREFIX), len(text), 7):
        with pytest.raises(DecodeError):
            read_claim(FAST, text[:length])
    for changed in (text.lower(), text + b"0", text + b" ", b" " + text, text.replace(b"ZKMC1", b"zkmc1")):
        with pytest.raises(DecodeError):
            read_claim(FAST, changed)


def test_another_version_cannot_be_decided(exchange: Exchange) -> None:
    data = make(exchange, "net >= 2 USD", exchange.bundle("1")).to_bytes(FAST)
    with pytest.raises(UndecidedError):
        read_claim(FAST, data[:4] + b"\2" + data[5:])
    with pytest.raises(UndecidedError):
        read_claim(FAST, b"ZKMC2:" + read_claim(FAST, data).to_text(FAST).encode()[6:])


def test_a_huge_file_is_not_read(exchange: Exchange) -> None:
    with pytest.raises(DecodeError, match="too large"):
        read_claim(FAST, bytes(limits.MAX_CLAIM_BYTES + 1))


def test_what_may_not_be_claimed_is_not_read(exchange: Exchange) -> None:
    """The reader refuses it by itself, before anybody looks into an attestation."""
    claim = make(exchange, "net >= 2 USD and net >= 1 USD", exchange.bundle("1"))
    turned = dataclasses.replace(claim.statement, forms=claim.statement.forms[::-1])
    with pytest.raises(VerificationError) as refused:
        read_claim(FAST, dataclasses.replace(claim, statement=turned).to_bytes(FAST))
    assert refused.value.code == "claim/forms"


# --- many accounts


def test_claims_of_random_accounts_at_their_limits_verify_together() -> None:
    """Every form at equality; one quantum more is refused to be made."""
    rng = random.Random(6)
    statements, proofs = [], []
    for seed in range(often(40, 3)):
        size = 10 ** rng.randrange(1, 18)
        outputs = [
            rng.randrange(-size, size),
            rng.randrange(-size, size),
            rng.randrange(size),
            rng.randrange(size),
        ]
        forms = [form_at_its_limit(rng, outputs) for _ in range(rng.randrange(1, 4))]
        case = claim_case(FAST, [outputs], set(forms), seed=seed, bits=rng.choice((64, 128)))
        statements.append(case.statement)
        proofs.append(claim_prover.prove(FAST, case.statement, case.openings, case.nonces(FAST.order, seed)))
        beyond = dataclasses.replace(forms[0], least=forms[0].least + 1)
        false = claim_case(FAST, [outputs], [beyond], seed=seed)
        with pytest.raises(UsageError):
            claim_prover.prove(FAST, false.statement, false.openings, false.nonces(FAST.order))
    claim_verifier.verify_all(FAST, statements, proofs)
    with pytest.raises(VerificationError):
        claim_verifier.verify_all(FAST, statements, [proofs[1], proofs[0], *proofs[2:]])


def form_at_its_limit(rng: random.Random, outputs: list[int]) -> Form:
    while True:
        coefficients = [rng.choice((0, 1, rng.randrange(1 << 32))) for _ in range(4)]
        made = form(0, rng.choice((-1, 1)) * coefficients[0], *coefficients[1:])
        if made.fault() is None:
            return dataclasses.replace(made, least=made.value(outputs))
