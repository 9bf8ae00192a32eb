//! The first bit rounds of the booleanity sum, up to whole bytes: on byte values and their weights, whatever the number of
//! words.

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;

use crate::booleanity::{Quadratic, eq_table};

/// Variables of the bits of a byte.
pub const BIT_VARIABLES: usize = 3;

/// Weight of each value of a byte.
pub type ByteWeights = Vec<Fr>;

/// Round j works on all patterns of 2^(j + 1) bits, the last one on all values of a byte.
pub struct BitRounds {
    tau: Vec<Fr>,
    round: usize,
    places: Vec<Vec<Vec<Fr>>>, // by round and place of the pattern in the word: weight of each pattern
    bound: Vec<Fr>,            // pattern of 2^round bits -> b with these bits bound
}

impl BitRounds {
    /// tau: of all variables of a word's bits; halves: for the lower and the upper bytes of words.
    pub fn new(tau: &[Fr], halves: [ByteWeights; 2]) -> Self {
        let mut places = vec![Vec::from(halves)];
        for bits in [4, 2] {
            places.push(places[places.len() - 1].iter().flat_map(|wide| marginals(wide, bits)).collect());
        }
        places.reverse();
        Self { tau: tau.to_vec(), round: 0, places, bound: vec![Fr::ZERO, Fr::ONE] }
    }

    /// Return whether all variables are bound.
    pub fn done(&self) -> bool {
        self.round == BIT_VARIABLES
    }

    /// See `Booleanity::quadratic`.
    pub fn quadratic(&self) -> Quadratic {
        let places = &self.places[self.round];
        let eq = eq_table(&self.tau[self.round + 1..], places.len());
        let mut out = [Fr::ZERO; 3];
        for pattern in 0..places[0].len() {
            let weight: Fr = eq.iter().zip(places).map(|(eq, place)| *eq * place[pattern]).sum();
            let (a, b) = self.halves(pattern);
            out[0] += weight * (a.square() - a);
            out[1] += weight * (b.square() - b);
            out[2] += weight * (b - a).square();
        }
        out
    }

    /// See `Booleanity::bind`.
    pub fn bind(&mut self, challenge: Fr) {
        let patterns = 0..1 << (2 << self.round);
        self.bound = patterns
            .map(|pattern| {
                let (a, b) = self.halves(pattern);
                a + challenge * (b - a)
            })
            .collect();
        self.round += 1;
    }

    /// Return for each value of a byte what it is bound to.
    pub fn bound(&self) -> &[Fr] {
        &self.bound
    }

    fn halves(&self, pattern: usize) -> (Fr, Fr) {
        let bits = 1 << self.round;
        (self.bound[pattern & ((1 << bits) - 1)], self.bound[pattern >> bits])
    }
}

/// Return the weights of the lower and of the upper `bits` bits of patterns of twice as many.
fn marginals(wide: &[Fr], bits: usize) -> [Vec<Fr>; 2] {
    let mut halves = [vec![Fr::ZERO; 1 << bits], vec![Fr::ZERO; 1 << bits]];
    for (pattern, weight) in wide.iter().enumerate() {
        halves[0][pattern & ((1 << bits) - 1)] += weight;
        halves[1][pattern >> bits] += weight;
    }
    halves
}
