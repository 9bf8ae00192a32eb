//! The one encoding of scalars and points at the boundary, with every check.
//!
//! A scalar is 32 bytes, big-endian, below the order r. A point is 64 bytes, x then y, each big-endian and below the
//! modulus q, on y^2 = x^3 + 3; 64 zero bytes are infinity (x = y = 0 is not on the curve, so the meaning is unique).
//! G1 of BN254 has cofactor 1: on the curve is in the group.

use halo2curves::CurveAffine;
use halo2curves::bn256::{Fq, Fr, G1, G1Affine};
use halo2curves::ff::PrimeField;
use halo2curves::group::Curve;
use halo2curves::group::prime::PrimeCurveAffine;
use numpy::{PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rayon::prelude::*;

/// Bytes of a scalar or coordinate.
pub const FIELD: usize = 32;
/// Bytes of an uncompressed point.
pub const POINT: usize = 2 * FIELD;

/// Copy an array of byte strings, shape `[n, width]`, into n arrays; raise `ValueError` for another width.
///
/// Copied because the GIL is released afterwards: what was checked must be what is used.
pub fn rows<const WIDTH: usize>(name: &str, array: &PyReadonlyArray2<'_, u8>) -> PyResult<Vec<[u8; WIDTH]>> {
    let shape = array.shape();
    if shape[1] != WIDTH {
        let message = format!("{name}: expected shape [n, {WIDTH}], got [{}, {}]", shape[0], shape[1]);
        return Err(PyValueError::new_err(message));
    }
    let view = array.as_array();
    Ok(view.outer_iter().map(|row| std::array::from_fn(|i| row[i])).collect())
}

/// Decode scalars; `ValueError` names the first row that is not below the order.
pub fn scalars(encoded: &[[u8; FIELD]]) -> PyResult<Vec<Fr>> {
    let decoded: Vec<Option<Fr>> = encoded.par_iter().map(scalar).collect();
    all(decoded, "scalar", "is not below the order")
}

/// Decode points; `ValueError` names the first row that is no point's encoding.
pub fn points(encoded: &[[u8; POINT]]) -> PyResult<Vec<G1Affine>> {
    let decoded: Vec<Option<G1Affine>> = encoded.par_iter().map(point).collect();
    all(decoded, "point", "is not the encoding of a point on the curve")
}

/// Encode a point; infinity, which halo2curves holds as x = y = 0, becomes 64 zero bytes by itself.
pub fn encode(point: &G1) -> [u8; POINT] {
    let affine = point.to_affine();
    let mut out = [0; POINT];
    out[..FIELD].copy_from_slice(&big_endian(affine.x.to_repr()));
    out[FIELD..].copy_from_slice(&big_endian(affine.y.to_repr()));
    out
}

fn scalar(encoded: &[u8; FIELD]) -> Option<Fr> {
    Fr::from_repr(little_endian(encoded).into()).into()
}

fn point(encoded: &[u8; POINT]) -> Option<G1Affine> {
    if encoded == &[0; POINT] {
        return Some(G1Affine::identity());
    }
    let x: Fq = coordinate(&encoded[..FIELD])?;
    let y: Fq = coordinate(&encoded[FIELD..])?;
    G1Affine::from_xy(x, y).into()
}

fn coordinate(encoded: &[u8]) -> Option<Fq> {
    let bytes: [u8; FIELD] = encoded.try_into().ok()?;
    Fq::from_repr(little_endian(&bytes).into()).into()
}

fn little_endian(encoded: &[u8; FIELD]) -> [u8; FIELD] {
    let mut bytes = *encoded;
    bytes.reverse();
    bytes
}

fn big_endian(representation: impl AsRef<[u8]>) -> [u8; FIELD] {
    let mut bytes = [0; FIELD];
    bytes.copy_from_slice(representation.as_ref());
    bytes.reverse();
    bytes
}

fn all<T>(decoded: Vec<Option<T>>, what: &str, fault: &str) -> PyResult<Vec<T>> {
    let mut values = Vec::with_capacity(decoded.len());
    for (row, value) in decoded.into_iter().enumerate() {
        values.push(value.ok_or_else(|| PyValueError::new_err(format!("{what} {row} {fault}")))?);
    }
    Ok(values)
}
