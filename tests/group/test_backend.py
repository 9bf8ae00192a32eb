"""What every backend must do, over BN254 and over the small groups of the tests alike."""

import random

import curve_oracle as oracle
import numpy as np
import pytest
from toy_groups import FreeModule, Zp, names

from zkmargin.errors import DecodeError
from zkmargin.group import codec, curve
from zkmargin.group.bn254 import Bn254
from zkmargin.group.generators import derive
from zkmargin.group.reference import Group, ReferenceBackend
from zkmargin.sparse import SparseWords, sparse

N_BITS = 40
SINGLES = {"H": 1, "F": 1, "GN": 1, "GE": 1, "GR": 1, "GI": 1}


class PlainBn254(Group):
    """BN254 by py_ecc, with none of our bulk operations: the slow twin of `Bn254`."""

    name, identity = "py_ecc", None
    order = curve.R

    def add(self, left, right):
        return oracle.add(left, right)

    def negate(self, point):
        return oracle.multiply(point, self.order - 1)

    def generator(self, family, index):
        return derive(family, [index])[0]

    def encode(self, point):
        return codec.encode_point(point)

    def decode(self, data):
        return codec.decode_point(data)

    def compress(self, point):
        return codec.compress_point(point)

    def decompress(self, data):
        return codec.decompress_point(data)


BACKENDS = {
    "bn254": ReferenceBackend(Bn254()),
    "F_7^n": ReferenceBackend(FreeModule(7, names(**SINGLES, GB=N_BITS))),
    "F_5^n": ReferenceBackend(FreeModule(5, names(**SINGLES, GB=N_BITS))),
    "Z_11": ReferenceBackend(Zp(11)),
}
PLAIN = ReferenceBackend(PlainBn254())


@pytest.fixture(params=BACKENDS)
def backend(request):
    return BACKENDS[request.param]


def scalars(backend, count, seed=1):
    rng = random.Random(seed)
    return [rng.randrange(backend.order) for _ in range(count)]


def one_by_one(backend, weights, points):
    """The sum of products, through `scale` and `total`."""
    return backend.total(backend.scale(points, weights))


def words_of(bits_by_row):
    """Pack rows of bits into sparse word columns."""
    columns = []
    for first in range(0, N_BITS, 16):
        values = [sum(bit << k for k, bit in enumerate(row[first : first + 16])) for row in bits_by_row]
        column = sparse(range(len(values)), values)
        columns.append(type(column)(column.rows, column.values.astype(np.uint16)))
    return SparseWords(len(bits_by_row), tuple(columns))


def random_bits(rows, seed=2, density=0.5):
    rng = random.Random(seed)
    return [[int(rng.random() < density) for _ in range(N_BITS)] for _ in range(rows)]


def test_encodings_round_trip(backend):
    points = backend.concat([backend.generators("GB", 0, 5), backend.identity(1)])
    assert len(backend.encode(points)) == 64 * 6
    assert len(backend.compress(points)) == 32 * 6
    assert backend.equal(backend.decode(backend.encode(points), infinity=True), points)
    assert backend.equal(backend.decompress(backend.compress(points), infinity=True), points)
    assert backend.encode(backend.identity(2)) == bytes(128)


def test_infinity_is_refused_unless_it_is_asked_for(backend):
    infinity = backend.identity(1)
    for decode, data in (
        (backend.decode, backend.encode(infinity)),
        (backend.decompress, backend.compress(infinity)),
    ):
        with pytest.raises(DecodeError) as caught:
            decode(data)
        assert caught.value.code == "infinity"


def test_surplus_and_missing_bytes_are_refused(backend):
    points = backend.generators("GB", 0, 2)
    for decode, data in (
        (backend.decode, backend.encode(points)),
        (backend.decompress, backend.compress(points)),
    ):
        for wrong in (data + b"\x00", data[:-1], data[1:]):
            with pytest.raises(DecodeError) as caught:
                decode(wrong)
            assert caught.value.code == "length"
        with pytest.raises(DecodeError):
            decode(b"\xff" * len(data))


def test_points_are_opaque(backend):
    points = backend.generators("GB", 0, 4)
    assert len(points) == 4
    assert len(points[1:3]) == 2
    assert backend.equal(points[1:], backend.generators("GB", 1, 3))
    same = points[:]
    for misuse in (lambda: points[0], lambda: points[::2], lambda: points == same, lambda: hash(points)):
        with pytest.raises(TypeError):
            misuse()
    with pytest.raises(TypeError):
        backend.total([1, 2])


def test_sequences(backend):
    points = backend.generators("GB", 0, 6)
    assert backend.equal(backend.concat([points[:2], points[2:]]), points)
    assert backend.equal(backend.concat([]), backend.identity(0))
    assert backend.equal(backend.gather(points, [5, 0, 5])[:1], points[5:])
    assert backend.equal(backend.gather(points, range(6)), points)
    assert not backend.equal(points[:5], points)
    assert not backend.equal(backend.gather(points, [5, 1, 2, 3, 4, 0]), points)
    assert backend.is_identity(backend.concat([points[:1], backend.identity(1)])) == [False, True]
    for index in (-1, 6):
        with pytest.raises(ValueError):
            backend.gather(points, [index])


def test_sums(backend):
    points = backend.generators("GB", 0, 6)
    pairs = [backend.total(points[at : at + 2]) for at in (0, 2, 4)]
    assert backend.equal(backend.pair_sums(points), backend.concat(pairs))
    assert backend.equal(backend.add(points, backend.negate(points)), backend.identity(6))
    assert backend.equal(backend.add(points, backend.identity(6)), points)
    assert backend.equal(backend.total(points), backend.msm([1] * 6, points))
    assert backend.equal(backend.total(points[:0]), backend.identity(1))
    assert backend.equal(backend.negate(points), backend.scale(points, [backend.order - 1] * 6))
    with pytest.raises(ValueError, match="pairs"):
        backend.pair_sums(points[:3])
    with pytest.raises(ValueError):
        backend.add(points, points[:5])


@pytest.mark.parametrize("count", [0, 1, 5, N_BITS])
def test_msm(backend, count):
    points, weights = backend.generators("GB", 0, count), scalars(backend, count)
    assert backend.equal(backend.msm(weights, points), one_by_one(backend, weights, points))


def test_msm_refuses_what_is_not_canonical(backend):
    points = backend.generators("GB", 0, 2)
    for wrong in ([1], [1, 2, 3], [1, backend.order], [-1, 1]):
        with pytest.raises(ValueError):
            backend.msm(wrong, points)
        with pytest.raises(ValueError):
            backend.scale(points, wrong)


@pytest.mark.parametrize("rows, density", [(1, 0.5), (3, 0.1), (30, 0.5), (3, 0)])
def test_row_commitments(backend, rows, density):
    bits, blindings = random_bits(rows, density=density), scalars(backend, rows)
    committed = backend.commit_bits(words_of(bits), N_BITS, blindings)
    generators, h = backend.generators("GB", 0, N_BITS), backend.generators("H", 0, 1)
    expected = [
        backend.msm([*row, blinding], backend.concat([generators, h]))
        for row, blinding in zip(bits, blindings, strict=True)
    ]
    assert backend.equal(committed, backend.concat(expected))


def test_row_commitments_refuse_wrong_shapes(backend):
    bits = random_bits(3)
    bits[1][N_BITS - 1] = 1
    with pytest.raises(ValueError, match="beyond"):
        backend.commit_bits(words_of(bits), N_BITS - 1, [0] * 3)
    with pytest.raises(ValueError, match="beyond"):
        backend.commit_bits(words_of(bits), 16, [0] * 3)
    with pytest.raises(ValueError, match="blindings"):
        backend.commit_bits(words_of(bits), N_BITS, [0] * 2)
    with pytest.raises(ValueError):
        backend.commit_bits(words_of(bits), N_BITS, [0, 0, backend.order])


@pytest.mark.parametrize("rows", [1, 30])
def test_output_commitments(backend, rows):
    rng = random.Random(3)
    table = [[rng.randrange(-(2**100), 2**100) for _ in range(4)] for _ in range(rows)]
    table[0] = [0, -1, 2**99, -(2**61)]
    values, blindings = np.array(table, dtype=object), scalars(backend, rows)
    families = ("GN", "GE", "GR", "GI", "H")
    base = backend.concat([backend.generators(family, 0, 1) for family in families])
    expected = [
        backend.msm([value % backend.order for value in [*row, blinding]], base)
        for row, blinding in zip(table, blindings, strict=True)
    ]
    assert backend.equal(backend.commit_outputs(values, blindings), backend.concat(expected))
    with pytest.raises(ValueError):
        backend.commit_outputs(values[:, :3], blindings)
    with pytest.raises(ValueError):
        backend.commit_outputs(values, [*blindings, 0])


def test_outputs_as_int64_or_objects_are_one(backend):
    rows = [[3, -2, 5, 0], [-(2**61), 1, 0, 2**61]]
    narrow, wide = np.array(rows, dtype=np.int64), np.array(rows, dtype=object)
    assert backend.equal(backend.commit_outputs(narrow, [1, 2]), backend.commit_outputs(wide, [1, 2]))


def test_scalar_vectors(backend):
    p = backend.order
    a, b = scalars(backend, 5), scalars(backend, 5, seed=2)
    assert backend.inner(a, b) == sum(x * y for x, y in zip(a, b, strict=True)) % p
    assert backend.combine(a, p - 1, a) == [0] * 5
    assert backend.combine(a, 2, b) == [(x + 2 * y) % p for x, y in zip(a, b, strict=True)]
    assert backend.powers(3, 4) == [1, 3 % p, 9 % p, 27 % p]
    assert backend.powers(3, 0) == []
    with pytest.raises(ValueError):
        backend.inner(a, b[:4])
    with pytest.raises(ValueError):
        backend.combine(a, 1, b[:4])


@pytest.mark.parametrize("family", ["G", "", "gb"])
def test_unknown_generators_are_refused(family):
    for backend in (BACKENDS["bn254"], BACKENDS["F_7^n"]):
        with pytest.raises(ValueError):
            backend.generators(family, 0, 1)


def test_bulk_operations_give_the_bytes_of_py_ecc():
    fast = BACKENDS["bn254"]
    bits, blindings = random_bits(13), [1, 0, *scalars(fast, 11)]
    words = words_of(bits)
    assert fast.encode(fast.commit_bits(words, N_BITS, blindings)) == PLAIN.encode(
        PLAIN.commit_bits(words, N_BITS, blindings)
    )
    values = np.array([[5, -3, 2**70, -(2**70)]] * 2, dtype=object)
    assert fast.compress(fast.commit_outputs(values, blindings[:2])) == PLAIN.compress(
        PLAIN.commit_outputs(values, blindings[:2])
    )


def test_a_free_module_keeps_generators_apart_and_z_p_does_not():
    module, cyclic = BACKENDS["F_7^n"], BACKENDS["Z_11"]
    points = module.generators("GB", 0, 3)
    for weights in ([1, 0, 0], [6, 1, 0], [3, 3, 3]):
        assert module.is_identity(module.msm(weights, points)) == [False]
    line = cyclic.generators("GB", 0, 2)
    assert (
        sum(cyclic.is_identity(cyclic.msm([a, b], line)) == [True] for a in range(11) for b in range(11))
        == 11
    )


def test_sums_of_generators_are_sums_with_scalars(backend):
    weights = {"F": [3], "H": [2], "GB": [1, 0, backend.order - 1, 4]}
    points = backend.concat([backend.generators(family, 0, len(w)) for family, w in weights.items()])
    expected = backend.msm([scalar for w in weights.values() for scalar in w], points)
    assert backend.equal(backend.combine_generators(weights), expected)
    assert backend.is_identity(backend.combine_generators({})) == [True]
    for wrong in ([backend.order], [-1]):
        with pytest.raises(ValueError):
            backend.combine_generators({"F": wrong})
