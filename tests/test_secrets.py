import copy
import hashlib
import hmac
import pickle
from collections import Counter
from itertools import permutations

import pytest

from zkmargin.group.curve import R
from zkmargin.secrets import (
    BlindingKey,
    EpochKey,
    NonceKey,
    PositionKey,
    SaltKey,
    book_secrets_context,
    leaf_name,
    padding_name,
)

RAW = bytes(range(32))
EPOCH = EpochKey(RAW)
INPUTS, POLICY, RISK = b"i" * 32, b"p" * 32, b"r" * 32
ALICE = leaf_name("a", "cross")
CONTEXT = book_secrets_context(INPUTS, POLICY, RISK, "spot")
STATE, WITNESS = b"s" * 32, b"w" * 32


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def flip(data, at=0):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


# --- types


KEYS = [EpochKey, BlindingKey, SaltKey, PositionKey, NonceKey]


@pytest.mark.parametrize("kind", KEYS)
def test_keys_do_not_show(kind):
    key = kind(RAW)
    for text in (repr(key), str(key), f"{key}", f"{key!r}", repr([key]), repr(key.__class__)):
        assert RAW.hex() not in text
        assert repr(RAW) not in text
    assert repr(key) == f"<{kind.__name__}>"
    for leak in (
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        lambda k: k.__getstate__(),
        hash,
        vars,
        bytes,
    ):
        with pytest.raises(TypeError):
            leak(key)


def test_nonce_sources_do_not_show():
    source = EPOCH.nonce().source(R)
    assert "key" not in repr(source)
    with pytest.raises(TypeError):
        pickle.dumps(source)


@pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
def test_keys_have_32_bytes(size):
    with pytest.raises(ValueError) as caught:
        EpochKey(b"\xa5" * size)
    assert "a5" not in str(caught.value)


def test_comparison():
    assert EpochKey(RAW) == EpochKey(RAW)
    assert EpochKey(RAW) != EpochKey(flip(RAW, 31))
    assert EpochKey(RAW) != NonceKey(RAW)
    assert EpochKey(RAW) != RAW
    assert EpochKey(RAW).reveal() == RAW


# --- derivations


def test_definitions_by_hand():
    key = mac(RAW, b"zkm/v1/blinding a")
    name = b"\x01" + bytes(7) + b"\x05alice" + bytes(7) + b"\x05cross"
    context = hashlib.sha256(b"zkm/v1/secrets" + INPUTS + POLICY + RISK + bytes(7) + b"\x04spot").digest()
    assert context == CONTEXT
    assert name == leaf_name("alice", "cross")
    wide = mac(key, context + name + b"\0") + mac(key, context + name + b"\1")
    assert EPOCH.blinding_a().blindings(CONTEXT, [name], R) == [int.from_bytes(wide, "big") % R]
    assert EPOCH.salt().salts(CONTEXT, [name]) == [mac(mac(RAW, b"zkm/v1/salt"), context + name)]
    message = STATE + WITNESS + bytes(7) + b"\x01"
    key = mac(RAW, b"zkm/v1/nonce")
    wide = mac(key, message + b"\0") + mac(key, message + b"\1")
    assert EPOCH.nonce().source(R).nonces(STATE, WITNESS, 2)[1] == int.from_bytes(wide, "big") % R


def test_frozen_values():
    leaves = [leaf_name("alice", "cross"), padding_name(7)]
    assert [f"{b:064x}" for b in EPOCH.blinding_b().blindings(CONTEXT, leaves, R)] == [
        "11c14e4a1b9f5c75f3093c5548b43aaadc05ba68efacfd43f4d181f546e12f3d",
        "2c400396812342de585d9490f69ec85b84cc9ec6a8b3d1cb3c83e7cda78718c6",
    ]
    assert EPOCH.position().permutation(CONTEXT, 12).tolist() == [6, 5, 3, 4, 11, 2, 1, 7, 9, 8, 10, 0]


def test_purposes_have_keys_of_their_own():
    keys = [EPOCH.blinding_a(), EPOCH.blinding_b(), EPOCH.salt(), EPOCH.position(), EPOCH.nonce()]
    assert len({key.reveal() for key in [*keys, EPOCH]}) == 6


def test_blindings_depend_on_all_that_they_are_bound_to():
    def blinding(epoch=RAW, inputs=INPUTS, policy=POLICY, risk=RISK, book="spot", leaf=ALICE):
        context = book_secrets_context(inputs, policy, risk, book)
        return EpochKey(epoch).blinding_a().blindings(context, [leaf], R)[0]

    variants = [
        blinding(),
        blinding(epoch=flip(RAW)),
        blinding(inputs=flip(INPUTS)),
        blinding(policy=flip(POLICY)),
        blinding(risk=flip(RISK)),
        blinding(inputs=POLICY, policy=INPUTS),
        blinding(book="spot2"),
        blinding(leaf=leaf_name("b", "cross")),
        blinding(leaf=leaf_name("a", "isolated")),
        blinding(leaf=padding_name(0)),
        blinding(leaf=padding_name(1)),
    ]
    assert len(set(variants)) == len(variants)
    assert blinding() == variants[0]
    assert all(0 <= value < R for value in variants)


def test_leaf_names_are_unambiguous():
    names = [
        leaf_name("ab", "c"),
        leaf_name("a", "bc"),
        leaf_name("", "abc"),
        leaf_name("abc", ""),
        padding_name(0),
        padding_name(2**64 - 1),
        leaf_name("", ""),
    ]
    assert len(set(names)) == len(names)
    for first in names:
        assert not any(other.startswith(first) for other in names if other is not first)


def test_bulk_is_the_same_as_one_by_one():
    leaves = [leaf_name(f"account {i}", "cross") for i in range(10)]
    key = EPOCH.blinding_a()
    together = key.blindings(CONTEXT, leaves, R)
    assert together == [key.blindings(CONTEXT, [leaf], R)[0] for leaf in leaves]
    assert len(set(together)) == 10
    assert key.blindings(CONTEXT, [], R) == []
    assert EPOCH.salt().salts(CONTEXT, leaves[:2]) == [
        EPOCH.salt().salts(CONTEXT, [x])[0] for x in leaves[:2]
    ]


def test_digests_of_a_wrong_length_are_refused():
    short = b"x" * 31
    calls = [
        lambda: book_secrets_context(short, POLICY, RISK, "spot"),
        lambda: book_secrets_context(INPUTS, POLICY, RISK + b"x", "spot"),
        lambda: EPOCH.blinding_a().blindings(short, [], R),
        lambda: EPOCH.salt().salts(short, []),
        lambda: EPOCH.position().permutation(short, 3),
        lambda: EPOCH.nonce().source(R).nonces(short, WITNESS, 1),
        lambda: EPOCH.nonce().source(R).nonces(STATE, short, 1),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="bytes"):
            call()


# --- nonces


def test_nonces_depend_on_key_state_witness_and_counter():
    source = EPOCH.nonce().source(R)
    drawn = [
        *source.nonces(STATE, WITNESS, 5),
        *source.nonces(flip(STATE), WITNESS, 5),
        *source.nonces(STATE, flip(WITNESS), 5),
        *source.nonces(WITNESS, STATE, 5),
        *NonceKey(RAW).source(R).nonces(STATE, WITNESS, 5),
    ]
    assert len(set(drawn)) == 25
    assert source.nonces(STATE, WITNESS, 5) == drawn[:5]
    assert all(0 <= nonce < R for nonce in drawn)


@pytest.mark.parametrize("order", [5, 7, 11])
def test_nonces_of_small_fields_are_uniform(order):
    counts = Counter(EPOCH.nonce().source(order).nonces(STATE, WITNESS, 600 * order))
    assert set(counts) == set(range(order))
    assert chi_squared(counts, order) < 40  # 10 degrees of freedom at most: p < 2e-5


def chi_squared(counts, cells):
    mean = sum(counts.values()) / cells
    return sum((count - mean) ** 2 / mean for count in counts.values())


# --- permutation


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100, 1000])
def test_permutations_are_permutations(count):
    places = EPOCH.position().permutation(CONTEXT, count)
    assert sorted(places.tolist()) == list(range(count))


def test_permutations_depend_on_key_and_context():
    def places(epoch=RAW, context=CONTEXT):
        return tuple(EpochKey(epoch).position().permutation(context, 50).tolist())

    assert places() == places()
    assert len({places(), places(epoch=flip(RAW)), places(context=flip(CONTEXT))}) == 3


def test_every_permutation_of_four_is_equally_likely():
    counts = Counter(
        tuple(EPOCH.position().permutation(hashlib.sha256(bytes([i & 255, i >> 8])).digest(), 4).tolist())
        for i in range(2400)
    )
    assert set(counts) == set(permutations(range(4)))
    assert chi_squared(counts, 24) < 60  # 23 degrees of freedom: p < 4e-5


def test_words_beyond_the_last_whole_multiple_are_drawn_again(monkeypatch):
    """A word in the biased tail must be skipped: 2^64 is 1 mod 3, so 2^64 - 1 is the tail for three places."""
    top = 2**64 - 1
    monkeypatch.setattr(PositionKey, "_words", lambda self, context: iter([top, 1, 0]))
    skipped = EPOCH.position().permutation(CONTEXT, 3).tolist()
    monkeypatch.setattr(PositionKey, "_words", lambda self, context: iter([1, 0]))
    assert EPOCH.position().permutation(CONTEXT, 3).tolist() == skipped
