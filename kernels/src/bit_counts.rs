//! How often each bit is set in word columns: the bits of all rows together.

use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::threads;
use crate::windows::WORD;

const VALUES: usize = 1 << 8;

/// Return for each bit of each column of words the number of words in which it is set.
#[pyfunction]
pub fn bit_counts(py: Python<'_>, columns: Vec<PyReadonlyArray1<'_, u16>>) -> PyResult<Vec<usize>> {
    let columns = columns.iter().map(|words| words.as_slice()).collect::<Result<Vec<_>, _>>()?;
    let counts: Vec<[usize; WORD]> =
        threads::run(py, || columns.par_iter().map(|words| counts(words)).collect())?;
    Ok(counts.into_flattened())
}

/// Count the values of both bytes first: two steps a word, whatever bits are set.
fn counts(words: &[u16]) -> [usize; WORD] {
    let mut found = [[0; VALUES]; 2];
    for word in words {
        let [low, high] = word.to_le_bytes();
        found[0][usize::from(low)] += 1;
        found[1][usize::from(high)] += 1;
    }
    std::array::from_fn(|bit| {
        let values = found[bit / 8].iter().enumerate();
        values.filter(|(value, _)| value >> (bit % 8) & 1 == 1).map(|(_, count)| count).sum()
    })
}
