//! Sparse rows in blocks: the unit of parallel work, small enough that a block's column stays in cache.
//!
//! A block holds lists of places (rows within the block, rising), one list a column, one after the other.

use std::cmp::Ordering;

use halo2curves::bn256::Fr;
use rayon::prelude::*;

use crate::columns::Column;

/// Most rows of a block; a place has 16 bits.
const MOST: usize = 1 << 12;
/// Fewest: below, lists of most columns would be empty.
const LEAST: usize = 1 << 6;
/// Blocks a thread, so that threads end together.
const SHARES: usize = 8;

/// The touched words of consecutive rows.
pub struct WordBlock {
    /// Number of its first row.
    pub first_row: usize,
    /// Number of its rows.
    pub rows: usize,
    /// Where the list of each column starts, and the end.
    pub starts: Vec<u32>,
    /// Row of each entry, within the block.
    pub places: Vec<u16>,
    /// Word of each entry.
    pub words: Vec<u16>,
}

impl WordBlock {
    /// Cut all rows into blocks; of `count` columns those that are empty are not given.
    pub fn cut(columns: &[Column<'_>], count: usize, rows: usize) -> Vec<Self> {
        let size = rows.div_ceil(SHARES * rayon::current_num_threads()).clamp(LEAST, MOST);
        let starts: Vec<usize> = (0..rows).step_by(size).collect();
        let block = |start: usize| Self::new(columns, count, start, size.min(rows - start));
        starts.into_par_iter().map(block).collect()
    }

    fn new(columns: &[Column<'_>], count: usize, first_row: usize, rows: usize) -> Self {
        let mut starts = Vec::with_capacity(count + 1);
        let (mut places, mut words) = (vec![], vec![]);
        for column in columns {
            let (number, at, values) = column.part(first_row, rows);
            starts.resize(usize::from(number) + 1, offset(words.len()));
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // below MOST
            places.extend(at.iter().map(|&row| (row as usize - first_row) as u16));
            words.extend(values);
        }
        starts.resize(count + 1, offset(words.len()));
        Self { first_row, rows, starts, places, words }
    }

    /// Return places and words of a column; none beyond the last one.
    pub fn column(&self, number: usize) -> (&[u16], &[u16]) {
        let range = range(&self.starts, number);
        (&self.places[range.clone()], &self.words[range])
    }
}

/// Values of groups of columns for the same rows, as far as they are bound.
pub struct GroupBlock {
    /// As in `WordBlock`.
    pub first_row: usize,
    /// As in `WordBlock`.
    pub rows: usize,
    starts: Vec<u32>,
    places: Vec<u16>,
    values: Vec<Fr>,
}

impl GroupBlock {
    /// Start without a group; room for as many entries.
    pub fn new(first_row: usize, rows: usize, room: usize) -> Self {
        let (places, values) = (Vec::with_capacity(room), Vec::with_capacity(room));
        Self { first_row, rows, starts: vec![0], places, values }
    }

    /// Append an entry to the group that is being built.
    #[inline]
    pub fn push(&mut self, place: u16, value: Fr) {
        self.places.push(place);
        self.values.push(value);
    }

    /// End the group that is being built.
    pub fn end_group(&mut self) {
        self.starts.push(offset(self.values.len()));
    }

    /// Return places and values of a group; none beyond the last one.
    pub fn group(&self, number: usize) -> (&[u16], &[Fr]) {
        let range = range(&self.starts, number);
        (&self.places[range.clone()], &self.values[range])
    }

    /// Bind the lowest variable of the groups' numbers: neighbours become one, in place.
    pub fn bind(&mut self, r: Fr) {
        let low = Fr::one() - r;
        let (mut left_places, mut left_values) = (vec![], vec![]); // what is overwritten
        let mut end = 0;
        for group in 0..(self.starts.len() - 1).div_ceil(2) {
            let (left, right) = (range(&self.starts, 2 * group), range(&self.starts, 2 * group + 1));
            left_places.clear();
            left_places.extend_from_slice(&self.places[left.clone()]);
            left_values.clear();
            left_values.extend_from_slice(&self.values[left]);
            self.starts[group] = offset(end);
            let (mut i, mut j) = (0, right.start);
            while i < left_places.len() || j < right.end {
                let a = left_places.get(i).copied().unwrap_or(u16::MAX);
                let b = if j < right.end { self.places[j] } else { u16::MAX };
                let value = match a.cmp(&b) {
                    Ordering::Less => low * left_values[i],
                    Ordering::Greater => r * self.values[j],
                    Ordering::Equal => left_values[i] + r * (self.values[j] - left_values[i]),
                };
                i += usize::from(a <= b);
                j += usize::from(b <= a);
                self.places[end] = a.min(b);
                self.values[end] = value;
                end += 1;
            }
        }
        let groups = (self.starts.len() - 1).div_ceil(2);
        self.starts.truncate(groups);
        self.starts.push(offset(end));
        self.places.truncate(end);
        self.values.truncate(end);
    }
}

/// Call with the index of every place in both lists where they agree.
#[inline]
pub fn meet(left: &[u16], right: &[u16], mut visit: impl FnMut(usize, usize)) {
    let (mut i, mut j) = (0, 0);
    while i < left.len() && j < right.len() {
        let (a, b) = (left[i], right[j]);
        if a == b {
            visit(i, j);
        }
        i += usize::from(a <= b);
        j += usize::from(b <= a);
    }
}

/// Call with every place in one list or the other, and its index where it is.
#[inline]
pub fn join(left: &[u16], right: &[u16], mut visit: impl FnMut(u16, Option<usize>, Option<usize>)) {
    let (mut i, mut j) = (0, 0);
    while i < left.len() && j < right.len() {
        let (a, b) = (left[i], right[j]);
        visit(a.min(b), (a <= b).then_some(i), (b <= a).then_some(j));
        i += usize::from(a <= b);
        j += usize::from(b <= a);
    }
    (i..left.len()).for_each(|i| visit(left[i], Some(i), None));
    (j..right.len()).for_each(|j| visit(right[j], None, Some(j)));
}

fn range(starts: &[u32], number: usize) -> std::ops::Range<usize> {
    match starts.get(number..number + 2) {
        Some(ends) => ends[0] as usize..ends[1] as usize,
        None => 0..0,
    }
}

/// Where a list starts: a block has at most MOST entries in each of 2^16 columns.
fn offset(entries: usize) -> u32 {
    u32::try_from(entries).unwrap_or(u32::MAX)
}
