//! Exactly one byte string per point, with every check.
//!
//! 64 bytes: x then y, each big-endian and below the modulus q, on y^2 = x^3 + 3; 64 zero bytes are infinity (x = y = 0 is
//! not on the curve, so the meaning is unique). 32 bytes: x with two flags on top, 10 for the smaller y, 11 for the
//! larger, 01 and nothing else for infinity. G1 of BN254 has cofactor 1: on the curve is in the group.

use halo2curves::CurveAffine;
use halo2curves::bn256::{Fq, G1Affine};
use halo2curves::ff::{Field, PrimeField};
use halo2curves::group::prime::PrimeCurveAffine;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::affine::is_infinity;
use crate::points::Points;
use crate::scalars::{FIELD, chunks};
use crate::threads;

/// Bytes of an uncompressed point.
pub const POINT: usize = 2 * FIELD;

/// Points that are not worth a second thread: to decompress one takes about 10 us.
const FEW: usize = 8;

const FLAGS: u8 = 0b1100_0000;
const INFINITY: u8 = 0b0100_0000;
const SMALLER: u8 = 0b1000_0000;
const LARGER: u8 = 0b1100_0000;

pyo3::create_exception!(
    _kernels,
    EncodingError,
    PyValueError,
    "Bytes that are not the one encoding of any value; args are a code and a message."
);

/// Why bytes are refused: a stable code and a sentence, those of `zkmargin.group.codec`.
type Fault = (&'static str, &'static str);

const RANGE: Fault = ("range", "a coordinate is not below the field modulus");
const OFF_CURVE: Fault = ("curve", "the coordinates are not those of a point of the curve");
const NO_POINT: Fault = ("curve", "no point of the curve has this coordinate");
const WRONG_FLAG: Fault = ("flag", "the flags of a compressed point are wrong");
const NOT_ALLOWED: Fault = ("infinity", "the point at infinity is not allowed here");

/// Return 64 bytes a point.
#[pyfunction]
pub fn encode<'py>(py: Python<'py>, points: PyRef<'py, Points>) -> PyResult<Bound<'py, PyBytes>> {
    encode_all::<POINT>(py, points.as_slice(), encode_point)
}

/// Invert `encode`; `EncodingError` for every other byte string, and for infinity unless it is allowed.
#[pyfunction]
pub fn decode(py: Python<'_>, data: &[u8], infinity: bool) -> PyResult<Points> {
    decode_all::<POINT>(py, data, infinity, decode_point)
}

/// Return 32 bytes a point.
#[pyfunction]
pub fn compress<'py>(py: Python<'py>, points: PyRef<'py, Points>) -> PyResult<Bound<'py, PyBytes>> {
    encode_all::<FIELD>(py, points.as_slice(), compress_point)
}

/// Invert `compress`; `EncodingError` for every other byte string, and for infinity unless it is allowed.
#[pyfunction]
pub fn decompress(py: Python<'_>, data: &[u8], infinity: bool) -> PyResult<Points> {
    decode_all::<FIELD>(py, data, infinity, decompress_point)
}

fn encode_all<'py, const SIZE: usize>(
    py: Python<'py>,
    points: &[G1Affine],
    encode: fn(&G1Affine) -> [u8; SIZE],
) -> PyResult<Bound<'py, PyBytes>> {
    let parts: Vec<[u8; SIZE]> = threads::map(py, points, FEW, encode)?;
    Ok(PyBytes::new(py, parts.as_flattened()))
}

fn decode_all<const SIZE: usize>(
    py: Python<'_>,
    data: &[u8],
    infinity: bool,
    decode: fn(&[u8; SIZE]) -> Result<G1Affine, Fault>,
) -> PyResult<Points> {
    let wrong_length = || EncodingError::new_err(("length", format!("points take {SIZE} bytes each")));
    let parts = chunks::<SIZE>(data).ok_or_else(wrong_length)?;
    let decoded: Vec<Result<G1Affine, Fault>> = threads::map(py, &parts, FEW, |part| decode(part))?;
    // In order, so that the first fault of the bytes is the one that is reported.
    let points: Vec<G1Affine> =
        decoded.into_iter().collect::<Result<_, Fault>>().map_err(EncodingError::new_err)?;
    if !infinity && points.iter().any(is_infinity) {
        return Err(EncodingError::new_err(NOT_ALLOWED));
    }
    Ok(Points::new(points))
}

fn encode_point(point: &G1Affine) -> [u8; POINT] {
    let mut out = [0; POINT]; // infinity, held as x = y = 0, becomes 64 zero bytes by itself
    out[..FIELD].copy_from_slice(&big_endian(point.x));
    out[FIELD..].copy_from_slice(&big_endian(point.y));
    out
}

fn decode_point(encoded: &[u8; POINT]) -> Result<G1Affine, Fault> {
    if encoded == &[0; POINT] {
        return Ok(G1Affine::identity());
    }
    let half = |start: usize| coordinate(std::array::from_fn(|i| encoded[start + i])).ok_or(RANGE);
    let (x, y) = (half(0)?, half(FIELD)?);
    Option::from(G1Affine::from_xy(x, y)).ok_or(OFF_CURVE)
}

fn compress_point(point: &G1Affine) -> [u8; FIELD] {
    let mut out = big_endian(point.x);
    out[0] |= match (is_infinity(point), is_larger(point.y)) {
        (true, _) => INFINITY,
        (false, true) => LARGER,
        (false, false) => SMALLER,
    };
    out
}

fn decompress_point(encoded: &[u8; FIELD]) -> Result<G1Affine, Fault> {
    let flags = encoded[0] & FLAGS;
    let mut bytes = *encoded;
    bytes[0] &= !FLAGS;
    if flags == INFINITY && bytes == [0; FIELD] {
        return Ok(G1Affine::identity());
    }
    if flags != SMALLER && flags != LARGER {
        return Err(WRONG_FLAG);
    }
    let x = coordinate(bytes).ok_or(RANGE)?;
    let root: Option<Fq> = (x.square() * x + G1Affine::b()).sqrt().into();
    let y = root.ok_or(NO_POINT)?;
    Ok(G1Affine { x, y: if is_larger(y) == (flags == LARGER) { y } else { -y } })
}

/// Return whether y is larger than q - y.
fn is_larger(y: Fq) -> bool {
    y.lexicographically_largest().into()
}

fn coordinate(mut encoded: [u8; FIELD]) -> Option<Fq> {
    encoded.reverse();
    Fq::from_repr(encoded.into()).into()
}

fn big_endian(value: Fq) -> [u8; FIELD] {
    let mut bytes = value.to_bytes();
    bytes.reverse();
    bytes
}
