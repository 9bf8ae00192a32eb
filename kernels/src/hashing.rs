//! SHA-256 of many messages of one length.

use numpy::{IntoPyArray, PyArray2, PyReadonlyArray2, PyUntypedArrayMethods, ndarray::Array2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

const DIGEST: usize = 32;

/// Return the SHA-256 digest of every row: uint8 [n, length] -> uint8 [n, 32].
#[pyfunction]
pub fn sha256_many<'py>(
    py: Python<'py>,
    messages: PyReadonlyArray2<'py, u8>,
) -> PyResult<Bound<'py, PyArray2<u8>>> {
    let (count, length) = (messages.shape()[0], messages.shape()[1]);
    // Copied in row order: the array may be strided, and the GIL is released below.
    let bytes: Vec<u8> = messages.as_array().iter().copied().collect();
    let digests = py.detach(|| digest_rows(&bytes, count, length));
    let table = Array2::from_shape_vec((count, DIGEST), digests)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(table.into_pyarray(py))
}

fn digest_rows(bytes: &[u8], count: usize, length: usize) -> Vec<u8> {
    let digest = |row: usize| Sha256::digest(&bytes[row * length..(row + 1) * length]);
    (0..count).into_par_iter().flat_map_iter(|row| digest(row).to_vec()).collect()
}
