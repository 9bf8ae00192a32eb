//! How a word column is cut into windows, and the tables of subset sums of the windows' generators.
//!
//! A window of t bits costs a table of 2^t - t - 1 additions and one addition for each row in which it is not zero. Columns
//! of a circuit straddle words, and small numbers leave upper bits empty, so the best cut depends on the data: it is chosen
//! by dynamic programming over the 16 bits, with counts from a sample of the words.

use halo2curves::bn256::G1Affine;
use halo2curves::group::prime::PrimeCurveAffine;

use crate::affine::{self, Within};

/// Bits of a word.
pub const WORD: usize = 16;
const SAMPLE: usize = 256;

/// Consecutive bits of a word: `first..first + width`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Lowest bit.
    pub first: usize,
    /// Number of bits, 1 to 16.
    pub width: usize,
}

impl Window {
    /// Return the window's bits of a word.
    #[inline]
    pub fn digit(self, word: u16) -> usize {
        (usize::from(word) >> self.first) & ((1 << self.width) - 1)
    }
}

/// Return the cut of least estimated cost for these words.
pub fn cut(words: &[u16]) -> Vec<Window> {
    let hits = hits(words);
    let mut best = [0_usize; WORD + 1]; // least cost of the bits below
    let mut choice = [0_usize; WORD + 1]; // width of the last window there
    for end in 1..=WORD {
        let options = (1..=end).map(|width| {
            let (first, table) = (end - width, (1 << width) - width - 1);
            (best[first] + hits[first][end] + table, width)
        });
        (best[end], choice[end]) = options.min().unwrap_or_default();
    }
    let mut windows = Vec::new();
    let mut end = WORD;
    while end > 0 {
        let width = choice[end];
        end -= width;
        windows.push(Window { first: end, width });
    }
    windows.reverse();
    windows
}

/// Return `hits[first][end]`: in how many of the words, estimated, some bit of `first..end` is set.
fn hits(words: &[u16]) -> [[usize; WORD + 1]; WORD] {
    let sample = words.iter().step_by(words.len().div_ceil(SAMPLE).max(1));
    let size = sample.len().max(1);
    let mut hits = [[0; WORD + 1]; WORD];
    for &word in sample {
        for (first, ends) in hits.iter_mut().enumerate() {
            let lowest = first + (word >> first).trailing_zeros() as usize; // beyond the word if none is set
            if lowest < WORD {
                ends[lowest + 1] += 1;
            }
        }
    }
    for ends in &mut hits {
        let mut sum = 0;
        for count in ends {
            sum += *count;
            *count = sum * words.len() / size;
        }
    }
    hits
}

/// Tables of several windows, one after the other in one array, built together so that their batches fill up.
pub struct Tables {
    points: Vec<G1Affine>,
    starts: Vec<usize>,
}

impl Tables {
    /// Build the table of each list of generators: entry d is the sum of those at the set bits of d.
    pub fn build(windows: &[&[G1Affine]]) -> Self {
        let mut starts = Vec::with_capacity(windows.len());
        let mut size = 0;
        for generators in windows {
            starts.push(size);
            size += 1 << generators.len();
        }
        let mut points = vec![G1Affine::identity(); size];
        let mut steps = Vec::new();
        for bit in 0..WORD {
            steps.clear();
            for (generators, &start) in windows.iter().zip(&starts) {
                let Some(generator) = generators.get(bit) else { continue };
                let place = start + (1 << bit);
                points[place] = *generator;
                #[allow(clippy::cast_possible_truncation)] // 2^16 entries a window, a few windows together
                let step = |i: usize| Within {
                    left: (start + i) as u32,
                    right: place as u32,
                    to: (place + i) as u32,
                };
                steps.extend((1..1 << bit).map(step));
            }
            affine::add_within(&mut points, &steps);
        }
        Self { points, starts }
    }

    /// Return all tables as one array.
    pub fn points(&self) -> &[G1Affine] {
        &self.points
    }

    /// Return where the table of a window starts.
    pub fn start(&self, window: usize) -> usize {
        self.starts[window]
    }
}
