//! What this build is: for `zkmargin doctor` and for the check that module and package belong together.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::threads;

/// Return what this build is: version, curve, arithmetic ("portable" or "asm"), threads of the pool.
#[pyfunction]
pub fn info(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let facts = PyDict::new(py);
    facts.set_item("version", env!("CARGO_PKG_VERSION"))?;
    facts.set_item("curve", "bn254")?;
    facts.set_item("arithmetic", if cfg!(feature = "asm") { "asm" } else { "portable" })?;
    facts.set_item("threads", threads::count(py)?)?;
    Ok(facts)
}
