//! Multi-scalar multiplication.

use halo2curves::bn256::G1;
use halo2curves::group::Group;
use halo2curves::msm::msm_best;
use numpy::PyReadonlyArray2;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::encoding;

/// Return the sum of `scalars[i] * points[i]`, 64 bytes.
///
/// scalars: uint8 [n, 32], big-endian, below the order. points: uint8 [n, 64], big-endian x then y, 64 zero bytes for
/// infinity. No terms give infinity. Not constant-time. Raises `ValueError` for any other input.
#[pyfunction]
pub fn msm<'py>(
    py: Python<'py>,
    scalars: PyReadonlyArray2<'py, u8>,
    points: PyReadonlyArray2<'py, u8>,
) -> PyResult<Bound<'py, PyBytes>> {
    let scalars = encoding::rows::<{ encoding::FIELD }>("scalars", &scalars)?;
    let points = encoding::rows::<{ encoding::POINT }>("points", &points)?;
    if scalars.len() != points.len() {
        let message = format!("{} scalars for {} points", scalars.len(), points.len());
        return Err(PyValueError::new_err(message));
    }
    let sum = py.detach(|| -> PyResult<_> {
        let scalars = encoding::scalars(&scalars)?;
        let points = encoding::points(&points)?;
        let sum = if points.is_empty() { G1::identity() } else { msm_best(&scalars, &points) };
        Ok(encoding::encode(&sum))
    })?;
    Ok(PyBytes::new(py, &sum))
}
