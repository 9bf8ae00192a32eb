import pytest

from zkmargin.errors import DecodeError
from zkmargin.group import codec, curve
from zkmargin.group.curve import Q, R
from zkmargin.group.generators import derive

POINTS = [*derive("GB", range(6)), (1, 2), (1, Q - 2)]
X, Y = POINTS[0]
INFINITY_64, INFINITY_32 = bytes(64), b"\x40" + bytes(31)


def fault(decode, *arguments):
    with pytest.raises(DecodeError) as caught:
        decode(*arguments)
    return caught.value.code


def pair(x, y):
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")


def flagged(flag, x):
    return (flag << 254 | x).to_bytes(32, "big")


def test_known_encodings():
    assert codec.encode_point((1, 2)) == bytes(31) + b"\x01" + bytes(31) + b"\x02"
    assert codec.compress_point((1, 2)) == b"\x80" + bytes(30) + b"\x01"
    assert codec.compress_point((1, Q - 2)) == b"\xc0" + bytes(30) + b"\x01"
    assert codec.encode_point(None) == INFINITY_64
    assert codec.compress_point(None) == INFINITY_32


@pytest.mark.parametrize("point", [*POINTS, None])
def test_round_trips(point):
    assert codec.decode_point(codec.encode_point(point)) == point
    assert codec.decompress_point(codec.compress_point(point)) == point


@pytest.mark.parametrize(
    "data, code",
    [
        (b"", "length"),
        (pair(X, Y)[:-1], "length"),
        (pair(X, Y) + b"\x00", "length"),
        (pair(Q, 0), "range"),
        (pair(X + Q, Y), "range"),
        (pair(X, Y + Q), "range"),
        (pair(2**256 - 1, Y), "range"),
        (pair(X, (Y + 1) % Q), "curve"),
        (pair(0, 1), "curve"),
        (pair(1, 0), "curve"),
        (INFINITY_32 + bytes(32), "range"),
    ],
)
def test_faults_of_a_point(data, code):
    assert fault(codec.decode_point, data) == code


NO_POINT = next(x for x in range(1, 50) if codec.sqrt(x**3 + 3) is None)


@pytest.mark.parametrize(
    "data, code",
    [
        (b"", "length"),
        (bytes(31), "length"),
        (codec.compress_point(POINTS[0]) + b"\x00", "length"),
        (flagged(0b00, X), "flag"),
        (flagged(0b01, X), "flag"),
        (bytes(32), "flag"),
        (flagged(0b01, 1), "flag"),
        (flagged(0b11, 0), "curve"),  # x = 0: 3 is no square
        (flagged(0b10, Q), "range"),
        (flagged(0b11, Q + 1), "range"),
        (flagged(0b10, 2**254 - 1), "range"),
        (flagged(0b10, NO_POINT), "curve"),
        (flagged(0b11, NO_POINT), "curve"),
    ],
)
def test_faults_of_a_compressed_point(data, code):
    assert fault(codec.decompress_point, data) == code


def test_the_flag_chooses_the_root():
    data = codec.compress_point(POINTS[0])
    other = bytes([data[0] ^ 0x40]) + data[1:]
    assert codec.decompress_point(other) == curve.negate(POINTS[0])


def test_every_lawful_string_is_the_encoding_of_what_it_decodes_to():
    lawful = 0
    for first in range(256):
        data = bytes([first]) + codec.compress_point(POINTS[0])[1:]
        try:
            point = codec.decompress_point(data)
        except DecodeError:
            continue
        lawful += 1
        assert codec.compress_point(point) == data
    assert lawful >= 2


def test_scalars():
    values = [0, 1, R - 1]
    data = codec.encode_scalars(values, R)
    assert len(data) == 96
    assert codec.decode_scalars(data, 3, R) == values
    assert codec.decode_scalars(b"", 0, R) == []
    assert fault(codec.decode_scalars, R.to_bytes(32, "big"), 1, R) == "range"
    assert fault(codec.decode_scalars, b"\xff" * 32, 1, R) == "range"
    assert fault(codec.decode_scalars, (5).to_bytes(32, "big"), 1, 5) == "range"
    for wrong in (data[:-1], data + b"\x00", data[32:], data + bytes(32)):
        assert fault(codec.decode_scalars, wrong, 3, R) == "length"
    for value in (-1, R):
        with pytest.raises(ValueError):
            codec.encode_scalars([value], R)
