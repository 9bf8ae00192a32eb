//! `zkmargin._kernels`: vector work on BN254 for the native backend.
//!
//! This file only registers. One file per primitive; each checks all of its inputs itself (scalars below the order,
//! coordinates below the modulus, points on the curve, lengths) and raises `ValueError`, and releases the GIL for its work.

mod encoding;
mod hashing;
mod info;
mod multiexp;

use pyo3::prelude::*;

/// Vector work on BN254. Private to zkmargin: use the backend in `zkmargin.group`.
#[pymodule]
mod _kernels {
    #[pymodule_export]
    use super::hashing::sha256_many;
    #[pymodule_export]
    use super::info::info;
    #[pymodule_export]
    use super::multiexp::msm;
}
