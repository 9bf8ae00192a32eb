//! Word columns of sparse rows as they come from Python, checked.
//!
//! For each word column int64 rows, strictly increasing, and uint16 words; bit t is bit t & 15 of word column t >> 4.

use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::windows::WORD;

/// Rows and words of one column.
pub type ColumnArrays<'py> = (PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, u16>);

/// One word column: the rows in which it is not zero, strictly increasing, and their words.
pub struct Column<'a> {
    /// Index of its lowest bit.
    pub first_bit: usize,
    rows: &'a [i64],
    /// The words of its rows.
    pub words: &'a [u16],
}

impl Column<'_> {
    /// Return the number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Return its number.
    pub fn number(&self) -> usize {
        self.first_bit / WORD
    }

    /// Return all rows with their words.
    #[inline]
    pub fn entries(&self) -> impl Iterator<Item = (usize, u16)> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked: 0 <= row < rows
        self.rows.iter().zip(self.words).map(|(&row, &word)| (row as usize, word))
    }

    /// Return its number, and its rows and words among `rows` rows from `first_row` on.
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // at most 2^16 columns; rows fit into i64
    pub fn part(&self, first_row: usize, rows: usize) -> (u16, &[i64], &[u16]) {
        let start = self.rows.partition_point(|&row| row < first_row as i64);
        let end = self.rows.partition_point(|&row| row < (first_row + rows) as i64);
        ((self.first_bit / WORD) as u16, &self.rows[start..end], &self.words[start..end])
    }

    fn check(&self, rows: usize, bits: usize) -> Result<(), String> {
        if self.rows.len() != self.words.len() {
            return Err(format!("has {} rows and {} words", self.rows.len(), self.words.len()));
        }
        check_rows(self.rows, rows)?;
        let room = bits.saturating_sub(self.first_bit).min(WORD);
        if self.words.iter().any(|&word| u32::from(word) >> room != 0) {
            return Err(format!("has a bit set beyond {bits} bits"));
        }
        Ok(())
    }
}

/// Check that rows are strictly increasing in `0..count`.
pub fn check_rows(rows: &[i64], count: usize) -> Result<(), String> {
    let rising = rows.windows(2).all(|pair| pair[0] < pair[1]);
    let inside = |row: &i64| usize::try_from(*row).is_ok_and(|row| row < count);
    if !(rising && rows.first().is_none_or(inside) && rows.last().is_none_or(inside)) {
        return Err(format!("has rows that do not increase within [0, {count})"));
    }
    Ok(())
}

/// Check all columns and return those that are not empty.
///
/// `ValueError` for unequal lengths, rows out of order or outside `0..rows`, a bit at or beyond `bits`.
pub fn parse<'a>(arrays: &'a [ColumnArrays<'_>], rows: usize, bits: usize) -> PyResult<Vec<Column<'a>>> {
    let mut columns = Vec::with_capacity(arrays.len());
    for (number, (at, words)) in arrays.iter().enumerate() {
        let column = Column { first_bit: WORD * number, rows: at.as_slice()?, words: words.as_slice()? };
        let named = |fault| PyValueError::new_err(format!("word column {number} {fault}"));
        column.check(rows, bits).map_err(named)?;
        if column.len() > 0 {
            columns.push(column);
        }
    }
    Ok(columns)
}
