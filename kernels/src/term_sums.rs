//! Integer rows over sparse columns, for all accounts at once: what witnesses are filled with.
//!
//! A term is a sparse column of amounts, cut into digits, with a coefficient for each digit in each of `count` sums. Accounts
//! are worked in blocks, so that their sums stay in cache; a term costs only the accounts that have it.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::columns::check_rows;
use crate::lanes::Lane;
use crate::threads;

/// Sums that are worked together: in cache.
const BLOCK: usize = 1 << 14;
/// Accounts that are at least worked together.
const LEAST: usize = 1 << 11;

/// Rows, amounts, widths of the digits, coefficients.
type TermArrays<'py> =
    (PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, i64>, Vec<u32>, PyReadonlyArray1<'py, i64>);
/// Rows that any term touches, and their sums one after the other.
type Sums<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>);

/// Return the rows that any term touches, rising, and for each of them `count` sums of digit x coefficient.
///
/// terms: rows, strictly increasing in `0..rows`; as many amounts; widths of their digits, the lowest first (a single one
/// takes the amount as it is); coefficients [digits, count]. `lanes` is 64 or 128: amounts, coefficients and sums are int64,
/// or two of them, the low half first. Sums beyond a lane wrap. `ValueError` for any other input.
#[pyfunction]
pub fn term_sums<'py>(
    py: Python<'py>,
    rows: usize,
    count: usize,
    lanes: u32,
    terms: Vec<TermArrays<'py>>,
) -> PyResult<Sums<'py>> {
    match lanes {
        i64::BITS => sums::<i64>(py, rows, count, &terms),
        i128::BITS => sums::<i128>(py, rows, count, &terms),
        _ => Err(PyValueError::new_err(format!("no lanes of {lanes} bits"))),
    }
}

fn sums<'py, L: Lane>(
    py: Python<'py>,
    rows: usize,
    count: usize,
    terms: &[TermArrays<'py>],
) -> PyResult<Sums<'py>> {
    let terms = terms
        .iter()
        .enumerate()
        .map(|(number, arrays)| {
            let named = |fault| PyValueError::new_err(format!("term {number} {fault}"));
            Term::<L>::parse(rows, count, arrays)?.map_err(named)
        })
        .collect::<PyResult<Vec<_>>>()?;
    let (at, sums) = threads::run(py, || {
        let end = terms.iter().filter_map(|term| term.rows.last()).max().map_or(0, |&row| index(row) + 1);
        let block = (BLOCK / count.max(1)).max(LEAST);
        let blocks = (0..end.div_ceil(block)).into_par_iter();
        let parts: Vec<_> = blocks.map(|number| block_sums(&terms, number * block, block, count)).collect();
        let (rows, sums): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        (rows.concat(), L::write(sums.concat()))
    })?;
    Ok((at.into_pyarray(py), sums.into_pyarray(py)))
}

/// Return the touched rows among `block` rows from `first` on, and their sums.
fn block_sums<L: Lane>(
    terms: &[Term<'_, L>],
    first: usize,
    block: usize,
    count: usize,
) -> (Vec<i64>, Vec<L>) {
    let parts: Vec<_> = terms.iter().map(|term| (term, term.part(first, block))).collect();
    let mut places = vec![0; block]; // of each row among those touched
    for (_, part) in &parts {
        part.rows.iter().for_each(|&row| places[index(row) - first] = 1);
    }
    let mut touched = Vec::new();
    for (row, place) in (first..).zip(&mut places) {
        if *place == 1 {
            *place = touched.len();
            #[allow(clippy::cast_possible_wrap)] // it came as an int64
            touched.push(row as i64);
        }
    }
    let mut sums = vec![L::ZERO; touched.len() * count];
    for (term, part) in parts {
        for (&row, &amount) in part.rows.iter().zip(part.amounts) {
            term.add(amount, &mut sums[places[index(row) - first] * count..][..count]);
        }
    }
    (touched, sums)
}

/// A sparse column and what its digits count for.
struct Term<'a, L> {
    rows: &'a [i64],
    amounts: Vec<L>,
    digits: Vec<Digit<L>>,
    /// For each digit its coefficient in every sum.
    matrix: Vec<L>,
}

/// Some bits of an amount.
#[derive(Clone, Copy)]
struct Digit<L> {
    shift: u32,
    mask: L,
}

/// A term's entries in one block of rows.
struct Part<'a, L> {
    rows: &'a [i64],
    amounts: &'a [L],
}

impl<'a, L: Lane> Term<'a, L> {
    fn parse(rows: usize, count: usize, arrays: &'a TermArrays<'_>) -> PyResult<Result<Self, String>> {
        let (at, amounts, widths, matrix) = arrays;
        Ok(Self::new(rows, count, at.as_slice()?, amounts.as_slice()?, widths, matrix.as_slice()?))
    }

    fn new(
        rows: usize,
        count: usize,
        at: &'a [i64],
        amounts: &[i64],
        widths: &[u32],
        matrix: &[i64],
    ) -> Result<Self, String> {
        check_rows(at, rows)?;
        if amounts.len() != at.len() * L::HALVES {
            return Err(format!("has {} rows and {} amounts", at.len(), amounts.len() / L::HALVES));
        }
        let size = widths.len().checked_mul(count).and_then(|size| size.checked_mul(L::HALVES));
        if size != Some(matrix.len()) {
            return Err(format!("has coefficients of another shape than {} x {count}", widths.len()));
        }
        let bits: u64 = widths.iter().map(|&width| u64::from(width)).sum();
        if widths.is_empty() || (widths.len() > 1 && bits >= L::BITS.into()) {
            return Err(format!("has no digits, or digits of {bits} bits in a lane of {}", L::BITS));
        }
        Ok(Self { rows: at, amounts: L::read(amounts), digits: digits(widths), matrix: L::read(matrix) })
    }

    /// Return its entries in `block` rows from `first` on.
    fn part(&self, first: usize, block: usize) -> Part<'_, L> {
        let start = self.rows.partition_point(|&row| index(row) < first);
        let end = start + self.rows[start..].partition_point(|&row| index(row) < first + block);
        Part { rows: &self.rows[start..end], amounts: &self.amounts[start..end] }
    }

    /// Add the digits of an amount, each times its coefficients.
    #[inline]
    fn add(&self, amount: L, sums: &mut [L]) {
        for (digit, coefficients) in self.digits.iter().zip(self.matrix.chunks_exact(sums.len().max(1))) {
            let rest = amount >> digit.shift;
            if rest == L::ZERO {
                break;
            }
            for (sum, &coefficient) in sums.iter_mut().zip(coefficients) {
                *sum = sum.plus_product(rest & digit.mask, coefficient);
            }
        }
    }
}

/// Return where digits lie; a single one is the whole amount, its sign included.
fn digits<L: Lane>(widths: &[u32]) -> Vec<Digit<L>> {
    if widths.len() == 1 {
        return vec![Digit { shift: 0, mask: L::ONES }];
    }
    let starts = widths.iter().scan(0, |end, &width| Some(std::mem::replace(end, *end + width)));
    starts.zip(widths).map(|(shift, &width)| Digit { shift, mask: L::low_bits(width) }).collect()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked: 0 <= row < rows
fn index(row: i64) -> usize {
    row as usize
}
