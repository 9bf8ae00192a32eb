//! `Points`: an immutable sequence of points that only the kernels can read.
//!
//! Held by Rust, not in an array that Python could write to: a point was checked when it was decoded and stays checked.
//! A slice shares the memory of the whole.

use std::sync::Arc;

use halo2curves::bn256::G1Affine;
use halo2curves::group::prime::PrimeCurveAffine;
use numpy::PyReadonlyArray1;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PySlice;

use crate::affine;

/// Points on the curve, infinity included; opaque, sliced with step 1 only.
#[pyclass(frozen, sequence, module = "zkmargin._kernels")]
pub struct Points {
    all: Arc<Vec<G1Affine>>,
    start: usize,
    end: usize,
}

impl Points {
    /// Take points that are known to be on the curve.
    pub fn new(points: Vec<G1Affine>) -> Self {
        let end = points.len();
        Self { all: Arc::new(points), start: 0, end }
    }

    /// Return the points.
    pub fn as_slice(&self) -> &[G1Affine] {
        &self.all[self.start..self.end]
    }
}

#[pymethods]
impl Points {
    fn __len__(&self) -> usize {
        self.end - self.start
    }

    fn __getitem__(&self, part: &Bound<'_, PyAny>) -> PyResult<Self> {
        let opaque = || PyTypeError::new_err("points are opaque: take a slice with step 1, or gather");
        let slice = part.cast::<PySlice>().map_err(|_| opaque())?;
        let length = isize::try_from(self.__len__()).map_err(|_| opaque())?;
        let indices = slice.indices(length)?;
        if indices.step != 1 {
            return Err(opaque());
        }
        let offset = usize::try_from(indices.start).map_err(|_| opaque())?;
        let start = self.start + offset.min(self.__len__());
        Ok(Self { all: Arc::clone(&self.all), start, end: start + indices.slicelength })
    }

    #[allow(clippy::unused_self)] // Python's signature
    fn __eq__(&self, _other: &Bound<'_, PyAny>) -> PyResult<bool> {
        Err(PyTypeError::new_err("compare points with Backend.equal"))
    }

    fn __repr__(&self) -> String {
        format!("<{} points>", self.__len__())
    }
}

/// Return `count` times the point at infinity.
#[pyfunction]
pub fn identity(count: usize) -> Points {
    Points::new(vec![G1Affine::identity(); count])
}

/// Return the parts one after the other.
#[pyfunction]
pub fn concat(py: Python<'_>, parts: Vec<PyRef<'_, Points>>) -> Points {
    let slices: Vec<&[G1Affine]> = parts.iter().map(|part| part.as_slice()).collect();
    Points::new(py.detach(|| slices.concat()))
}

/// Return `points[i]` for each index; `ValueError` outside.
#[pyfunction]
pub fn gather(points: PyRef<'_, Points>, indices: PyReadonlyArray1<'_, i64>) -> PyResult<Points> {
    let all = points.as_slice();
    let at = |index: &i64| usize::try_from(*index).ok().and_then(|index| all.get(index).copied());
    let chosen: Option<Vec<G1Affine>> = indices.as_array().iter().map(at).collect();
    let outside = || PyValueError::new_err(format!("index outside [0, {})", all.len()));
    Ok(Points::new(chosen.ok_or_else(outside)?))
}

/// Return whether both have the same length and the same points.
#[pyfunction]
pub fn equal(left: PyRef<'_, Points>, right: PyRef<'_, Points>) -> bool {
    left.as_slice() == right.as_slice()
}

/// Return for each point whether it is infinity.
#[pyfunction]
pub fn is_identity(points: PyRef<'_, Points>) -> Vec<bool> {
    points.as_slice().iter().map(affine::is_infinity).collect()
}
