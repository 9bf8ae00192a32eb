//! Row rounds of the booleanity sum: dense, one value a row.

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use rayon::prelude::*;

use crate::booleanity::{Quadratic, eq_table};

const CHUNK: usize = 1 << 12; // pairs of rows

/// b of every row with all bits and words bound.
pub struct RowRounds {
    tau: Vec<Fr>,
    round: usize,
    rows: Vec<Fr>,
}

impl RowRounds {
    /// Start with all row variables free.
    pub fn new(tau: &[Fr], rows: Vec<Fr>) -> Self {
        Self { tau: tau.to_vec(), round: 0, rows }
    }

    /// Return b with everything bound.
    pub fn value(&self) -> Fr {
        self.rows.first().copied().unwrap_or(Fr::ZERO)
    }

    /// See `Booleanity::quadratic`.
    pub fn quadratic(&self) -> Quadratic {
        let eq = eq_table(&self.tau[self.round + 1..], self.rows.len().div_ceil(2));
        let part = |(rows, eq): (&[Fr], &[Fr])| {
            let mut out = [Fr::ZERO; 3];
            for (pair, eq) in rows.chunks(2).zip(eq) {
                let (a, b) = halves(pair);
                out[0] += *eq * (a.square() - a);
                out[1] += *eq * (b.square() - b);
                out[2] += *eq * (b - a).square();
            }
            out
        };
        let parts = self.rows.par_chunks(2 * CHUNK).zip(eq.par_chunks(CHUNK)).map(part);
        parts.reduce(|| [Fr::ZERO; 3], |left, right| std::array::from_fn(|i| left[i] + right[i]))
    }

    /// See `Booleanity::bind`.
    pub fn bind(&mut self, challenge: Fr) {
        let bound = |pair: &[Fr]| {
            let (a, b) = halves(pair);
            a + challenge * (b - a)
        };
        self.rows = self.rows.par_chunks(2).with_min_len(CHUNK).map(bound).collect();
        self.round += 1;
    }
}

/// Return both rows of a pair; one that is missing is 0.
fn halves(pair: &[Fr]) -> (Fr, Fr) {
    (pair[0], pair.get(1).copied().unwrap_or(Fr::ZERO))
}
