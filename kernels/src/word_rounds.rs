//! Word rounds of the booleanity sum: the merge walk.
//!
//! For every group of words `S = sum eq_i v_i` and `Q = sum eq_i v_i^2` follow from its two halves x and y,
//!
//! ```text
//! S' = (1 - r) S_x + r S_y,   Q' = (1 - r)^2 Q_x + r^2 Q_y + 2 r (1 - r) X,
//! ```
//!
//! so that a row works only where two of its groups meet: `X = sum eq_i a_i b_i`. An entry is one touched word of one row,
//! later the group of words that begins with it.

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use rayon::prelude::*;

use crate::booleanity::{Block, Quadratic, eq_table};

/// Two entries of a row, first of its group each, whose groups become one.
struct Meeting {
    left: u32,
    right: u32,
    row: u32,
}

/// The entries of a block, as far as they are bound.
struct Entries {
    block: Block,
    values: Vec<Fr>,
    since: Vec<u8>,              // round up to which the value is bound
    meetings: Vec<Vec<Meeting>>, // by round
}

/// The sum with all bits and some words bound.
pub struct WordRounds {
    tau: Vec<Fr>,
    round: usize,
    sums: Vec<Fr>,
    squares: Vec<Fr>,
    products: Vec<Fr>,     // X of each group of this round
    factors: Vec<Vec<Fr>>, // for each round: eq of the challenges since, by column bits
    blocks: Vec<Entries>,
}

impl WordRounds {
    /// Start with all word variables free; `bound` is what each word value is bound to.
    pub fn new(tau: &[Fr], bound: &[Fr], row_weights: &[Fr], blocks: Vec<Block>) -> Self {
        let groups = 1 << tau.len();
        let start = |block: Block| {
            let values: Vec<Fr> = block.words.iter().map(|&word| bound[usize::from(word)]).collect();
            let (mut sums, mut squares) = (vec![Fr::ZERO; groups], vec![Fr::ZERO; groups]);
            for (row, range) in block.rows() {
                for entry in range {
                    let (column, value) = (usize::from(block.columns[entry]), values[entry]);
                    let weighted = row_weights[row] * value;
                    sums[column] += weighted;
                    squares[column] += weighted * value;
                }
            }
            let meetings = meetings(&block, tau.len());
            let since = vec![0; values.len()];
            (Entries { block, values, since, meetings }, (sums, squares))
        };
        let (blocks, parts): (Vec<_>, Vec<_>) = blocks.into_par_iter().map(start).unzip();
        let (sums, squares): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        Self {
            tau: tau.to_vec(),
            round: 0,
            sums: add_up(&sums, groups),
            squares: add_up(&squares, groups),
            products: vec![],
            factors: vec![vec![Fr::ONE]],
            blocks,
        }
    }

    /// Return whether all variables are bound.
    pub fn done(&self) -> bool {
        self.round == self.tau.len()
    }

    /// See `Booleanity::quadratic`.
    pub fn quadratic(&mut self, row_weights: &[Fr]) -> Quadratic {
        let (round, groups, factors) = (self.round, self.sums.len() / 2, &self.factors);
        let parts: Vec<Vec<Fr>> = self
            .blocks
            .par_iter_mut()
            .map(|entries| entries.cross_products(round, groups, factors, row_weights))
            .collect();
        self.products = add_up(&parts, groups);
        let mut out = [Fr::ZERO; 3];
        for (group, eq) in eq_table(&self.tau[round + 1..], groups).into_iter().enumerate() {
            let (x, y) = (2 * group, 2 * group + 1);
            out[0] += eq * (self.squares[x] - self.sums[x]);
            out[1] += eq * (self.squares[y] - self.sums[y]);
            out[2] += eq * (self.squares[x] + self.squares[y] - self.products[group].double());
        }
        out
    }

    /// See `Booleanity::bind`.
    pub fn bind(&mut self, r: Fr) {
        let low = Fr::ONE - r;
        let (ll, rr, lr) = (low.square(), r.square(), (low * r).double());
        self.sums = self.sums.chunks(2).map(|pair| low * pair[0] + r * pair[1]).collect();
        let squares = self.squares.chunks(2).zip(&self.products);
        self.squares = squares.map(|(pair, product)| ll * pair[0] + rr * pair[1] + lr * product).collect();
        let round = self.round;
        self.blocks.par_iter_mut().for_each(|entries| entries.bind(round, r));
        for table in &mut self.factors {
            let high: Vec<Fr> = table.iter().map(|factor| *factor * r).collect();
            for factor in table.iter_mut() {
                *factor *= low;
            }
            table.extend(high);
        }
        self.factors.push(vec![Fr::ONE]);
        self.round += 1;
    }

    /// Return b of every row with all words bound.
    pub fn rows(&self) -> Vec<Fr> {
        let block = |entries: &Entries| -> Vec<Fr> {
            let first = |(_, range): (usize, std::ops::Range<usize>)| {
                if range.is_empty() { Fr::ZERO } else { entries.lifted(range.start, &self.factors) }
            };
            entries.block.rows().map(first).collect()
        };
        let rows: Vec<Vec<Fr>> = self.blocks.par_iter().map(block).collect();
        rows.concat()
    }
}

impl Entries {
    /// Return X of every group in which some row has both halves; bring their values up to this round.
    fn cross_products(
        &mut self,
        round: usize,
        groups: usize,
        factors: &[Vec<Fr>],
        row_weights: &[Fr],
    ) -> Vec<Fr> {
        let mut products = vec![Fr::ZERO; groups];
        let meetings = std::mem::take(&mut self.meetings[round]);
        for meeting in &meetings {
            let (left, right) = (meeting.left as usize, meeting.right as usize);
            let (a, b) = (self.lifted(left, factors), self.lifted(right, factors));
            (self.values[left], self.values[right]) = (a, b);
            #[allow(clippy::cast_possible_truncation)] // at most 16 rounds
            let now = round as u8;
            (self.since[left], self.since[right]) = (now, now);
            let group = usize::from(self.block.columns[right]) >> (round + 1);
            products[group] += row_weights[meeting.row as usize] * a * b;
        }
        self.meetings[round] = meetings;
        products
    }

    fn bind(&mut self, round: usize, r: Fr) {
        for meeting in std::mem::take(&mut self.meetings[round]) {
            let (left, right) = (meeting.left as usize, meeting.right as usize);
            let (a, b) = (self.values[left], self.values[right]);
            self.values[left] = a + r * (b - a);
            self.since[left] += 1;
        }
    }

    /// Return a value with the challenges since its last meeting: it was alone, the other half was 0.
    fn lifted(&self, entry: usize, factors: &[Vec<Fr>]) -> Fr {
        let since = usize::from(self.since[entry]);
        let table = &factors[since];
        self.values[entry] * table[(usize::from(self.block.columns[entry]) >> since) % table.len()]
    }
}

/// Return by round the pairs of entries whose groups become one.
///
/// Neighbours of a row meet in the round of the highest bit in which their columns differ. The left group then begins after
/// the nearest earlier gap that closes later: a stack with falling rounds.
fn meetings(block: &Block, rounds: usize) -> Vec<Vec<Meeting>> {
    let mut out: Vec<Vec<Meeting>> = (0..rounds).map(|_| Vec::new()).collect();
    let mut stack: Vec<(usize, usize)> = Vec::new();
    for (row, range) in block.rows() {
        stack.clear();
        stack.push((rounds, range.start));
        for entry in range.skip(1) {
            let gap = (block.columns[entry] ^ block.columns[entry - 1]).ilog2() as usize;
            while stack.last().is_some_and(|&(closes, _)| closes < gap) {
                stack.pop();
            }
            let left = stack.last().map_or(entry, |&(_, first)| first); // never empty: gap < rounds
            #[allow(clippy::cast_possible_truncation)] // entries of a block, rows of a book: below 2^32
            out[gap].push(Meeting { left: left as u32, right: entry as u32, row: row as u32 });
            stack.push((gap, entry));
        }
    }
    out
}

fn add_up(parts: &[Vec<Fr>], length: usize) -> Vec<Fr> {
    (0..length).into_par_iter().map(|i| parts.iter().map(|part| part[i]).sum()).collect()
}
