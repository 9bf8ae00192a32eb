//! SHA-256 and HMAC-SHA-256 of many messages.

use halo2curves::bn256::Fr;
use halo2curves::ff::FromUniformBytes;
use hmac::{Hmac, KeyInit, Mac};
use numpy::{IntoPyArray, PyArray2, PyReadonlyArray2, PyUntypedArrayMethods, ndarray::Array2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyList};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::scalars::{FIELD, big_endian};
use crate::threads;

const DIGEST: usize = 32;

/// Return the SHA-256 digests of `prefix` followed by each row: uint8 [n, length] -> uint8 [n, 32].
#[pyfunction]
pub fn sha256_rows<'py>(
    py: Python<'py>,
    prefix: &[u8],
    rows: PyReadonlyArray2<'py, u8>,
) -> PyResult<Bound<'py, PyArray2<u8>>> {
    let (count, length) = (rows.shape()[0], rows.shape()[1]);
    // Copied in row order: the array may be strided, and the GIL is released below.
    let bytes: Vec<u8> = match rows.as_slice() {
        Ok(bytes) if rows.is_c_contiguous() => bytes.to_vec(),
        _ => rows.as_array().iter().copied().collect(),
    };
    let digests: Vec<[u8; DIGEST]> = threads::run(py, || {
        let start = Sha256::new_with_prefix(prefix);
        let digest =
            |row: usize| start.clone().chain_update(&bytes[row * length..][..length]).finalize().into();
        (0..count).into_par_iter().map(digest).collect()
    })?;
    let table = Array2::from_shape_vec((count, DIGEST), digests.into_flattened())
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(table.into_pyarray(py))
}

/// Return the SHA-256 digest of each message, of any lengths.
#[pyfunction]
pub fn sha256_many(py: Python<'_>, messages: Vec<PyBackedBytes>) -> PyResult<Bound<'_, PyList>> {
    let digests: Vec<[u8; DIGEST]> =
        threads::run(py, || messages.par_iter().map(|message| Sha256::digest(message).into()).collect())?;
    list(py, &digests)
}

/// Return the HMAC-SHA-256 of `prefix` followed by each message.
#[pyfunction]
pub fn hmac_many<'py>(
    py: Python<'py>,
    key: &[u8],
    prefix: &[u8],
    messages: Vec<PyBackedBytes>,
) -> PyResult<Bound<'py, PyList>> {
    let start = keyed(key, prefix)?;
    let tags: Vec<[u8; DIGEST]> =
        threads::run(py, || messages.par_iter().map(|message| tag(&start, message, &[])).collect())?;
    list(py, &tags)
}

/// Return for each message m the scalar HMAC(prefix || m || 0) || HMAC(prefix || m || 1) mod the order.
///
/// The 64 bytes are read big-endian; the result has 32 bytes a scalar, big-endian.
#[pyfunction]
pub fn hmac_scalars<'py>(
    py: Python<'py>,
    key: &[u8],
    prefix: &[u8],
    messages: Vec<PyBackedBytes>,
) -> PyResult<Bound<'py, PyBytes>> {
    let start = keyed(key, prefix)?;
    let scalars: Vec<[u8; FIELD]> =
        threads::run(py, || messages.par_iter().map(|message| scalar(&start, message)).collect())?;
    Ok(PyBytes::new(py, scalars.as_flattened()))
}

fn scalar(start: &Hmac<Sha256>, message: &[u8]) -> [u8; FIELD] {
    let mut wide = [0; 2 * DIGEST];
    wide[..DIGEST].copy_from_slice(&tag(start, message, &[0]));
    wide[DIGEST..].copy_from_slice(&tag(start, message, &[1]));
    wide.reverse();
    big_endian(Fr::from_uniform_bytes(&wide))
}

fn keyed(key: &[u8], prefix: &[u8]) -> PyResult<Hmac<Sha256>> {
    let mac =
        Hmac::<Sha256>::new_from_slice(key).map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(mac.chain_update(prefix))
}

fn tag(start: &Hmac<Sha256>, message: &[u8], end: &[u8]) -> [u8; DIGEST] {
    start.clone().chain_update(message).chain_update(end).finalize().into_bytes().into()
}

fn list<'py>(py: Python<'py>, parts: &[[u8; DIGEST]]) -> PyResult<Bound<'py, PyList>> {
    PyList::new(py, parts.iter().map(|part| PyBytes::new(py, part)))
}
