//! Sums of table entries into one accumulator a row: what commitments of rows are made of.

use halo2curves::bn256::G1Affine;
use halo2curves::group::prime::PrimeCurveAffine;

use crate::affine::{self, BATCH, Sums};

/// Rows below this share their additions out over several accumulators each, so that batches fill up.
const FULL_ROWS: usize = 32 * BATCH;
const MAX_LANES: usize = 64;

/// One addition: `accumulators[to] += table[entry]`, or its negative.
#[derive(Clone, Copy)]
struct Step {
    to: u32,
    entry: u32, // the top bit is the sign
}

const NEGATIVE: u32 = 1 << 31;

/// Accumulators of a block of rows, with the queue of additions that go into the next batch.
///
/// A queue never holds an accumulator twice; an addition that would is run in the next batch. With few rows each has
/// several accumulators ("lanes"), or every batch would be a handful of additions and an inversion.
pub struct Accumulators {
    rows: usize,
    lanes: usize,
    points: Vec<G1Affine>,
    queued_in: Vec<u32>, // number of the batch that last held this accumulator
    batch: u32,
    queue: Vec<Step>,
}

impl Accumulators {
    /// Start every row at infinity.
    pub fn new(rows: usize) -> Self {
        Self::from_points(vec![G1Affine::identity(); rows])
    }

    /// Start the rows at these points.
    pub fn from_points(mut points: Vec<G1Affine>) -> Self {
        let rows = points.len();
        let lanes = (FULL_ROWS / rows.max(1)).clamp(1, MAX_LANES);
        points.resize(rows * lanes, G1Affine::identity());
        let queued_in = vec![0; points.len()];
        Self { rows, lanes, points, queued_in, batch: 1, queue: Vec::with_capacity(BATCH) }
    }

    /// Add `table[entry]`, or its negative, to a row. `lane` is any number that varies with the table's part.
    ///
    /// The additions of one table must be followed by `flush` before those of another.
    #[inline]
    pub fn add(&mut self, table: &[G1Affine], lane: usize, row: usize, entry: usize, negative: bool) {
        let to = (lane % self.lanes) * self.rows + row;
        if self.queued_in[to] == self.batch || self.queue.len() == BATCH {
            self.flush(table);
        }
        self.queued_in[to] = self.batch;
        let sign = if negative { NEGATIVE } else { 0 };
        #[allow(clippy::cast_possible_truncation)] // checked where tables and accumulators are made
        self.queue.push(Step { to: to as u32, entry: entry as u32 | sign });
    }

    /// Run what is queued.
    pub fn flush(&mut self, table: &[G1Affine]) {
        affine::add_all(&mut Batch { points: &mut self.points, table, steps: &self.queue });
        self.queue.clear();
        self.batch = self.batch.checked_add(1).unwrap_or_else(|| {
            self.queued_in.fill(0);
            1
        });
    }

    /// Return the sum of each row; everything must have been flushed.
    pub fn finish(mut self) -> Vec<G1Affine> {
        let mut lanes = self.lanes;
        while lanes > 1 {
            let half = lanes.div_ceil(2);
            let (low, high) = self.points.split_at_mut(half * self.rows);
            let extra = (lanes - half) * self.rows;
            affine::add_onto(&mut low[..extra], &high[..extra]);
            lanes = half;
        }
        self.points.truncate(self.rows);
        self.points
    }
}

struct Batch<'a> {
    points: &'a mut [G1Affine],
    table: &'a [G1Affine],
    steps: &'a [Step],
}

impl Sums for Batch<'_> {
    fn len(&self) -> usize {
        self.steps.len()
    }
    #[inline]
    fn addends(&self, i: usize) -> (G1Affine, G1Affine) {
        let step = self.steps[i];
        let entry = self.table[(step.entry & !NEGATIVE) as usize];
        let signed = if step.entry & NEGATIVE == 0 { entry } else { -entry };
        (self.points[step.to as usize], signed)
    }
    #[inline]
    fn prefetch(&self, i: usize) {
        let step = self.steps[i];
        affine::prefetch(&self.table[(step.entry & !NEGATIVE) as usize]);
        affine::prefetch(&self.points[step.to as usize]);
    }
    #[inline]
    fn put(&mut self, i: usize, sum: G1Affine) {
        self.points[self.steps[i].to as usize] = sum;
    }
}
