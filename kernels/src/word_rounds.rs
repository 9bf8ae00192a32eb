//! Word rounds of the booleanity sum, from the bytes of words on: the merge walk.
//!
//! For every group of bytes `S = sum eq_i v_i` and `Q = sum eq_i v_i^2` follow from its two halves x and y,
//!
//! ```text
//! S' = (1 - r) S_x + r S_y,   Q' = (1 - r)^2 Q_x + r^2 Q_y + 2 r (1 - r) X,
//! ```
//!
//! so that a row works only where two of its groups meet: `X = sum eq_i a_i b_i`. The first groups are bytes, whose S and Q
//! follow from their histograms; the first variable joins both bytes of a word. b is linear in the bits: words are kept as they
//! are and their values looked up, byte by byte. Values are kept of groups of two words and more.

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use rayon::prelude::*;

use crate::booleanity::{Quadratic, eq_table};
use crate::byte_sums::ByteSums;
use crate::field_vectors::Products;
use crate::row_blocks::{GroupBlock, WordBlock, join, meet};

/// b of the values of a lower and of an upper byte.
type Tables = [Vec<Fr>; 2];

/// What the groups of a row are.
enum Lists {
    /// Bytes, and b of each value of a byte.
    Bytes(Vec<WordBlock>, Vec<Fr>),
    /// Words.
    Words(Vec<WordBlock>, Tables),
    /// Two words and more.
    Groups(Vec<GroupBlock>),
}

/// The sum with the bits of bytes and some more variables bound.
pub struct WordRounds {
    tau: Vec<Fr>,
    round: usize,
    sums: Vec<Fr>,
    squares: Vec<Fr>,
    products: Vec<Fr>, // X of each group of this round
    lists: Lists,
}

impl WordRounds {
    /// Start with the last bit variable and all word variables free; `bound` is what each value of a byte is bound to.
    pub fn new(
        tau: &[Fr],
        bound: &[Fr],
        bytes: &[ByteSums],
        row_weights: &[Fr],
        blocks: Vec<WordBlock>,
    ) -> Self {
        let groups = 1 << tau.len();
        let squared: Vec<Fr> = bound.iter().map(Fr::square).collect();
        let (mut sums, mut squares) = (vec![Fr::ZERO; groups], vec![Fr::ZERO; groups]);
        let both: Vec<_> = bytes.par_iter().map(|byte| (byte.inner(bound), byte.inner(&squared))).collect();
        for (byte, (sum, square)) in bytes.iter().zip(both) {
            (sums[byte.number], squares[byte.number]) = (sum, square);
        }
        let pairs: Vec<Fr> = (0..=u16::MAX)
            .into_par_iter()
            .map(|word| {
                let [low, high] = word.to_le_bytes();
                bound[usize::from(low)] * bound[usize::from(high)]
            })
            .collect();
        let products = add_up(groups / 2, blocks.par_iter(), |block, sums| {
            add_byte_products(block, &pairs, row_weights, sums);
        });
        Self {
            tau: tau.to_vec(),
            round: 0,
            sums,
            squares,
            products,
            lists: Lists::Bytes(blocks, bound.to_vec()),
        }
    }

    /// Return whether all variables are bound.
    pub fn done(&self) -> bool {
        self.round == self.tau.len()
    }

    /// See `Booleanity::quadratic`.
    pub fn quadratic(&self) -> Quadratic {
        let mut out = [Fr::ZERO; 3];
        for (group, eq) in eq_table(&self.tau[self.round + 1..], self.products.len()).into_iter().enumerate()
        {
            let (x, y) = (2 * group, 2 * group + 1);
            out[0] += eq * (self.squares[x] - self.sums[x]);
            out[1] += eq * (self.squares[y] - self.sums[y]);
            out[2] += eq * (self.squares[x] + self.squares[y] - self.products[group].double());
        }
        out
    }

    /// See `Booleanity::bind`.
    pub fn bind(&mut self, r: Fr, row_weights: &[Fr]) {
        let low = Fr::ONE - r;
        let (ll, rr, lr) = (low.square(), r.square(), (low * r).double());
        self.sums = self.sums.chunks(2).map(|pair| low * pair[0] + r * pair[1]).collect();
        let squares = self.squares.chunks(2).zip(&self.products);
        self.squares = squares.map(|(pair, product)| ll * pair[0] + rr * pair[1] + lr * product).collect();
        let groups = self.sums.len() / 2;
        let lists = std::mem::replace(&mut self.lists, Lists::Groups(vec![]));
        (self.lists, self.products) = match lists {
            Lists::Bytes(blocks, bound) => {
                let tables = [low, r].map(|factor| scaled(&bound, factor));
                let products = add_up(groups, blocks.par_iter(), |block, sums| {
                    add_word_products(block, &tables, row_weights, sums);
                });
                (Lists::Words(blocks, tables), products)
            }
            Lists::Words(blocks, tables) => {
                let tables = [low, r].map(|factor| tables.each_ref().map(|table| scaled(table, factor)));
                let join = |block: WordBlock| join_words(&block, &tables);
                let blocks: Vec<GroupBlock> = blocks.into_par_iter().map(join).collect();
                let products =
                    add_up(groups, blocks.par_iter(), |block, sums| add_products(block, row_weights, sums));
                (Lists::Groups(blocks), products)
            }
            Lists::Groups(mut blocks) => {
                let products = add_up(groups, blocks.par_iter_mut(), |block, sums| {
                    block.bind(r);
                    add_products(block, row_weights, sums);
                });
                (Lists::Groups(blocks), products)
            }
        };
        self.round += 1;
    }

    /// Return b of every row with all words bound.
    pub fn rows(&self) -> Vec<Fr> {
        let rows: Vec<Vec<Fr>> = match &self.lists {
            Lists::Bytes(..) => vec![], // not all bound
            Lists::Words(blocks, tables) => {
                let spread = |block: &WordBlock| {
                    let (places, words) = block.column(0);
                    spread(block.rows, places, words.iter().map(|&word| value(tables, word)))
                };
                blocks.par_iter().map(spread).collect()
            }
            Lists::Groups(blocks) => {
                let spread = |block: &GroupBlock| {
                    let (places, values) = block.group(0);
                    spread(block.rows, places, values.iter().copied())
                };
                blocks.par_iter().map(spread).collect()
            }
        };
        rows.concat()
    }
}

/// Add for each word the X of its bytes; `pairs`: for each word the product of its bytes' b.
fn add_byte_products(block: &WordBlock, pairs: &[Fr], row_weights: &[Fr], sums: &mut [Products]) {
    let weights = &row_weights[block.first_row..];
    for (number, sum) in sums.iter_mut().enumerate() {
        let (places, words) = block.column(number);
        let mut inner = *sum;
        for (&place, &word) in places.iter().zip(words) {
            inner.add(&weights[usize::from(place)], &pairs[usize::from(word)]);
        }
        *sum = inner;
    }
}

/// Add the X of each pair of words.
fn add_word_products(block: &WordBlock, tables: &Tables, row_weights: &[Fr], sums: &mut [Products]) {
    let weights = &row_weights[block.first_row..];
    for (group, sum) in sums.iter_mut().enumerate() {
        let ((left, left_words), (right, right_words)) =
            (block.column(2 * group), block.column(2 * group + 1));
        let mut inner = *sum;
        meet(left, right, |i, j| {
            let weighted = weights[usize::from(left[i])] * value(tables, left_words[i]);
            inner.add(&weighted, &value(tables, right_words[j]));
        });
        *sum = inner;
    }
}

/// Add the X of each pair of groups.
fn add_products(block: &GroupBlock, row_weights: &[Fr], sums: &mut [Products]) {
    let weights = &row_weights[block.first_row..];
    for (group, sum) in sums.iter_mut().enumerate() {
        let ((left, left_values), (right, right_values)) =
            (block.group(2 * group), block.group(2 * group + 1));
        let mut inner = *sum;
        meet(left, right, |i, j| {
            inner.add(&(weights[usize::from(left[i])] * left_values[i]), &right_values[j]);
        });
        *sum = inner;
    }
}

/// Return the groups of two words each.
fn join_words(block: &WordBlock, halves: &[Tables; 2]) -> GroupBlock {
    let count = block.starts.len() - 1;
    let mut room = block.words.len();
    for group in 0..count.div_ceil(2) {
        meet(block.column(2 * group).0, block.column(2 * group + 1).0, |_, _| room -= 1);
    }
    let mut out = GroupBlock::new(block.first_row, block.rows, room);
    for group in 0..count.div_ceil(2) {
        let ((left, left_words), (right, right_words)) =
            (block.column(2 * group), block.column(2 * group + 1));
        join(left, right, |place, i, j| {
            let a = i.map(|i| value(&halves[0], left_words[i]));
            let b = j.map(|j| value(&halves[1], right_words[j]));
            out.push(
                place,
                match (a, b) {
                    (Some(a), Some(b)) => a + b,
                    (a, b) => a.or(b).unwrap_or(Fr::ZERO),
                },
            );
        });
        out.end_group();
    }
    out
}

/// Return b of a word.
#[inline]
fn value(tables: &Tables, word: u16) -> Fr {
    let [low, high] = word.to_le_bytes();
    tables[0][usize::from(low)] + tables[1][usize::from(high)]
}

/// Return the table times a factor.
fn scaled(table: &[Fr], factor: Fr) -> Vec<Fr> {
    table.iter().map(|value| *value * factor).collect()
}

/// Return the values of all rows of a block.
fn spread(rows: usize, places: &[u16], values: impl Iterator<Item = Fr>) -> Vec<Fr> {
    let mut out = vec![Fr::ZERO; rows];
    for (&place, value) in places.iter().zip(values) {
        out[usize::from(place)] = value;
    }
    out
}

/// Return `count` sums to which each block adds.
fn add_up<B: IndexedParallelIterator>(
    count: usize,
    blocks: B,
    add: impl Fn(B::Item, &mut [Products]) + Sync + Send,
) -> Vec<Fr> {
    let none = || vec![Products::default(); count];
    let sums = blocks
        .fold(none, |mut sums, block| {
            add(block, &mut sums);
            sums
        })
        .reduce(none, |mut left, right| {
            left.iter_mut().zip(&right).for_each(|(left, right)| left.merge(right));
            left
        });
    sums.par_iter().map(Products::total).collect()
}
