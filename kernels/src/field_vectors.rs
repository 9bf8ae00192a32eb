//! Sums over the scalar field that are reduced once, at their end.
//!
//! A product of two elements has 508 bits; added up as they are, products cost half of a multiplication each.

use halo2curves::bn256::Fr;
use halo2curves::ff::FromUniformBytes;

const LIMBS: usize = 4;

/// A sum of products: integers of 2^512 times a carry limb, which holds 2^64 of them.
///
/// The limbs of an element x are x R mod r, R = 2^256 (Montgomery's form): the sum is that of x y R^2.
#[derive(Clone, Copy, Default)]
pub struct Products([u64; 2 * LIMBS + 1]);

impl Products {
    /// Add x y.
    #[inline(always)]
    #[allow(clippy::inline_always)] // the sum stays in registers while a list is walked
    pub fn add(&mut self, x: &Fr, y: &Fr) {
        let mut product = [0; 2 * LIMBS];
        for (i, &a) in x.0.iter().enumerate() {
            let mut carry = 0;
            for (j, &b) in y.0.iter().enumerate() {
                (product[i + j], carry) = multiply_add(a, b, product[i + j], carry);
            }
            product[i + LIMBS] = carry;
        }
        let mut carry = false;
        for (sum, limb) in self.0.iter_mut().zip(product) {
            (*sum, carry) = add_carry(*sum, limb, carry);
        }
        self.0[2 * LIMBS] += u64::from(carry);
    }

    /// Add another sum.
    pub fn merge(&mut self, other: &Self) {
        let mut carry = false;
        for (sum, &limb) in self.0.iter_mut().zip(&other.0) {
            (*sum, carry) = add_carry(*sum, limb, carry);
        }
    }

    /// Return the sum in the field.
    pub fn total(&self) -> Fr {
        if self.0 == [0; 2 * LIMBS + 1] {
            return Fr::zero();
        }
        let inverse = Fr([1, 0, 0, 0]); // R^-1
        let mut bytes = [0; 16 * LIMBS];
        for (part, limb) in bytes.chunks_mut(8).zip(self.0) {
            part.copy_from_slice(&limb.to_le_bytes());
        }
        Fr::from_uniform_bytes(&bytes) * inverse.square() + Fr::from(self.0[2 * LIMBS])
    }
}

/// Return a b + c + carry, low and high limb.
#[inline(always)]
#[allow(clippy::inline_always, clippy::cast_possible_truncation)]
fn multiply_add(a: u64, b: u64, c: u64, carry: u64) -> (u64, u64) {
    let wide = u128::from(a) * u128::from(b) + u128::from(c) + u128::from(carry);
    (wide as u64, (wide >> 64) as u64)
}

#[inline(always)]
#[allow(clippy::inline_always)]
fn add_carry(a: u64, b: u64, carry: bool) -> (u64, bool) {
    let (sum, first) = a.overflowing_add(b);
    let (sum, second) = sum.overflowing_add(u64::from(carry));
    (sum, first | second)
}
