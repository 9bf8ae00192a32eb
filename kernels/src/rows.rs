//! Sums of generators over the set bits of sparse rows: the bulk of committing a book.
//!
//! Word columns are worked one at a time, so that their tables stay in cache and rows are met in order. Each thread takes
//! whole columns into accumulators of its own; one addition a row merges them.

use std::sync::atomic::{AtomicUsize, Ordering};

use halo2curves::bn256::G1Affine;
use halo2curves::group::prime::PrimeCurveAffine;
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::accumulate::Accumulators;
use crate::affine::{self, BATCH};
use crate::columns::{self, Column, ColumnArrays};
use crate::points::Points;
use crate::threads;
use crate::windows::{self, Tables, WORD, Window};

/// Entries of the tables that are built together; 1 MiB. A larger table stands alone.
const GROUP: usize = 1 << 14;
/// Bytes that all threads' accumulators may take together.
const MEMORY: usize = 1 << 31;

/// Return for each of `rows` rows the sum of `generators[t]` over its set bits t.
///
/// columns: see `columns`. A generator of a bit that is set nowhere may be infinity. `ValueError` for unequal lengths, rows
/// out of order or range, a bit at or beyond `len(generators)`.
#[pyfunction]
pub fn sum_bits(
    py: Python<'_>,
    columns: Vec<ColumnArrays<'_>>,
    rows: usize,
    generators: PyRef<'_, Points>,
) -> PyResult<Points> {
    let generators = generators.as_slice();
    let columns = columns::parse(&columns, rows, generators.len())?;
    Ok(Points::new(threads::run(py, || sum_columns(columns, rows, generators))?))
}

fn sum_columns(mut columns: Vec<Column<'_>>, rows: usize, generators: &[G1Affine]) -> Vec<G1Affine> {
    columns.sort_by_key(|column| std::cmp::Reverse(column.len())); // long ones first: threads end together
    let room = MEMORY / size_of::<G1Affine>() / rows.max(1);
    let threads = rayon::current_num_threads().min(columns.len()).min(room).max(1);
    let next = AtomicUsize::new(0);
    let work = |_| {
        let mut sums = Accumulators::new(rows);
        let mut group = Group::default();
        while let Some(column) = columns.get(next.fetch_add(1, Ordering::Relaxed)) {
            group.push(column);
            if group.entries >= GROUP {
                group.run(&mut sums, generators);
            }
        }
        group.run(&mut sums, generators);
        sums.finish()
    };
    let parts: Vec<Vec<G1Affine>> = (0..threads).into_par_iter().with_max_len(1).map(work).collect();
    merge(parts, rows)
}

/// Columns whose tables are built together.
#[derive(Default)]
struct Group<'a> {
    windows: Vec<(&'a Column<'a>, Window)>,
    entries: usize,
}

impl<'a> Group<'a> {
    fn push(&mut self, column: &'a Column<'a>) {
        for window in windows::cut(column.words) {
            self.entries += 1 << window.width;
            self.windows.push((column, window));
        }
    }

    /// Add all windows to the rows and start anew.
    fn run(&mut self, sums: &mut Accumulators, generators: &[G1Affine]) {
        let padding = vec![G1Affine::identity(); WORD]; // for the bits of the last word that the circuit lacks
        let bases: Vec<Vec<G1Affine>> = self
            .windows
            .iter()
            .map(|(column, window)| {
                let first = (column.first_bit + window.first).min(generators.len());
                let present = &generators[first..generators.len().min(first + window.width)];
                [present, &padding[present.len()..window.width]].concat()
            })
            .collect();
        let tables = Tables::build(&bases.iter().map(Vec::as_slice).collect::<Vec<_>>());
        for (number, (column, window)) in self.windows.iter().enumerate() {
            let start = tables.start(number);
            for (row, word) in column.entries() {
                let digit = window.digit(word);
                if digit != 0 {
                    sums.add(tables.points(), number, row, start + digit, false);
                }
            }
        }
        sums.flush(tables.points());
        self.windows.clear();
        self.entries = 0;
    }
}

/// Return the sums over all parts, row by row.
fn merge(parts: Vec<Vec<G1Affine>>, rows: usize) -> Vec<G1Affine> {
    let mut parts = parts.into_iter();
    let mut sums = parts.next().unwrap_or_else(|| vec![G1Affine::identity(); rows]);
    for part in parts {
        let blocks = sums.par_chunks_mut(BATCH).zip(part.par_chunks(BATCH));
        blocks.for_each(|(sums, part)| affine::add_onto(sums, part));
    }
    sums
}
