//! Compares vectors: the dot product of one vector with another or with every row of a matrix.
//!
//! Of vectors of length one, as [`crate::fingerprint::unit`] makes them, the dot product is the cosine of their angle.
//!
//! # Invariants
//! Product `i` goes to lane `i mod 16`, in order; the lanes are added pairwise at the end. The compiler may put lanes into
//! vectors, but it may neither reorder nor fuse, so the same vectors give the same bits on every machine, alone or as a row
//! of a matrix.

/// Sums that are carried side by side: four vectors of an x86-64, two of AVX2, one of AVX-512.
const LANES: usize = 16;

/// The dot product of two vectors; what one has more than the other is left out.
///
/// # Examples
/// ```
/// assert_eq!(dsp::similarity::dot(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]), 32.0);
/// ```
#[inline]
pub fn dot(left: &[f32], right: &[f32]) -> f32 {
    let count = left.len().min(right.len());
    let (left_blocks, left_rest) = left[..count].as_chunks::<LANES>();
    let (right_blocks, right_rest) = right[..count].as_chunks::<LANES>();
    let mut lanes = [0.0_f32; LANES];
    for (left, right) in left_blocks.iter().zip(right_blocks) {
        for lane in 0..LANES {
            lanes[lane] += left[lane] * right[lane];
        }
    }
    for (lane, (left, right)) in left_rest.iter().zip(right_rest).enumerate() {
        lanes[lane] += left * right;
    }
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// The dot products of `query` with the rows of a matrix that lie one after the other, each as long as the query.
///
/// As many as there are whole rows and places in `products`; the other places are left as they are. An empty query fills
/// none.
pub fn dots(rows: &[f32], query: &[f32], products: &mut [f32]) {
    if query.is_empty() {
        return;
    }
    for (row, product) in rows.chunks_exact(query.len()).zip(products) {
        *product = dot(row, query);
    }
}

/// The cosine of the angle between two vectors of any length, -1 to 1. `None` if they differ in dimensions, or one has
/// length zero or a number that is not finite, or is so long that its square overflows.
///
/// # Examples
/// ```
/// assert_eq!(dsp::similarity::cosine(&[3.0, 4.0], &[6.0, 8.0]), Some(1.0));
/// assert_eq!(dsp::similarity::cosine(&[3.0, 4.0], &[0.0, 0.0]), None);
/// ```
pub fn cosine(left: &[f32], right: &[f32]) -> Option<f32> {
    if left.len() != right.len() {
        return None;
    }
    let lengths = dot(left, left).sqrt() * dot(right, right).sqrt();
    let cosine = dot(left, right) / lengths;
    cosine.is_finite().then(|| cosine.clamp(-1.0, 1.0)).filter(|_| lengths.is_finite())
}
