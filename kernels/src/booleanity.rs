//! The sum of eq (b^2 - b) over the bits of sparse rows, bound variable by variable.
//!
//! The same field elements as `zkmargin.group.booleanity`, in another way: bit rounds on byte values, word rounds by a merge walk
//! over blocks of rows, row rounds dense. This file goes from phase to phase.

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::bit_rounds::{BIT_VARIABLES, BitRounds};
use crate::byte_sums::ByteSums;
use crate::columns::{self, ColumnArrays};
use crate::row_blocks::WordBlock;
use crate::row_rounds::RowRounds;
use crate::scalars::{self, big_endian};
use crate::threads;
use crate::windows::WORD;
use crate::word_rounds::WordRounds;

/// Value at 0, value at 1, leading coefficient.
pub type Quadratic = [Fr; 3];

enum Phase {
    Bits(BitRounds),
    Words(WordRounds),
    Rows(RowRounds),
}

/// The sum with its lowest variables bound; starts with all of them free.
#[pyclass(module = "zkmargin._kernels")]
pub struct Booleanity {
    blocks: Vec<WordBlock>,
    bytes: Vec<ByteSums>,
    row_weights: Vec<Fr>,
    word_tau: Vec<Fr>,
    row_tau: Vec<Fr>,
    phase: Phase,
    free: usize, // variables
    asked: bool, // for the quadratic of the lowest free variable
}

#[pymethods]
impl Booleanity {
    /// columns: see `columns`; tau: 32 bytes each, one for each variable of bits, words and rows.
    #[new]
    fn new(py: Python<'_>, columns: Vec<ColumnArrays<'_>>, rows: usize, tau: &[u8]) -> PyResult<Self> {
        let tau = scalars::decode_elements(py, tau)?;
        let (word_variables, row_variables) = (variables(columns.len()), variables(rows));
        let word_start = WORD.ilog2() as usize;
        if tau.len() != word_start + word_variables + row_variables || columns.len() > 1 << WORD {
            return Err(PyValueError::new_err("tau has one scalar per variable of bits, words and rows"));
        }
        let count = columns.len();
        let parsed = columns::parse(&columns, rows, WORD * count)?;
        threads::run(py, || {
            let (column_tau, row_tau) = tau.split_at(word_start + word_variables);
            let (bit_tau, word_tau) = column_tau.split_at(word_start);
            let row_weights = eq_table(row_tau, rows);
            let bytes = ByteSums::of(&parsed, &row_weights);
            let halves = ByteSums::total(&bytes, &eq_table(word_tau, count));
            let blocks = WordBlock::cut(&parsed, count, rows);
            let phase = Phase::Bits(BitRounds::new(bit_tau, halves));
            Self {
                blocks,
                bytes,
                row_weights,
                word_tau: column_tau[BIT_VARIABLES..].to_vec(),
                row_tau: row_tau.to_vec(),
                phase,
                free: tau.len(),
                asked: false,
            }
        })
    }

    /// Return the sum as a polynomial in the lowest free variable, without its own factor and those of bound variables:
    /// value at 0, value at 1, leading coefficient, 32 bytes each.
    /// `ValueError` if all variables are bound.
    fn quadratic<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        if self.free == 0 {
            return Err(PyValueError::new_err("all variables are bound"));
        }
        self.asked = true;
        let values = threads::run(py, || match &mut self.phase {
            Phase::Bits(phase) => phase.quadratic(),
            Phase::Words(phase) => phase.quadratic(),
            Phase::Rows(phase) => phase.quadratic(),
        })?;
        Ok(PyBytes::new(py, values.map(big_endian).as_flattened()))
    }

    /// Bind the lowest free variable. challenge: 32 bytes. `ValueError` unless `quadratic` was called before.
    fn bind(&mut self, py: Python<'_>, challenge: &[u8]) -> PyResult<()> {
        let challenge = scalars::decode_elements(py, challenge)?;
        let [challenge] = challenge.as_slice() else {
            return Err(PyValueError::new_err("one challenge at a time"));
        };
        if !self.asked {
            return Err(PyValueError::new_err("a variable is bound after its quadratic was asked for"));
        }
        (self.asked, self.free) = (false, self.free - 1);
        threads::run(py, || {
            match &mut self.phase {
                Phase::Bits(phase) => phase.bind(*challenge),
                Phase::Words(phase) => phase.bind(*challenge, &self.row_weights),
                Phase::Rows(phase) => phase.bind(*challenge),
            }
            self.advance();
        })?;
        Ok(())
    }

    /// Return b with all variables bound, 32 bytes; `ValueError` before.
    fn value<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        match &self.phase {
            Phase::Rows(phase) if self.free == 0 => Ok(PyBytes::new(py, &big_endian(phase.value()))),
            _ => Err(PyValueError::new_err("b has a value once all variables are bound")),
        }
    }
}

impl Booleanity {
    /// Go on to the next phase when one is through; a phase may have no variable at all.
    fn advance(&mut self) {
        match &self.phase {
            Phase::Bits(phase) if phase.done() => {
                let blocks = std::mem::take(&mut self.blocks);
                let bytes = std::mem::take(&mut self.bytes);
                let next = WordRounds::new(&self.word_tau, phase.bound(), &bytes, &self.row_weights, blocks);
                self.phase = Phase::Words(next);
                self.advance();
            }
            Phase::Words(phase) if phase.done() => {
                self.phase = Phase::Rows(RowRounds::new(&self.row_tau, phase.rows()));
            }
            _ => {}
        }
    }
}

/// Return eq(point, x) for the first `count` corners x; variable 0 is the lowest bit of a corner's number.
pub fn eq_table(point: &[Fr], count: usize) -> Vec<Fr> {
    let mut table = vec![Fr::ONE];
    for &coordinate in point {
        let high: Vec<Fr> =
            table.iter().map(|value| *value * coordinate).take(count.saturating_sub(table.len())).collect();
        for (value, part) in table.iter_mut().zip(&high) {
            *value -= part;
        }
        let missing = high.len();
        for value in table.iter_mut().skip(missing) {
            *value *= Fr::ONE - coordinate;
        }
        table.extend(high);
    }
    table.truncate(count);
    table
}

/// Return ceil(log2 count), as Python's `(count - 1).bit_length()` for count >= 1.
fn variables(count: usize) -> usize {
    count.saturating_sub(1).checked_ilog2().map_or(0, |bits| bits as usize + 1)
}
