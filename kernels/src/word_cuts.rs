//! Fields of bits cut into 16-bit words: the form in which witnesses are committed.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::columns::check_rows;
use crate::lanes::wide;
use crate::threads;
use crate::windows::WORD;

/// First bit, number of bits, rows, values.
type FieldArrays<'py> = (usize, usize, PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, i64>);
/// Rows and words of one column.
type ColumnArrays<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<u16>>);

/// A word has so many rows that it is put together in a buffer of all rows, not by sorting: an eighth.
const DENSE: usize = 8;
/// Words that a row may have.
const MOST_WORDS: usize = 1 << 16;

/// Cut fields into `words` columns of 16-bit words; return rows and words of each, zeros dropped.
///
/// fields: first bit; number of bits, 1 to 127; rows, strictly increasing in `0..rows`; values below 2^bits, as int64 or as
/// two of them each, the low half first. Fields do not overlap. `ValueError` for any other shape, row or place.
#[pyfunction]
pub fn cut_words<'py>(
    py: Python<'py>,
    rows: usize,
    words: usize,
    fields: Vec<FieldArrays<'py>>,
) -> PyResult<Vec<ColumnArrays<'py>>> {
    if words > MOST_WORDS {
        return Err(PyValueError::new_err(format!("more than {MOST_WORDS} words")));
    }
    let mut pieces: Vec<Vec<Piece<'_>>> = Vec::new();
    pieces.resize_with(words, Vec::new);
    for (number, (first, bits, at, values)) in fields.iter().enumerate() {
        let field = Field { rows: at.as_slice()?, values: values.as_slice()? };
        let named = |fault| PyValueError::new_err(format!("field {number} {fault}"));
        field.check(rows, *first, *bits, words).map_err(named)?;
        field.cut(*first, *bits, &mut pieces);
    }
    let columns: Vec<Column> =
        threads::run(py, || pieces.par_iter().with_max_len(1).map(|pieces| merged(pieces, rows)).collect())?;
    Ok(columns.into_iter().map(|column| column.into_arrays(py)).collect())
}

/// Values at rows; one int64 a value, or two.
#[derive(Clone, Copy)]
struct Field<'a> {
    rows: &'a [i64],
    values: &'a [i64],
}

impl<'a> Field<'a> {
    fn check(&self, rows: usize, first: usize, bits: usize, words: usize) -> Result<(), String> {
        check_rows(self.rows, rows)?;
        if self.values.len() != self.rows.len() && self.values.len() != 2 * self.rows.len() {
            return Err(format!("has {} rows and {} values", self.rows.len(), self.values.len()));
        }
        let end = first.checked_add(bits).ok_or("ends nowhere")?;
        if bits == 0 || bits >= i128::BITS as usize || end.div_ceil(WORD) > words {
            return Err(format!("has bits {first}..{end}, which do not lie in {words} words"));
        }
        Ok(())
    }

    /// Add the part that lies in each word to the pieces of that word.
    fn cut(self, first: usize, bits: usize, pieces: &mut [Vec<Piece<'a>>]) {
        let (mut taken, mut bit) = (0, first);
        while taken < bits {
            let shift = bit % WORD;
            pieces[bit / WORD].push(Piece { field: self, taken, shift });
            taken += WORD - shift;
            bit += WORD - shift;
        }
    }
}

/// The part of a field in one word: its bits from `taken` on, at bit `shift` of the word.
struct Piece<'a> {
    field: Field<'a>,
    taken: usize,
    shift: usize,
}

impl Piece<'_> {
    /// Call `take` with every row and its bits, also where they are zero.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the lowest bits of what the shift leaves
    #[inline]
    fn each(&self, mut take: impl FnMut(i64, u16)) {
        let Field { rows, values } = self.field;
        if values.len() == rows.len() {
            let taken = self.taken.min(i64::BITS as usize - 1);
            rows.iter()
                .zip(values)
                .for_each(|(&row, value)| take(row, ((value >> taken) as u16) << self.shift));
        } else {
            let words = values.chunks_exact(2).map(|pair| (wide(pair[0], pair[1]) >> self.taken) as u16);
            rows.iter().zip(words).for_each(|(&row, word)| take(row, word << self.shift));
        }
    }
}

/// A word column in the making, with room for so many rows.
struct Column {
    rows: Vec<i64>,
    words: Vec<u16>,
    size: usize,
}

impl Column {
    fn new(room: usize) -> Self {
        Self { rows: vec![0; room], words: vec![0; room], size: 0 }
    }

    /// Keep a word if it is not zero; without a branch, since often nobody can tell.
    #[inline]
    fn push(&mut self, row: i64, word: u16) {
        self.rows[self.size] = row;
        self.words[self.size] = word;
        self.size += usize::from(word != 0);
    }

    fn into_arrays(mut self, py: Python<'_>) -> ColumnArrays<'_> {
        self.rows.truncate(self.size);
        self.words.truncate(self.size);
        (self.rows.into_pyarray(py), self.words.into_pyarray(py))
    }
}

/// Put the pieces of one word together: by a buffer of all rows where many have it, else by sorting.
fn merged(pieces: &[Piece<'_>], rows: usize) -> Column {
    let size: usize = pieces.iter().map(|piece| piece.field.rows.len()).sum();
    if let [piece] = pieces {
        let mut column = Column::new(size);
        piece.each(|row, word| column.push(row, word));
        column
    } else if DENSE * size > rows {
        by_buffer(pieces, rows)
    } else {
        by_sorting(pieces, size)
    }
}

fn by_buffer(pieces: &[Piece<'_>], rows: usize) -> Column {
    let mut buffer = vec![0; rows];
    for piece in pieces {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked: 0 <= row < rows
        piece.each(|row, word| buffer[row as usize] |= word);
    }
    let mut column = Column::new(rows);
    (0..).zip(buffer).for_each(|(row, word)| column.push(row, word));
    column
}

fn by_sorting(pieces: &[Piece<'_>], size: usize) -> Column {
    let mut entries = Vec::with_capacity(size);
    for piece in pieces {
        piece.each(|row, word| entries.push((row, word)));
    }
    entries.sort_by_key(|&(row, _)| row); // runs that rise, one a piece
    entries.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        kept.1 |= if same { next.1 } else { 0 };
        same
    });
    let mut column = Column::new(entries.len());
    for (row, word) in entries {
        column.push(row, word);
    }
    column
}
