//! Generators by hash-to-curve (RFC 9380, suite `BN254G1_XMD:SHA-256_SVDW_RO_`), in bulk.

use halo2curves::CurveExt;
use halo2curves::bn256::{G1, G1Affine};
use halo2curves::group::Curve;
use halo2curves::group::prime::PrimeCurveAffine;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::points::Points;
use crate::threads;

const SUITE: &str = "BN254G1_XMD:SHA-256_SVDW_RO_";
const MAX_TAG: usize = 255;
const BLOCK: usize = 64;

/// Return the point of each message under a domain separation tag, which ends with the suite's name.
///
/// `ValueError` for another tag or one above 255 bytes.
#[pyfunction]
pub fn hash_to_curve(py: Python<'_>, messages: Vec<Vec<u8>>, tag: &str) -> PyResult<Points> {
    let prefix = tag.strip_suffix(SUITE).filter(|_| tag.len() <= MAX_TAG);
    let prefix = prefix.ok_or_else(|| PyValueError::new_err(format!("the tag does not end with {SUITE}")))?;
    let blocks: Vec<Vec<G1Affine>> = threads::run(py, || {
        let block = |messages: &[Vec<u8>]| {
            let hash = G1::hash_to_curve(prefix);
            let points: Vec<G1> = messages.iter().map(|message| hash(message)).collect();
            let mut affine = vec![G1Affine::identity(); points.len()];
            G1::batch_normalize(&points, &mut affine);
            affine
        };
        messages.par_chunks(BLOCK).map(block).collect()
    })?;
    Ok(Points::new(blocks.concat()))
}
