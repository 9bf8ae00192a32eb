//! Multiples of fixed bases: few of them for many rows (blindings, outputs), or many for one sum (range proofs).

use std::sync::Arc;

use halo2curves::bn256::{G1, G1Affine};
use halo2curves::group::prime::PrimeCurveAffine;
use halo2curves::group::{Curve, Group};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::accumulate::Accumulators;
use crate::affine::{self, Within};
use crate::points::Points;
use crate::scalars::{self, Scalar, windows};
use crate::sums::{self, check_lengths};
use crate::threads;

const MAX_WIDTH: usize = 16;
const MAX_BITS: usize = 254;
/// Rows that one task takes through all tables: their accumulators stay in the second-level cache.
const BLOCK: usize = 8192;

/// Table of d * 2^(width * j) * base for 1 <= d <= 2^(width - 1): a product is one addition a window.
#[pyclass(frozen, module = "zkmargin._kernels")]
pub struct FixedBase {
    width: usize,
    bits: usize,
    tables: Arc<Vec<Vec<G1Affine>>>, // by window; entry d - 1
}

#[pymethods]
impl FixedBase {
    /// Build the table of the one point of `base`, for scalars whose size has at most `bits` bits.
    #[new]
    fn new(py: Python<'_>, base: PyRef<'_, Points>, width: usize, bits: usize) -> PyResult<Self> {
        let [base] = base.as_slice() else {
            return Err(PyValueError::new_err("a table has one base"));
        };
        if !(2..=MAX_WIDTH).contains(&width) || bits > MAX_BITS {
            return Err(PyValueError::new_err(format!(
                "a window has 2 to {MAX_WIDTH} bits, a scalar up to {MAX_BITS}"
            )));
        }
        let base = *base;
        let tables = threads::run(py, || build(base, width, windows(bits, width)))?;
        Ok(Self { width, bits, tables: Arc::new(tables) })
    }

    /// Bits of a window.
    #[getter]
    fn width(&self) -> usize {
        self.width
    }

    /// Most bits that the size of a scalar may have.
    #[getter]
    fn bits(&self) -> usize {
        self.bits
    }
}

impl FixedBase {
    /// Yield points that sum to scalar * base, one a window whose digit is not 0.
    fn multiples_of<'a>(&'a self, scalar: &'a Scalar) -> impl Iterator<Item = G1Affine> + 'a {
        let multiple = |(window, table): (usize, &Vec<G1Affine>)| {
            let (size, negative) = scalar.digit(window, self.width);
            let point = *table.get(size.checked_sub(1)?)?;
            Some(if negative { -point } else { point })
        };
        self.tables.iter().enumerate().filter_map(multiple)
    }

    fn add_products(&self, sums: &mut Accumulators, scalars: &[Scalar]) {
        for (window, table) in self.tables.iter().enumerate() {
            for (row, scalar) in scalars.iter().enumerate() {
                let (size, negative) = scalar.digit(window, self.width);
                if size != 0 {
                    sums.add(table, window, row, size - 1, negative);
                }
            }
            sums.flush(table);
        }
    }
}

/// Return `start[i]` + the sum over k of `values[k][i] * bases[k]`.
///
/// Each of `values` holds one scalar a row: bytes, 32 a scalar, or an int64 array. `ValueError` for unequal lengths, a scalar
/// that is not below the order or larger than its table.
#[pyfunction]
pub fn add_products(
    py: Python<'_>,
    start: PyRef<'_, Points>,
    bases: Vec<PyRef<'_, FixedBase>>,
    values: Vec<Bound<'_, PyAny>>,
) -> PyResult<Points> {
    let points = start.as_slice();
    if bases.len() != values.len() {
        return Err(PyValueError::new_err(format!(
            "{} bases for {} lists of scalars",
            bases.len(),
            values.len()
        )));
    }
    let columns: Vec<Vec<Scalar>> = values.iter().map(scalars::decode_any).collect::<PyResult<_>>()?;
    for (base, column) in bases.iter().zip(&columns) {
        if column.len() != points.len() {
            return Err(PyValueError::new_err(format!(
                "{} rows need {} scalars, not {}",
                points.len(),
                points.len(),
                column.len()
            )));
        }
        if column.iter().any(|scalar| scalar.bits() > base.bits) {
            return Err(PyValueError::new_err(format!(
                "a scalar has more than the {} bits of its table",
                base.bits
            )));
        }
    }
    let bases: Vec<&FixedBase> = bases.iter().map(|base| &**base).collect();
    let blocks: Vec<Vec<G1Affine>> = threads::run(py, || {
        let size = points.len().div_ceil(rayon::current_num_threads()).clamp(1, BLOCK);
        let block = |(number, part): (usize, &[G1Affine])| {
            let mut sums = Accumulators::from_points(part.to_vec());
            for (base, column) in bases.iter().zip(&columns) {
                base.add_products(&mut sums, &column[number * size..][..part.len()]);
            }
            sums.finish()
        };
        points.par_chunks(size).enumerate().map(block).collect()
    })?;
    Ok(Points::new(blocks.concat()))
}

/// Return the sum of `scalars[i] * bases[i]`, length 1. Scalars are 32 bytes each, big-endian, below the order.
///
/// One addition a window and base, all in one tree of batched additions. `ValueError` for unequal lengths, a scalar out of
/// range or larger than its table.
#[pyfunction]
pub fn sum_products(py: Python<'_>, bases: Vec<PyRef<'_, FixedBase>>, scalars: &[u8]) -> PyResult<Points> {
    let scalars = scalars::decode(py, scalars)?;
    check_lengths(bases.len(), scalars.len())?;
    let tables: Vec<&FixedBase> = bases.iter().map(|base| &**base).collect();
    if tables.iter().zip(&scalars).any(|(table, scalar)| scalar.bits() > table.bits) {
        return Err(PyValueError::new_err("a scalar has more bits than its table"));
    }
    let sum = py.detach(|| {
        let addends: Vec<G1Affine> =
            tables.iter().zip(&scalars).flat_map(|(table, scalar)| table.multiples_of(scalar)).collect();
        sums::sum_alone(addends)
    });
    Ok(Points::new(vec![sum]))
}

/// Return the multiples 1, 2, ..., 2^(width - 1) of 2^(width * j) * base, for each window j.
fn build(base: G1Affine, width: usize, windows: usize) -> Vec<Vec<G1Affine>> {
    let mut bases = Vec::with_capacity(windows);
    let mut last = base.to_curve();
    for _ in 0..windows {
        bases.push(last);
        for _ in 0..width {
            last = last.double();
        }
    }
    let mut starts = vec![G1Affine::identity(); windows];
    G1::batch_normalize(&bases, &mut starts);
    starts.par_iter().map(|&start| multiples(start, 1 << (width - 1))).collect()
}

/// Return 1, 2, ..., count times a point; `count` is a power of two.
fn multiples(point: G1Affine, count: usize) -> Vec<G1Affine> {
    let mut out = vec![point; count];
    let mut size = 1;
    while size < count {
        #[allow(clippy::cast_possible_truncation)] // count is at most 2^15
        let steps: Vec<Within> = (0..size)
            .map(|i| Within { left: i as u32, right: size as u32 - 1, to: (size + i) as u32 })
            .collect();
        affine::add_within(&mut out, &steps);
        size *= 2;
    }
    out
}
