//! Scalars at the boundary, and their signed digits.

use halo2curves::bn256::Fr;
use halo2curves::ff::PrimeField;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use numpy::PyReadonlyArray1;

use crate::threads;

/// Scalars that are not worth a second thread.
const FEW: usize = 256;

/// Bytes of a scalar or coordinate.
pub const FIELD: usize = 32;

/// A scalar as sign and size, the size at most (r - 1) / 2: r - s is as cheap as s.
#[derive(Clone, Copy)]
pub struct Scalar {
    limbs: [u64; 4], // little-endian
    negative: bool,
}

impl Scalar {
    fn from_field(value: Fr) -> Self {
        let (size, negated) = (limbs(value), limbs(-value));
        let negative = negated.iter().rev().lt(size.iter().rev());
        Self { limbs: if negative { negated } else { size }, negative }
    }

    fn from_integer(value: i64) -> Self {
        Self { limbs: [value.unsigned_abs(), 0, 0, 0], negative: value < 0 }
    }

    /// Return the number of bits of its size.
    pub fn bits(&self) -> usize {
        let top = self.limbs.iter().rposition(|&limb| limb != 0);
        top.map_or(0, |i| 64 * (i + 1) - self.limbs[i].leading_zeros() as usize)
    }

    /// Return signed digit `window` of base 2^width, in [-2^(width-1), 2^(width-1)], as size and sign.
    ///
    /// Booth's recoding: each digit depends on `width` bits and the one below, on no carry. `width` is in 1..=24.
    #[inline]
    pub fn digit(&self, window: usize, width: usize) -> (usize, bool) {
        let raw =
            if window == 0 { self.window(0, width) << 1 } else { self.window(window * width - 1, width + 1) };
        let rounded = raw.div_ceil(2);
        if raw >> width == 0 { (rounded, self.negative) } else { ((1 << width) - rounded, !self.negative) }
    }

    /// Return `count` bits from bit `start` on; bits beyond 255 are 0.
    #[inline]
    fn window(&self, start: usize, count: usize) -> usize {
        let (limb, shift) = (start / 64, start % 64);
        if limb >= 4 {
            return 0;
        }
        let mut value = self.limbs[limb] >> shift;
        if shift + count > 64 && limb < 3 {
            value |= self.limbs[limb + 1] << (64 - shift);
        }
        #[allow(clippy::cast_possible_truncation)] // masked to at most 25 bits
        let masked = (value & ((1 << count) - 1)) as usize;
        masked
    }
}

/// Return the number of windows that hold every digit of a size of this many bits.
pub fn windows(bits: usize, width: usize) -> usize {
    (bits + 1).div_ceil(width)
}

/// Decode scalars, 32 bytes each, big-endian; `ValueError` unless all are below the order.
pub fn decode(py: Python<'_>, data: &[u8]) -> PyResult<Vec<Scalar>> {
    let elements = decode_elements(py, data)?;
    threads::map(py, &elements, FEW, |&element| Scalar::from_field(element))
}

/// Decode elements of the scalar field; see `decode`.
pub fn decode_elements(py: Python<'_>, data: &[u8]) -> PyResult<Vec<Fr>> {
    let parts = chunks::<FIELD>(data).ok_or_else(|| PyValueError::new_err("scalars take 32 bytes each"))?;
    let decoded = threads::map(py, &parts, FEW, |part| field_element(part))?;
    decoded
        .into_iter()
        .collect::<Option<_>>()
        .ok_or_else(|| PyValueError::new_err("scalar out of range: reduce it modulo the group order first"))
}

/// Decode scalars given as bytes or as an int64 array, which may be negative.
pub fn decode_any(given: &Bound<'_, PyAny>) -> PyResult<Vec<Scalar>> {
    if let Ok(data) = given.extract::<&[u8]>() {
        return decode(given.py(), data);
    }
    let array: PyReadonlyArray1<'_, i64> = given
        .extract()
        .map_err(|_| PyTypeError::new_err("scalars are bytes or a one-dimensional int64 array"))?;
    Ok(array.as_array().iter().map(|&value| Scalar::from_integer(value)).collect())
}

/// Cut bytes into parts of one size; `None` if something is left over.
pub fn chunks<const SIZE: usize>(mut data: &[u8]) -> Option<Vec<&[u8; SIZE]>> {
    let mut parts = Vec::with_capacity(data.len() / SIZE);
    while let Some((part, rest)) = data.split_first_chunk() {
        parts.push(part);
        data = rest;
    }
    data.is_empty().then_some(parts)
}

/// Return the 32 bytes of an element of the scalar field.
pub fn big_endian(value: Fr) -> [u8; FIELD] {
    let mut bytes: [u8; FIELD] = value.to_repr().into();
    bytes.reverse();
    bytes
}

fn field_element(encoded: &[u8; FIELD]) -> Option<Fr> {
    let mut bytes = *encoded;
    bytes.reverse();
    Fr::from_repr(bytes.into()).into()
}

fn limbs(value: Fr) -> [u64; 4] {
    let representation = value.to_repr();
    let bytes: &[u8] = representation.as_ref();
    std::array::from_fn(|i| (0..8).rev().fold(0, |limb, k| limb << 8 | u64::from(bytes[8 * i + k])))
}
