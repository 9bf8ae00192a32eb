"""Forms spread over outputs and bits."""

import pytest
from proof_cases import R, bit_words, column, tiny_circuit, tiny_row

from zkmargin.proofs.forms import combine, reach, spread
from zkmargin.proofs.totals_prover import bit_sums

ORDER = 1_000_003


@pytest.mark.parametrize("account", [(5, 9), (-4, 20), (6, -10), (0, 0)])
def test_spread_forms_have_the_value_of_the_form(account: tuple[int, int]) -> None:
    circuit = tiny_circuit()
    outputs, columns = tiny_row(*account)
    bits = bit_sums(bit_words([columns], circuit), circuit.n_bits)
    for terms in circuit.published.values():
        form = spread(dict(terms), circuit, ORDER)
        direct = sum(factor * (outputs[v] if v < 4 else columns[v - 4]) for v, factor in terms)
        assert (
            sum(u * x for u, x in zip(form.a, outputs, strict=True))
            + sum(u * y for u, y in zip(form.b, bits, strict=True))
        ) % ORDER == direct % ORDER


def test_combine_adds_weighted_forms() -> None:
    joined = combine([(2, ((0, 1), (4, -3))), (5, ((4, 2),))], ORDER)
    assert joined == {0: 2, 4: 4}


@pytest.mark.parametrize("variable", [-1, 12])
def test_unknown_variables_are_refused(variable: int) -> None:
    with pytest.raises(ValueError, match="no variable"):
        spread({variable: 1}, tiny_circuit(), ORDER)


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (((column("long"), 1), (column("short"), -1)), 15 + 15),
        (((R, 1),), 2 * 15),  # substituted: R = 2 long
        (((R, 1), (column("long"), -2)), 0),  # what cancels after substitution reaches nothing
        (((column("cash"), 3),), 3 * 31),
    ],
)
def test_reach_is_what_columns_hold(terms: tuple[tuple[int, int], ...], expected: int) -> None:
    assert reach(terms, tiny_circuit()) == expected


def test_reach_of_an_undefined_output_is_refused() -> None:
    circuit = tiny_circuit()
    object.__setattr__(circuit, "equations", ())
    with pytest.raises(ValueError, match="does not define"):
        reach(((R, 1),), circuit)


def test_a_bit_beyond_the_circuit_is_refused() -> None:
    circuit = tiny_circuit()
    words = bit_words([tiny_row(5, 9)[1]], circuit)
    with pytest.raises(ValueError, match="beyond"):
        bit_sums(words, 3)
