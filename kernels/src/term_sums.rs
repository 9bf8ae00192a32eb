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
/// Rows that a book may have.
const MOST_ROWS: usize = 1 << 32;
/// Bits of an amount that are looked up together.
const TABLE: u32 = 4;
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
    if rows > MOST_ROWS {
        return Err(PyValueError::new_err(format!("more than {MOST_ROWS} rows")));
    }
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
    let parts: Vec<_> = terms.iter().map(|term| (term, term.entries(first, block))).collect();
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

/// A sparse column and what the parts of its amounts count for.
struct Term<'a, L> {
    rows: &'a [i64],
    amounts: Vec<L>,
    parts: Vec<Part<L>>,
}

/// Some bits of an amount, the rest of which is shifted away: what they count for in every sum.
struct Part<L> {
    shift: u32,
    mask: L,
    weights: Weights<L>,
}

/// Coefficients of a digit, or the sums of every value that a few narrow digits can have.
enum Weights<L> {
    Product(Vec<L>),
    Table(Vec<L>),
}

/// A term's entries in one block of rows.
struct Entries<'a, L> {
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
        if count == 0 {
            return Err("counts for no sum".to_owned());
        }
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
        Ok(Self { rows: at, amounts: L::read(amounts), parts: parts(widths, &L::read(matrix), count) })
    }

    /// Return its entries in `block` rows from `first` on.
    fn entries(&self, first: usize, block: usize) -> Entries<'_, L> {
        let start = self.rows.partition_point(|&row| index(row) < first);
        let end = start + self.rows[start..].partition_point(|&row| index(row) < first + block);
        Entries { rows: &self.rows[start..end], amounts: &self.amounts[start..end] }
    }

    /// Add what the parts of an amount count for.
    #[inline]
    fn add(&self, amount: L, sums: &mut [L]) {
        for part in &self.parts {
            let rest = amount >> part.shift;
            if rest == L::ZERO {
                break;
            }
            let value = rest & part.mask;
            match &part.weights {
                Weights::Product(coefficients) => add_product(sums, value, coefficients),
                Weights::Table(table) => add(sums, &table[value.index() * sums.len()..][..sums.len()]),
            }
        }
    }
}

/// Group digits into parts: a single one is the whole amount, its sign included; narrow ones share tables.
fn parts<L: Lane>(widths: &[u32], matrix: &[L], count: usize) -> Vec<Part<L>> {
    if widths.len() == 1 {
        return vec![Part { shift: 0, mask: L::ONES, weights: Weights::Product(matrix.to_vec()) }];
    }
    let mut parts = Vec::new();
    let (mut first, mut shift) = (0, 0);
    while first < widths.len() {
        let (mut next, mut width) = (first + 1, widths[first]);
        while next < widths.len() && width + widths[next] <= TABLE {
            width += widths[next];
            next += 1;
        }
        let coefficients = &matrix[first * count..next * count];
        let weights = if width <= TABLE {
            Weights::Table(table(&widths[first..next], coefficients, count))
        } else {
            Weights::Product(coefficients.to_vec())
        };
        parts.push(Part { shift, mask: L::low_bits(width), weights });
        (first, shift) = (next, shift + width);
    }
    parts
}

/// Return the sums of every value, the lowest digit first.
fn table<L: Lane>(widths: &[u32], matrix: &[L], count: usize) -> Vec<L> {
    let mut table = vec![L::ZERO; count];
    for (digit, &width) in widths.iter().enumerate() {
        let (below, coefficients) = (table.clone(), &matrix[digit * count..][..count]);
        for _ in 1..1 << width {
            let start = table.len() - below.len();
            table.extend_from_within(start..);
            let end = table.len() - below.len();
            table[end..].chunks_exact_mut(count).for_each(|sums| add(sums, coefficients));
        }
    }
    table
}

#[inline]
fn add<L: Lane>(sums: &mut [L], values: &[L]) {
    sums.iter_mut().zip(values).for_each(|(sum, &value)| *sum = sum.plus(value));
}

#[inline]
fn add_product<L: Lane>(sums: &mut [L], value: L, coefficients: &[L]) {
    sums.iter_mut().zip(coefficients).for_each(|(sum, &a)| *sum = sum.plus(value.times(a)));
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked: 0 <= row < rows
fn index(row: i64) -> usize {
    row as usize
}
