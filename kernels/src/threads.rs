//! The threads that the kernels work on: a pool of this process, not of the one that it was forked from.
//!
//! A forked child inherits a pool without its threads; work handed to it would wait for ever. Python forks: `multiprocessing`
//! does so by default on Linux up to Python 3.13.

use std::sync::{Arc, Mutex};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The pool and the process that started it.
static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// Run work on all threads with the GIL released.
pub fn run<R: Send>(py: Python<'_>, work: impl FnOnce() -> R + Send) -> PyResult<R> {
    let pool = pool(py)?;
    Ok(py.detach(|| pool.install(work)))
}

/// Return `work` of every item. Up to `alone` of them stay on the caller's thread: a way to the pool and back costs up to 50 us.
pub fn map<T: Sync, R: Send>(
    py: Python<'_>,
    items: &[T],
    alone: usize,
    work: impl Fn(&T) -> R + Sync + Send,
) -> PyResult<Vec<R>> {
    if items.len() <= alone {
        return Ok(items.iter().map(work).collect());
    }
    run(py, || items.par_iter().map(work).collect())
}

/// Return the number of threads.
pub fn count(py: Python<'_>) -> PyResult<usize> {
    Ok(pool(py)?.current_num_threads())
}

/// Return this process's pool. The GIL is held, so that no fork happens while the lock is.
fn pool(_py: Python<'_>) -> PyResult<Arc<ThreadPool>> {
    let mut kept = POOL.lock().map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    let process = std::process::id();
    if let Some((owner, pool)) = &*kept {
        if *owner == process {
            return Ok(Arc::clone(pool));
        }
    }
    let pool =
        ThreadPoolBuilder::new().build().map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    let pool = Arc::new(pool);
    // A pool of the parent has no threads here that could end: it is forgotten, not dropped.
    std::mem::forget(kept.replace((process, Arc::clone(&pool))));
    Ok(pool)
}
