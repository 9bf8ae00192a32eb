//! Histograms of the bytes of word columns: for each value the sum of the weights of its rows.

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use rayon::prelude::*;

use crate::columns::Column;
use crate::field_vectors::Products;

const VALUES: usize = 1 << 8;

/// The weights of the values that occur in one byte of a word column.
pub struct ByteSums {
    /// Twice the number of the word column, plus 1 for the upper byte.
    pub number: usize,
    values: Vec<u8>,
    sums: Vec<Fr>,
}

impl ByteSums {
    /// Add up the weights for both bytes of every column: two additions for each touched word.
    pub fn of(columns: &[Column<'_>], weights: &[Fr]) -> Vec<Self> {
        columns.par_iter().with_max_len(1).flat_map_iter(|column| Self::of_column(column, weights)).collect()
    }

    fn of_column(column: &Column<'_>, weights: &[Fr]) -> [Self; 2] {
        let sums = histograms(column, weights);
        std::array::from_fn(|half| {
            // The value 0 adds nothing anywhere.
            let occurring = || (1..VALUES).filter(|&value| sums[half][value] != Fr::ZERO);
            Self {
                number: 2 * column.number() + half,
                #[allow(clippy::cast_possible_truncation)] // below 2^8
                values: occurring().map(|value| value as u8).collect(),
                sums: occurring().map(|value| sums[half][value]).collect(),
            }
        })
    }

    /// Return the sum of `table[value]` times the weight of the value.
    pub fn inner(&self, table: &[Fr]) -> Fr {
        let mut sum = Products::default();
        for (&value, weight) in self.values.iter().zip(&self.sums) {
            sum.add(weight, &table[usize::from(value)]);
        }
        sum.total()
    }

    /// Return for the lower and for the upper bytes the weight of each value, times that of its word column.
    pub fn total(bytes: &[Self], column_weights: &[Fr]) -> [Vec<Fr>; 2] {
        let none = || vec![Products::default(); 2 * VALUES];
        let add = |mut sums: Vec<Products>, byte: &Self| {
            let first = byte.number % 2 * VALUES;
            for (&value, weight) in byte.values.iter().zip(&byte.sums) {
                sums[first + usize::from(value)].add(weight, &column_weights[byte.number / 2]);
            }
            sums
        };
        let merge = |mut left: Vec<Products>, right: Vec<Products>| {
            left.iter_mut().zip(&right).for_each(|(left, right)| left.merge(right));
            left
        };
        let sums = bytes.par_iter().with_min_len(64).fold(none, add).reduce(none, merge);
        [0, VALUES].map(|first| sums[first..first + VALUES].iter().map(Products::total).collect())
    }
}

/// Return the sum of the weights of the rows by value, for the lower and for the upper byte.
pub fn histograms(column: &Column<'_>, weights: &[Fr]) -> [[Fr; VALUES]; 2] {
    let mut sums = [[Fr::ZERO; VALUES]; 2];
    for (row, word) in column.entries() {
        let weight = weights[row];
        let [low, high] = word.to_le_bytes();
        sums[0][usize::from(low)] += weight;
        sums[1][usize::from(high)] += weight;
    }
    sums
}
