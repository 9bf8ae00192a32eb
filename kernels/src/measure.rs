//! Work to be timed by `zkmargin doctor` and the benchmarks: what this machine can do at best, and the library beside us.

use halo2curves::bn256::{Fq, G1, G1Affine};
use halo2curves::ff::PrimeField;
use halo2curves::group::prime::PrimeCurveAffine;
use halo2curves::group::{Curve, Group};
use halo2curves::msm::msm_best;
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::affine::{BATCH, add_onto};
use crate::points::Points;
use crate::scalars;
use crate::sums::check_lengths;
use crate::threads;

/// Run `rounds` times 1,024 affine additions on each thread, all in cache; return the number of additions.
#[pyfunction]
pub fn run_additions(py: Python<'_>, rounds: usize) -> PyResult<usize> {
    let work = |_| {
        let mut multiples = vec![G1::generator(); 2 * BATCH];
        for i in 1..multiples.len() {
            multiples[i] = multiples[i - 1] + G1::generator();
        }
        let mut affine = vec![G1Affine::identity(); 2 * BATCH];
        G1::batch_normalize(&multiples, &mut affine);
        let mut points = affine[..BATCH].to_vec();
        for _ in 0..rounds {
            add_onto(&mut points, &affine[BATCH..]);
        }
        std::hint::black_box(points.len())
    };
    Ok(rounds * threads::run(py, || on_each_thread(work))?)
}

/// Run `rounds` times 1,024 multiplications in the base field on each thread; return the number of multiplications.
#[pyfunction]
pub fn run_multiplications(py: Python<'_>, rounds: usize) -> PyResult<usize> {
    let work = |_| {
        let mut values: Vec<Fq> = (1..=BATCH as u64).map(|i| Fq::from(i).square() + Fq::TWO_INV).collect();
        for _ in 0..rounds {
            for value in &mut values {
                *value *= Fq::TWO_INV;
            }
            std::hint::black_box(&mut values);
        }
        values.len()
    };
    Ok(rounds * threads::run(py, || on_each_thread(work))?)
}

/// Return the sum of `scalars[i] * points[i]` by halo2curves itself; see `msm`.
#[pyfunction]
pub fn library_msm(py: Python<'_>, scalars: &[u8], points: PyRef<'_, Points>) -> PyResult<Points> {
    let scalars = scalars::decode_elements(py, scalars)?;
    let points = points.as_slice();
    check_lengths(points.len(), scalars.len())?;
    let sum =
        threads::run(py, || if points.is_empty() { G1::identity() } else { msm_best(&scalars, points) })?;
    Ok(Points::new(vec![sum.to_affine()]))
}

fn on_each_thread(work: impl Fn(usize) -> usize + Sync + Send) -> usize {
    (0..rayon::current_num_threads()).into_par_iter().with_max_len(1).map(work).sum()
}
