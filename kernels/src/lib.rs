//! `zkmargin._kernels`: vector work on BN254 for the native backend, hashing in bulk, and the integers of witnesses.
//!
//! This file only registers. One file per primitive; each checks all of its inputs itself (scalars below the order,
//! coordinates below the modulus, points on the curve, lengths) and raises `ValueError`, and releases the GIL for its work.

mod accumulate;
mod affine;
mod bit_counts;
mod bit_rounds;
mod booleanity;
mod byte_sums;
mod columns;
mod combine;
mod encoding;
mod field_vectors;
mod fixed_base;
mod hash_to_curve;
mod hashing;
mod info;
mod lanes;
mod measure;
mod multiexp;
mod points;
mod row_blocks;
mod row_rounds;
mod rows;
mod scalars;
mod sums;
mod term_sums;
mod threads;
mod windows;
mod word_cuts;
mod word_rounds;

use pyo3::prelude::*;

/// Vector work on BN254. Private to zkmargin: use the backend in `zkmargin.group`.
#[pymodule]
mod _kernels {
    #[pymodule_export]
    use super::bit_counts::bit_counts;
    #[pymodule_export]
    use super::booleanity::Booleanity;
    #[pymodule_export]
    use super::combine::combine_bits;
    #[pymodule_export]
    use super::encoding::{EncodingError, compress, decode, decompress, encode};
    #[pymodule_export]
    use super::fixed_base::{FixedBase, add_products, sum_products};
    #[pymodule_export]
    use super::hash_to_curve::hash_to_curve;
    #[pymodule_export]
    use super::hashing::{hmac_many, hmac_scalars, sha256_many, sha256_rows};
    #[pymodule_export]
    use super::info::info;
    #[pymodule_export]
    use super::measure::{library_msm, run_additions, run_multiplications};
    #[pymodule_export]
    use super::multiexp::{msm, scale};
    #[pymodule_export]
    use super::points::{Points, concat, equal, gather, identity, is_identity};
    #[pymodule_export]
    use super::rows::sum_bits;
    #[pymodule_export]
    use super::sums::{add, negate, pair_sums, total};
    #[pymodule_export]
    use super::term_sums::term_sums;
    #[pymodule_export]
    use super::word_cuts::cut_words;
}
