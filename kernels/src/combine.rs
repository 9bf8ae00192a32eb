//! Linear combinations of sparse rows: what a random point of the account variables makes of their bits.

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rayon::prelude::*;

use crate::byte_sums::histograms;
use crate::columns::{self, Column, ColumnArrays};
use crate::scalars::{self, big_endian};
use crate::threads;
use crate::windows::WORD;

const BYTE: usize = 8;

/// Return for each of `bits` bits the sum of `weights[i]` over the rows i in which it is set: 32 bytes each, big-endian.
///
/// columns: see `columns`; weights: 32 bytes each, big-endian, one for each row. `ValueError` for any other input.
#[pyfunction]
pub fn combine_bits<'py>(
    py: Python<'py>,
    columns: Vec<ColumnArrays<'py>>,
    bits: usize,
    weights: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let weights = scalars::decode_elements(py, weights)?;
    let columns = columns::parse(&columns, weights.len(), bits)?;
    if columns.last().is_some_and(|column| column.first_bit >= bits) {
        return Err(PyValueError::new_err(format!("words beyond {bits} bits")));
    }
    let sums = threads::run(py, || {
        let parts: Vec<(usize, [Fr; WORD])> = columns
            .par_iter()
            .with_max_len(1)
            .map(|column| (column.first_bit, bit_sums(column, &weights)))
            .collect();
        let mut sums = vec![Fr::ZERO; bits.next_multiple_of(WORD)];
        for (first, part) in parts {
            sums[first..first + WORD].copy_from_slice(&part);
        }
        sums[..bits].par_iter().map(|sum| big_endian(*sum)).collect::<Vec<_>>()
    })?;
    Ok(PyBytes::new(py, sums.as_flattened()))
}

/// Sum the weights by the value of each byte first: two additions a word, then 256 a bit.
fn bit_sums(column: &Column<'_>, weights: &[Fr]) -> [Fr; WORD] {
    let sums = histograms(column, weights);
    std::array::from_fn(|bit| {
        let values = sums[bit / BYTE].iter().enumerate();
        values.filter(|(value, _)| value >> (bit % BYTE) & 1 == 1).map(|(_, sum)| sum).sum()
    })
}
