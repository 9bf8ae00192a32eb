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
use crate::threads;

/// Return the sum of `scalars[i] * points[i]`, length 1. Scalars are 32 bytes each, big-endian, below the order.
///
/// `ValueError` for unequal lengths or a scalar out of range. Not constant-time.
#[pyfunction]
pub fn msm(py: Python<'_>, scalars: &[u8], points: PyRef<'_, Points>) -> PyResult<Points> {
    let scalars = scalars::decode(py, scalars)?;
    let points = points.as_slice();
    check_lengths(points.len(), scalars.len())?;
    let sum = if points.len() <= FEW {
        py.detach(|| interleaved(&scalars, points))
    } else {
        threads::run(py, || buckets(&scalars, points))?
    };
    Ok(Points::new(vec![sum]))
}

/// Return `scalars[i] * points[i]`; see `msm`.
#[pyfunction]
pub fn scale(py: Python<'_>, scalars: &[u8], points: PyRef<'_, Points>) -> PyResult<Points> {
    let scalars = scalars::decode(py, scalars)?;
    let points = points.as_slice();
    check_lengths(points.len(), scalars.len())?;
    let products: Vec<Vec<G1Affine>> = threads::run(py, || {
        let block = points.len().div_ceil(rayon::current_num_threads()).clamp(1, SCALE_BLOCK);
        let parts = points.par_chunks(block).zip(scalars.par_chunks(block));
        parts.map(|(points, scalars)| products(points, scalars)).collect()
    })?;
    Ok(Points::new(products.concat()))
}

// --- Straus: few points, doublings shared, one thread

/// Points up to which this beats buckets, measured on one thread.
const FEW: usize = 128;

/// All windows are summed together, so that their additions share inversions; then one chain of doublings.
fn interleaved(scalars: &[Scalar], points: &[G1Affine]) -> G1Affine {
    let multiples = small_multiples(points);
    let most = scalars.iter().map(Scalar::bits).max().unwrap_or(0);
    let mut addends = Vec::with_capacity(windows(most, SCALE_WIDTH) * points.len());
    let mut lists = Vec::with_capacity(windows(most, SCALE_WIDTH));
    for window in 0..windows(most, SCALE_WIDTH) {
        let start = addends.len();
        addends.extend(scalars.iter().enumerate().filter_map(|(place, scalar)| {
            let (size, negative) = scalar.digit(window, SCALE_WIDTH);
            let multiple = multiples[size][place];
            (size != 0).then_some(if negative { -multiple } else { multiple })
        }));
        lists.push((start, addends.len() - start));
    }
    let mut total = G1::identity();
    for sum in fold_lists(addends, lists).into_iter().rev() {
        for _ in 0..SCALE_WIDTH {
            total = total.double();
        }
        total += sum;
    }
    total.to_affine()
}

// --- Pippenger: signed digits, affine buckets

/// Additions that a bucket costs once it is filled, about; to choose a window.
const BUCKET: usize = 2;
const SEGMENTS: usize = 128;

/// Scalars that are not 0 with their points, none of them infinity.
struct Terms {
    scalars: Vec<Scalar>,
    points: Vec<G1Affine>,
}

/// Index of a term; the top bit asks for the negative of its point.
type Signed = u32;
const NEGATIVE: Signed = 1 << 31;

fn buckets(scalars: &[Scalar], points: &[G1Affine]) -> G1Affine {
    let pairs =
        scalars.iter().zip(points).filter(|(scalar, point)| scalar.bits() != 0 && !is_infinity(point));
    let (scalars, points) = pairs.unzip();
    let terms = Terms { scalars, points };
    let mut lengths = [0_usize; 256];
    for scalar in &terms.scalars {
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
    digits + windows(most, width) * (BUCKET << (width - 1))
}

/// Return the sum of digit * point over one window.
fn window_sum(terms: &Terms, window: usize, width: usize) -> G1 {
    let size = 1 << (width - 1); // digits 1..=size
    let mut ends = vec![0_usize; size + 1];
    let digits: Vec<(usize, bool)> = terms.scalars.iter().map(|scalar| scalar.digit(window, width)).collect();
    for &(digit, _) in &digits {
        ends[digit] += 1;
    }
    ends[0] = 0;
    let mut sum = 0;
    for end in &mut ends {
        sum += *end;
        *end = sum - *end; // where the bucket starts
    }
    let mut sorted: Vec<Signed> = vec![0; sum]; // terms by bucket
    for (term, &(digit, negative)) in digits.iter().enumerate() {
        if digit != 0 {
            sorted[ends[digit]] = index(term) | if negative { NEGATIVE } else { 0 };
            ends[digit] += 1;
        }
    }
    weigh(&sum_lists(&terms.points, &sorted, &ends))
}

/// Return the sum of each list of points; list i is `sorted[ends[i]..ends[i + 1]]`.
fn sum_lists(points: &[G1Affine], sorted: &[Signed], ends: &[usize]) -> Vec<G1Affine> {
    let mut lists: Vec<(usize, usize)> = Vec::with_capacity(ends.len());
    let mut pairs = Vec::with_capacity(sorted.len() / 2);
    let mut out = Vec::with_capacity(sorted.len() / 2 + ends.len());
    for pair in ends.windows(2) {
        let (start, length) = (pair[0], pair[1] - pair[0]);
        lists.push((out.len(), length.div_ceil(2)));
        let neighbours = sorted[start..start + length].chunks_exact(2);
        let single = neighbours.remainder().first().map(|&last| signed(points, last));
        pairs.extend(neighbours.enumerate().map(|(i, two)| (two[0], two[1], index(out.len() + i))));
        out.resize(out.len() + length / 2, G1Affine::identity());
        out.extend(single);
    }
    affine::add_all(&mut Neighbours { points, pairs: &pairs, out: &mut out });
    fold_lists(out, lists)
}

/// The first round of all lists: neighbours are added straight from where the points are.
struct Neighbours<'a> {
    points: &'a [G1Affine],
    pairs: &'a [(Signed, Signed, u32)], // both addends, and where their sum goes
    out: &'a mut [G1Affine],
}

impl Sums for Neighbours<'_> {
    fn len(&self) -> usize {
        self.pairs.len()
    }
    #[inline]
    fn addends(&self, i: usize) -> (G1Affine, G1Affine) {
        let (left, right, _) = self.pairs[i];
        (signed(self.points, left), signed(self.points, right))
    }
    #[inline]
    fn put(&mut self, i: usize, sum: G1Affine) {
        self.out[self.pairs[i].2 as usize] = sum;
    }
    #[inline]
    fn prefetch(&self, i: usize) {
        let (left, right, _) = self.pairs[i];
        affine::prefetch(&self.points[(left & !NEGATIVE) as usize]);
        affine::prefetch(&self.points[(right & !NEGATIVE) as usize]);
    }
}

#[inline]
fn signed(points: &[G1Affine], term: Signed) -> G1Affine {
    let point = points[(term & !NEGATIVE) as usize];
    if term & NEGATIVE == 0 { point } else { -point }
}

/// Return an index in 32 bits. A list of 2^31 points would take 128 GiB.
#[inline]
#[allow(clippy::cast_possible_truncation)]
fn index(value: usize) -> u32 {
    value as u32
}

/// Return the sum of each list `points[start..start + length]`; all lists are halved together.
fn fold_lists(mut points: Vec<G1Affine>, mut lists: Vec<(usize, usize)>) -> Vec<G1Affine> {
    let mut steps = Vec::new();
    loop {
        steps.clear();
        for (start, length) in &mut lists {
            let half = *length / 2;
            let step = |i: usize| Within {
                left: index(*start + i),
                right: index(*start + *length - half + i),
                to: index(*start + i),
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

/// Return the sum of (i + 1) * points[i]; their number is a power of two.
///
/// Running sums from the top, in segments side by side, so that their steps share inversions.
fn weigh(points: &[G1Affine]) -> G1 {
    let segments = SEGMENTS.min(points.len());
    let size = points.len() / segments;
    // Of each segment: the sum of (i + 1) * points[i], then the sum of its points; the former lags a step behind.
    let mut sums = vec![G1Affine::identity(); 2 * segments];
    let mut addends = sums.clone();
    for i in (0..=size).rev() {
        addends[..segments].copy_from_slice(&sums[segments..]);
        for segment in 0..segments {
            addends[segments + segment] =
                if i == 0 { G1Affine::identity() } else { points[segment * size + i - 1] };
        }
        affine::add_onto(&mut sums, &addends);
    }
    let (mut running, mut offsets, mut total) = (G1::identity(), G1::identity(), G1::identity());
    for segment in (0..segments).rev() {
        offsets += running;
        running += sums[segments + segment];
        total += sums[segment];
    }
    for _ in 0..size.ilog2() {
        offsets = offsets.double();
    }
    total + offsets
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
