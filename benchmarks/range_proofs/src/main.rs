//! Times one 64-bit range proof on Ristretto, one thread, generators made beforehand: `range-proofs ROUNDS`.
//!
//! Prints two lines of milliseconds, a number a round: proving, verifying.

use std::hint::black_box;
use std::time::Instant;

use bulletproofs::{BulletproofGens, PedersenGens, RangeProof};
use curve25519_dalek::scalar::Scalar;
use merlin::Transcript;

const BITS: usize = 64;
const VALUE: u64 = 7_000_000_000_000;

fn main() {
    let rounds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(20);
    let (pedersen, generators) = (PedersenGens::default(), BulletproofGens::new(BITS, 1));
    let blinding = Scalar::random(&mut rand::thread_rng());
    let prove = || {
        let transcript = &mut Transcript::new(b"benchmark");
        RangeProof::prove_single(&generators, &pedersen, transcript, VALUE, &blinding, BITS)
            .expect("the value is in the range")
    };
    let (proof, commitment) = prove();
    let bytes = proof.to_bytes();
    let verify = || {
        let transcript = &mut Transcript::new(b"benchmark");
        RangeProof::from_bytes(black_box(&bytes))
            .and_then(|proof| proof.verify_single(&generators, &pedersen, transcript, &commitment, BITS))
            .expect("the proof holds");
    };
    print(rounds, || drop(black_box(prove())));
    print(rounds, verify);
}

fn print(rounds: usize, work: impl Fn()) {
    work();
    let times: Vec<String> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            work();
            format!("{:.4}", start.elapsed().as_secs_f64() * 1e3)
        })
        .collect();
    println!("{}", times.join(" "));
}
