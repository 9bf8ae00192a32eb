//! Sums of points: elementwise, of pairs, of all.

use halo2curves::bn256::G1Affine;
use halo2curves::group::prime::PrimeCurveAffine;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::affine::{self, BATCH};
use crate::points::Points;
use crate::threads;

/// Additions that are not worth a second thread.
const FEW: usize = 64;

/// Return `left[i] + right[i]`; `ValueError` for unequal lengths.
#[pyfunction]
pub fn add(py: Python<'_>, left: PyRef<'_, Points>, right: PyRef<'_, Points>) -> PyResult<Points> {
    let (left, right) = (left.as_slice(), right.as_slice());
    check_lengths(left.len(), right.len())?;
    let mut out = vec![G1Affine::identity(); left.len()];
    if left.len() <= FEW {
        affine::add_each(left, right, &mut out);
        return Ok(Points::new(out));
    }
    threads::run(py, || {
        let addends = left.par_chunks(BATCH).zip(right.par_chunks(BATCH));
        let parts = out.par_chunks_mut(BATCH).zip(addends);
        parts.for_each(|(out, (left, right))| affine::add_each(left, right, out));
    })?;
    Ok(Points::new(out))
}

/// Return `-points[i]`.
#[pyfunction]
pub fn negate(points: PyRef<'_, Points>) -> Points {
    Points::new(points.as_slice().iter().map(|point| -*point).collect())
}

/// Return `points[2 i] + points[2 i + 1]`; `ValueError` for an odd length.
#[pyfunction]
pub fn pair_sums(py: Python<'_>, points: PyRef<'_, Points>) -> PyResult<Points> {
    let points = points.as_slice();
    if points.len() % 2 == 1 {
        return Err(PyValueError::new_err("an odd number of points has no pairs"));
    }
    Ok(Points::new(threads::run(py, || halve(points))?))
}

/// Return the sum of all points, length 1; infinity for none.
#[pyfunction]
pub fn total(py: Python<'_>, points: PyRef<'_, Points>) -> PyResult<Points> {
    let points = points.as_slice();
    Ok(Points::new(vec![threads::run(py, || sum(points))?]))
}

/// Return the sum of all points.
pub fn sum(points: &[G1Affine]) -> G1Affine {
    let mut rest = halve(points);
    while rest.len() > 1 {
        rest = halve(&rest);
    }
    rest.first().copied().unwrap_or_else(G1Affine::identity)
}

/// Return the sum of all points, on the caller's thread.
pub fn sum_alone(mut points: Vec<G1Affine>) -> G1Affine {
    while points.len() > 1 {
        let mut out = vec![G1Affine::identity(); points.len() / 2];
        affine::add_pairs(&points[..2 * out.len()], &mut out);
        out.extend(points.chunks_exact(2).remainder());
        points = out;
    }
    points.first().copied().unwrap_or_else(G1Affine::identity)
}

/// Raise `ValueError` unless both lengths are equal.
pub fn check_lengths(left: usize, right: usize) -> PyResult<()> {
    if left == right {
        Ok(())
    } else {
        Err(PyValueError::new_err(format!("lengths differ: {left} and {right}")))
    }
}

/// Return the sums of pairs; a last point without a partner stays.
fn halve(points: &[G1Affine]) -> Vec<G1Affine> {
    let mut out = vec![G1Affine::identity(); points.len() / 2];
    let parts = out.par_chunks_mut(BATCH).zip(points.par_chunks(2 * BATCH));
    parts.for_each(|(out, points)| affine::add_pairs(points, out));
    if points.len() % 2 == 1 {
        out.extend(points.last());
    }
    out
}
