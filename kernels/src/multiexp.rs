//! Multi-scalar multiplication by buckets, and products one by one.

use halo2curves::bn256::{G1, G1Affine};
use halo2curves::group::prime::PrimeCurveAffine;
use halo2curves::group::{Curve, Group};
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::affine::{self, Sums, Within, is_infinity};
use crate::points::Points;
use crate::scalars::{self, Scalar, windows};
use crate::sums::check_lengths;

/// Return the sum of `scalars[i] * points[i]`, length 1. Scalars are 32 bytes each, big-endian, below the order.
///
/// `ValueError` for unequal lengths or a scalar out of range. Not constant-time.
#[pyfunction]
pub fn msm(py: Python<'_>, scalars: &[u8], points: PyRef<'_, Points>) -> PyResult<Points> {
    let scalars = scalars::decode(py, scalars)?;
    let points = points.as_slice();
    check_lengths(points.len(), scalars.len())?;
    Ok(Points::new(vec![py.detach(|| buckets(&scalars, points))]))
}

/// Return `scalars[i] * points[i]`; see `msm`.
#[pyfunction]
pub fn scale(py: Python<'_>, scalars: &[u8], points: PyRef<'_, Points>) -> PyResult<Points> {
    let scalars = scalars::decode(py, scalars)?;
    let points = points.as_slice();
    check_lengths(points.len(), scalars.len())?;
    let products: Vec<Vec<G1Affine>> = py.detach(|| {
        let block = points.len().div_ceil(rayon::current_num_threads()).clamp(1, SCALE_BLOCK);
        let parts = points.par_chunks(block).zip(scalars.par_chunks(block));
        parts.map(|(points, scalars)| products(points, scalars)).collect()
    });
    Ok(Points::new(products.concat()))
}

// --- Pippenger: signed digits, affine buckets

/// Multiplications of one product in `Projective` form, in affine additions; to choose a window.
const LAST_STEPS: usize = 3;

fn buckets(scalars: &[Scalar], points: &[G1Affine]) -> G1Affine {
    let terms: Vec<(Scalar, G1Affine)> = scalars
        .iter()
        .zip(points)
        .filter(|(scalar, point)| scalar.bits() != 0 && !is_infinity(point))
        .map(|(&scalar, &point)| (scalar, point))
        .collect();
    let mut lengths = [0_usize; 256];
    for (scalar, _) in &terms {
        lengths[scalar.bits()] += 1;
    }
    let Some(most) = lengths.iter().rposition(|&count| count != 0) else {
        return G1Affine::identity();
    };
    let width = (2..=16).min_by_key(|&width| cost(&lengths, most, width)).unwrap_or(2);
    let count = windows(most, width);
    let sums: Vec<G1> = (0..count).into_par_iter().map(|window| window_sum(&terms, window, width)).collect();
    let mut total = G1::identity();
    for sum in sums.into_iter().rev() {
        for _ in 0..width {
            total = total.double();
        }
        total += sum;
    }
    total.to_affine()
}

/// Return the estimated number of additions with windows of this width; `lengths[b]` scalars have b bits.
fn cost(lengths: &[usize], most: usize, width: usize) -> usize {
    let digits: usize = lengths.iter().enumerate().map(|(bits, count)| count * windows(bits, width)).sum();
    digits + windows(most, width) * (LAST_STEPS << (width - 1))
}

/// Return the sum of digit * point over one window.
fn window_sum(terms: &[(Scalar, G1Affine)], window: usize, width: usize) -> G1 {
    let size = 1 << (width - 1); // digits 1..=size
    let mut ends = vec![0_usize; size + 1];
    let digits: Vec<(usize, bool)> = terms.iter().map(|(scalar, _)| scalar.digit(window, width)).collect();
    for &(digit, _) in &digits {
        ends[digit] += 1;
    }
    ends[0] = 0;
    let mut sum = 0;
    for end in &mut ends {
        sum += *end;
        *end = sum - *end; // where the bucket starts
    }
    let mut sorted = vec![G1Affine::identity(); sum];
    for (&(digit, negative), (_, point)) in digits.iter().zip(terms) {
        if digit != 0 {
            sorted[ends[digit]] = if negative { -*point } else { *point };
            ends[digit] += 1;
        }
    }
    let filled = fold_lists(sorted, &ends);
    weigh(&filled)
}

/// Return the sum of each list; list i is `points[ends[i - 1]..ends[i]]`, the first one is dropped.
fn fold_lists(mut points: Vec<G1Affine>, ends: &[usize]) -> Vec<G1Affine> {
    let mut lists: Vec<(usize, usize)> = ends.windows(2).map(|pair| (pair[0], pair[1] - pair[0])).collect();
    let mut steps = Vec::new();
    loop {
        steps.clear();
        for (start, length) in &mut lists {
            let half = *length / 2;
            #[allow(clippy::cast_possible_truncation)] // fewer than 2^32 points
            let step = |i: usize| Within {
                left: (*start + i) as u32,
                right: (*start + *length - half + i) as u32,
                to: (*start + i) as u32,
            };
            steps.extend((0..half).map(step));
            *length -= half;
        }
        if steps.is_empty() {
            break;
        }
        affine::add_within(&mut points, &steps);
    }
    lists
        .iter()
        .map(|&(start, length)| if length == 0 { G1Affine::identity() } else { points[start] })
        .collect()
}

/// Return the sum of (i + 1) * points[i], by running sums from the top.
fn weigh(points: &[G1Affine]) -> G1 {
    let (mut running, mut total) = (G1::identity(), G1::identity());
    for point in points.iter().rev() {
        running += point;
        total += running;
    }
    total
}

// --- products: many points, the same steps for all of them

const SCALE_BLOCK: usize = 512;
const SCALE_WIDTH: usize = 5;

/// Return `scalars[i] * points[i]`: doublings and additions of the whole block share inversions.
fn products(points: &[G1Affine], scalars: &[Scalar]) -> Vec<G1Affine> {
    let multiples = small_multiples(points);
    let mut out = vec![G1Affine::identity(); points.len()];
    let most = scalars.iter().map(Scalar::bits).max().unwrap_or(0);
    for window in (0..windows(most, SCALE_WIDTH)).rev() {
        for _ in 0..SCALE_WIDTH {
            affine::add_all(&mut Doubles { points: &mut out });
        }
        affine::add_all(&mut Digits { points: &mut out, multiples: &multiples, scalars, window });
    }
    out
}

/// Return for each point its multiples 0 to 2^(width - 1).
fn small_multiples(points: &[G1Affine]) -> Vec<Vec<G1Affine>> {
    let mut rows = vec![vec![G1Affine::identity(); points.len()], points.to_vec()];
    while rows.len() <= 1 << (SCALE_WIDTH - 1) {
        let mut next = vec![G1Affine::identity(); points.len()];
        affine::add_each(&rows[rows.len() - 1], points, &mut next);
        rows.push(next);
    }
    rows
}

struct Doubles<'a> {
    points: &'a mut [G1Affine],
}

impl Sums for Doubles<'_> {
    fn len(&self) -> usize {
        self.points.len()
    }
    #[inline]
    fn addends(&self, i: usize) -> (G1Affine, G1Affine) {
        (self.points[i], self.points[i])
    }
    #[inline]
    fn put(&mut self, i: usize, sum: G1Affine) {
        self.points[i] = sum;
    }
}

struct Digits<'a> {
    points: &'a mut [G1Affine],
    multiples: &'a [Vec<G1Affine>],
    scalars: &'a [Scalar],
    window: usize,
}

impl Sums for Digits<'_> {
    fn len(&self) -> usize {
        self.points.len()
    }
    #[inline]
    fn addends(&self, i: usize) -> (G1Affine, G1Affine) {
        let (size, negative) = self.scalars[i].digit(self.window, SCALE_WIDTH);
        let multiple = self.multiples[size][i];
        (self.points[i], if negative { -multiple } else { multiple })
    }
    #[inline]
    fn put(&mut self, i: usize, sum: G1Affine) {
        self.points[i] = sum;
    }
}
