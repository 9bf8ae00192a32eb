//! Affine additions in batches that share one inversion (Montgomery's trick): six multiplications each.
//!
//! Complete: infinity, equal and opposite points are lawful anywhere in a batch. They take a path of their own and
//! contribute 1 to the shared product, so that they disturb no other addition.

use halo2curves::bn256::{Fq, G1Affine};
use halo2curves::ff::Field;
use halo2curves::group::prime::PrimeCurveAffine;

/// Additions that share an inversion, which is as dear as about a hundred multiplications.
pub const BATCH: usize = 1024;
/// How many additions ahead memory is asked for.
const AHEAD: usize = 16;

/// Ask for the memory of a point, which may straddle two cache lines.
///
/// Measured on tables and accumulators beyond the second-level cache: additions take 1.2 times as long as in cache with
/// this, 1.6 times without; a multi-scalar multiplication gains a third. There is no safe form of it in stable Rust.
#[inline]
#[allow(unsafe_code)]
pub fn prefetch(point: &G1Affine) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let start = std::ptr::from_ref(point).cast::<i8>();
        // SAFETY: a prefetch is a hint: it reads no value and never faults, whatever the address.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(start);
            _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(size_of::<G1Affine>() - 1));
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = point;
}

/// A list of additions. Within a batch no result may be an addend of another addition.
pub trait Sums {
    /// Number of additions.
    fn len(&self) -> usize;
    /// Return both addends of addition `i`.
    fn addends(&self, i: usize) -> (G1Affine, G1Affine);
    /// Store the result of addition `i`.
    fn put(&mut self, i: usize, sum: G1Affine);
    /// Ask for the memory of addition `i`; nothing to do where memory is read in order.
    #[inline]
    fn prefetch(&self, _i: usize) {}
}

/// Return whether a point is infinity, which halo2curves holds as x = y = 0. No point of odd order has y = 0.
#[inline]
pub fn is_infinity(point: &G1Affine) -> bool {
    is_zero(&point.y)
}

/// Run all additions, in batches in their order.
pub fn add_all(sums: &mut impl Sums) {
    let mut before = Vec::with_capacity(BATCH.min(sums.len()));
    let mut start = 0;
    while start < sums.len() {
        let end = sums.len().min(start + BATCH);
        add_batch(sums, start, end, &mut before);
        start = end;
    }
}

#[inline]
fn add_batch(sums: &mut impl Sums, start: usize, end: usize, before: &mut Vec<Fq>) {
    before.clear();
    let mut product = Fq::ONE;
    for i in start..end {
        if i + AHEAD < end {
            sums.prefetch(i + AHEAD);
        }
        let (left, right) = sums.addends(i);
        before.push(product);
        product *= denominator(&left, &right);
    }
    let mut inverse = product.invert().unwrap_or(Fq::ZERO); // a product of non-zero factors: always invertible
    for i in (start..end).rev() {
        let (left, right) = sums.addends(i);
        let own = inverse * before[i - start];
        inverse *= denominator(&left, &right);
        let sum = if is_special(&left, &right) {
            special_sum(&left, &right, own)
        } else {
            chord(&left, &right, own)
        };
        sums.put(i, sum);
    }
}

#[inline]
fn is_zero(value: &Fq) -> bool {
    value.0 == [0; 4]
}

#[inline]
fn is_special(left: &G1Affine, right: &G1Affine) -> bool {
    left.x == right.x || is_infinity(left) || is_infinity(right)
}

/// Return the denominator of the slope, 1 where there is none to invert; never 0.
#[inline]
fn denominator(left: &G1Affine, right: &G1Affine) -> Fq {
    if is_special(left, right) { special_denominator(left, right) } else { right.x - left.x }
}

#[inline]
fn chord(left: &G1Affine, right: &G1Affine, inverse: Fq) -> G1Affine {
    third(left, right, (right.y - left.y) * inverse)
}

/// Return the sum of two points on a line of this slope.
#[inline]
fn third(left: &G1Affine, right: &G1Affine, slope: Fq) -> G1Affine {
    let x = slope.square() - left.x - right.x;
    G1Affine { x, y: slope * (left.x - x) - left.y }
}

#[inline(never)]
fn special_denominator(left: &G1Affine, right: &G1Affine) -> Fq {
    if !is_infinity(left) && left == right { left.y.double() } else { Fq::ONE }
}

#[inline(never)]
fn special_sum(left: &G1Affine, right: &G1Affine, inverse: Fq) -> G1Affine {
    if is_infinity(left) {
        *right
    } else if is_infinity(right) {
        *left
    } else if left == right {
        let square = left.x.square();
        third(left, right, (square.double() + square) * inverse)
    } else {
        G1Affine::identity()
    }
}

/// One addition inside an array: `points[to] = points[left] + points[right]`.
#[derive(Clone, Copy)]
pub struct Within {
    /// Index of the first addend.
    pub left: u32,
    /// Index of the second addend.
    pub right: u32,
    /// Index of the result.
    pub to: u32,
}

struct WithinArray<'a> {
    points: &'a mut [G1Affine],
    steps: &'a [Within],
}

impl Sums for WithinArray<'_> {
    fn len(&self) -> usize {
        self.steps.len()
    }
    #[inline]
    fn addends(&self, i: usize) -> (G1Affine, G1Affine) {
        let step = self.steps[i];
        (self.points[step.left as usize], self.points[step.right as usize])
    }
    #[inline]
    fn put(&mut self, i: usize, sum: G1Affine) {
        self.points[self.steps[i].to as usize] = sum;
    }
}

/// Run additions inside an array. No `to` may be an addend of another step.
pub fn add_within(points: &mut [G1Affine], steps: &[Within]) {
    add_all(&mut WithinArray { points, steps });
}

struct Each<'a> {
    left: &'a [G1Affine],
    right: &'a [G1Affine],
    out: &'a mut [G1Affine],
}

impl Sums for Each<'_> {
    fn len(&self) -> usize {
        self.out.len()
    }
    #[inline]
    fn addends(&self, i: usize) -> (G1Affine, G1Affine) {
        (self.left[i], self.right[i])
    }
    #[inline]
    fn put(&mut self, i: usize, sum: G1Affine) {
        self.out[i] = sum;
    }
}

/// Write `left[i] + right[i]` to `out[i]`.
pub fn add_each(left: &[G1Affine], right: &[G1Affine], out: &mut [G1Affine]) {
    add_all(&mut Each { left, right, out });
}

struct Onto<'a> {
    points: &'a mut [G1Affine],
    addends: &'a [G1Affine],
}

impl Sums for Onto<'_> {
    fn len(&self) -> usize {
        self.points.len()
    }
    #[inline]
    fn addends(&self, i: usize) -> (G1Affine, G1Affine) {
        (self.points[i], self.addends[i])
    }
    #[inline]
    fn put(&mut self, i: usize, sum: G1Affine) {
        self.points[i] = sum;
    }
}

/// Add `addends[i]` to `points[i]` in place.
pub fn add_onto(points: &mut [G1Affine], addends: &[G1Affine]) {
    add_all(&mut Onto { points, addends });
}

struct Pairs<'a> {
    points: &'a [G1Affine],
    out: &'a mut [G1Affine],
}

impl Sums for Pairs<'_> {
    fn len(&self) -> usize {
        self.out.len()
    }
    #[inline]
    fn addends(&self, i: usize) -> (G1Affine, G1Affine) {
        (self.points[2 * i], self.points[2 * i + 1])
    }
    #[inline]
    fn put(&mut self, i: usize, sum: G1Affine) {
        self.out[i] = sum;
    }
}

/// Write `points[2 i] + points[2 i + 1]` to `out[i]`.
pub fn add_pairs(points: &[G1Affine], out: &mut [G1Affine]) {
    add_all(&mut Pairs { points, out });
}
