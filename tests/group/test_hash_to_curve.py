import hashlib
import json
from pathlib import Path

import pytest

from zkmargin.group import curve, hash_to_curve

VECTORS = Path(__file__).parents[2].parent / "shared/vectors/hash_to_curve/bn254_g1_svdw_ro.json"
TAG = b"QUUX-V01-CS02-with-BN254G1_XMD:SHA-256_SVDW_RO_"

# Two cases of gnark-crypto's test vectors for BN254 G1: message, field elements, mapped points, sum.
TYPED = [
    (
        b"",
        (
            0x2F87B81D9D6EF05AD4D249737498CC27E1BD485DCA804487844FEB3C67C1A9B5,
            0x6DE2D0D7C0D9C7A5A6C0B74675E7543F5B98186B5DBF831067449000B2B1F8E,
        ),
        (
            (
                0xE449B959ABBD0E5AB4C873EAEB1CCD887F1D9AD6CD671FD72CB8D77FB651892,
                0x29FF1E36867C60374695EE0C298FCBEF2AF16F8F97ED356FA75E61A797EBB265,
            ),
            (
                0x19388D9112A306FBA595C3A8C63DAA8F04205AD9581F7CF105C63C442D7C6511,
                0x182DA356478AA7776D1DE8377A18B41E933036D0B71AB03F17114E4E673AD6E4,
            ),
        ),
        (
            0xA976AB906170DB1F9638D376514DBF8C42AEF256A54BBD48521F20749E59E86,
            0x2925EAD66B9E68BFC309B014398640AB55F6619AB59BC1FAB2210AD4C4D53D5,
        ),
    ),
    (
        b"abc",
        (
            0x11945105B5E3D3B9392B5A2318409CBC28B7246AA47FA30DA5739907737799A9,
            0x1255FC9AD5A6E0FB440916F091229BDA611C41BE2F2283C3D8F98C596BE4C8C9,
        ),
        (
            (
                0x1452C8CC24F8DEDC25B24D89B87B64E25488191CECC78464FEA84077DD156F8D,
                0x209C3633505BA956F5CE4D974A868DB972B8F1B69D63C218D360996BCEC1AD41,
            ),
            (
                0x4E8357C98524E6208AE2B771E370F0C449E839003988C2E4CE1EAF8D632559F,
                0x4396EC43DD8EC8F2B4A705090B5892219759DA30154C39490FC4D59D51BB817,
            ),
        ),
        (
            0x23F717BEE89B1003957139F193E6BE7DA1DF5F1374B26A4643B0378B5BAF53D1,
            0x4142F826B71EE574452DBC47E05BC3E1A647478403A7BA38B7B93948F4E151D,
        ),
    ),
]


def check(message, tag, field, mapped, total):
    assert hash_to_curve.hash_to_field(message, tag) == field
    assert hash_to_curve.map_to_curve(field) == list(mapped)
    assert hash_to_curve.hash_to_curve([message], tag) == [total]


@pytest.mark.parametrize("message, field, mapped, total", TYPED)
def test_typed_vectors(message, field, mapped, total):
    check(message, TAG, field, mapped, total)


@pytest.mark.skipif(not VECTORS.exists(), reason="third-party vectors are not beside this checkout")
def test_all_vectors_of_gnark_crypto():
    vectors = json.loads(VECTORS.read_text())
    assert len(vectors["cases"]) >= 5
    for case in vectors["cases"]:
        values = {key: tuple(int(part, 16) for part in case[key]) for key in ("P", "Q0", "Q1", "u")}
        check(
            case["msg"].encode(),
            vectors["dst"].encode(),
            values["u"],
            (values["Q0"], values["Q1"]),
            values["P"],
        )


# RFC 9380, appendix K.1: SHA-256, DST "QUUX-V01-CS02-with-expander-SHA256-128".
@pytest.mark.parametrize(
    "message, length, expected",
    [
        (b"", 0x20, "68a985b87eb6b46952128911f2a4412bbc302a9d759667f87f7a21d803f07235"),
        (b"abc", 0x20, "d8ccab23b5985ccea865c6c97b6e5b8350e794e603b4b97902f53a8a0d605615"),
    ],
)
def test_expand_message_vectors(message, length, expected):
    tag = b"QUUX-V01-CS02-with-expander-SHA256-128"
    assert hash_to_curve.expand_message_xmd(message, tag, length).hex() == expected


def test_only_a_tag_beyond_255_bytes_is_hashed():
    def expanded(tag):
        return hash_to_curve.expand_message_xmd(b"m", tag, 32)

    def hashed(tag):
        return hashlib.sha256(b"H2C-OVERSIZE-DST-" + tag).digest()

    assert expanded(b"t" * 256) == expanded(hashed(b"t" * 256))
    assert expanded(b"t" * 255) != expanded(hashed(b"t" * 255))


def test_too_much_output_is_refused():
    assert len(hash_to_curve.expand_message_xmd(b"m", b"t", 255 * 32)) == 255 * 32
    with pytest.raises(ValueError):
        hash_to_curve.expand_message_xmd(b"m", b"t", 255 * 32 + 1)


def test_exceptional_field_elements_are_mapped():
    zero_denominator = [u for u in (hash_to_curve.sqrt(x * pow(4, -1, curve.Q)) for x in (1, -1)) if u]
    values = [0, 1, curve.Q - 1, *zero_denominator]
    assert zero_denominator
    for u, point in zip(values, hash_to_curve.map_to_curve(values), strict=True):
        assert curve.on_curve(point)
        assert point[1] % 2 == u % 2
        assert hash_to_curve.map_to_curve([u]) == [point]


def test_message_and_tag_matter():
    points = hash_to_curve.hash_to_curve([b"a", b"b"], b"t") + hash_to_curve.hash_to_curve([b"a"], b"u")
    assert len(set(points)) == 3
    assert all(map(curve.on_curve, points))


def test_square_roots():
    assert hash_to_curve.sqrt(4) in (2, curve.Q - 2)
    assert hash_to_curve.sqrt(0) == 0
    assert hash_to_curve.sqrt(-4) is None  # -1 is no square where q = 3 mod 4
