//! Lanes: the integers that sums are worked in, 64 or 128 bits wide. Python chooses; what does not fit wraps, as in `NumPy`.
//!
//! A number of 128 bits comes and goes as two int64, the low half first.

use std::ops::{BitAnd, BitXor, Shl, Shr};

/// A signed integer of fixed width.
pub trait Lane:
    Copy
    + Send
    + Sync
    + PartialEq
    + BitAnd<Output = Self>
    + BitXor<Output = Self>
    + Shl<u32, Output = Self>
    + Shr<u32, Output = Self>
{
    /// Number of bits.
    const BITS: u32;
    /// Number of int64 that hold it.
    const HALVES: usize;
    /// No bit set.
    const ZERO: Self;
    /// All bits set.
    const ONES: Self;

    /// Read all numbers.
    fn read(halves: &[i64]) -> Vec<Self>;
    /// Write all numbers.
    fn write(numbers: Vec<Self>) -> Vec<i64>;
    /// Return the sum.
    fn plus(self, other: Self) -> Self;
    /// Return the product.
    fn times(self, other: Self) -> Self;
    /// Return a small number as an index.
    fn index(self) -> usize;

    /// Return a number with the lowest `bits` bits set; fewer than `BITS`.
    fn low_bits(bits: u32) -> Self {
        (Self::ONES << bits) ^ Self::ONES
    }
}

impl Lane for i64 {
    const BITS: u32 = i64::BITS;
    const HALVES: usize = 1;
    const ZERO: Self = 0;
    const ONES: Self = -1;

    fn read(halves: &[i64]) -> Vec<Self> {
        halves.to_vec()
    }

    fn write(numbers: Vec<Self>) -> Vec<i64> {
        numbers
    }

    #[inline]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    #[inline]
    fn times(self, other: Self) -> Self {
        self.wrapping_mul(other)
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the lowest bits are asked for
    #[inline]
    fn index(self) -> usize {
        self as usize
    }
}

impl Lane for i128 {
    const BITS: u32 = i128::BITS;
    const HALVES: usize = 2;
    const ZERO: Self = 0;
    const ONES: Self = -1;

    fn read(halves: &[i64]) -> Vec<Self> {
        halves.chunks_exact(2).map(|pair| wide(pair[0], pair[1])).collect()
    }

    #[allow(clippy::cast_possible_truncation)] // the two halves
    fn write(numbers: Vec<Self>) -> Vec<i64> {
        numbers.into_iter().flat_map(|number| [number as i64, (number >> i64::BITS) as i64]).collect()
    }

    #[inline]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    #[inline]
    fn times(self, other: Self) -> Self {
        self.wrapping_mul(other)
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the lowest bits are asked for
    #[inline]
    fn index(self) -> usize {
        self as usize
    }
}

/// Return the number whose halves these are.
#[allow(clippy::cast_sign_loss)] // the low half has no sign
#[inline]
pub fn wide(low: i64, high: i64) -> i128 {
    (i128::from(high) << i64::BITS) | i128::from(low as u64)
}
