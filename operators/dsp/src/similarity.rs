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

/// Rows whose products are formed side by side: their sums fill half the registers of an x86-64.
const TOGETHER: usize = 2;

/// The dot product of two vectors; what one has more than the other is left out.
///
/// # Examples
/// ```
/// assert_eq!(dsp::similarity::dot(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]), 32.0);
/// ```
pub fn dot(left: &[f32], right: &[f32]) -> f32 {
    let count = left.len().min(right.len());
    let [product] = together([&left[..count]], &right[..count]);
    product
}

/// The dot products of as many vectors with one of the same length, side by side: the additions of one wait for each other,
/// those of several do not.
#[inline(never)]
fn together<const ROWS: usize>(rows: [&[f32]; ROWS], query: &[f32]) -> [f32; ROWS] {
    let (blocks, rest) = query.as_chunks::<LANES>();
    let whole = rows.map(|row| &row.as_chunks::<LANES>().0[..blocks.len()]);
    let mut sums = [[0.0; LANES]; ROWS];
    for (number, block) in blocks.iter().enumerate() {
        for row in 0..ROWS {
            add(&mut sums[row], &whole[row][number], block);
        }
    }
    if !rest.is_empty() {
        // Filled up with zeros: their product changes no sum, not even its sign, since none begins at negative zero.
        let filled = |values: &[f32]| {
            let mut block = [0.0; LANES];
            block[..rest.len()].copy_from_slice(&values[values.len() - rest.len()..]);
            block
        };
        for (sums, row) in sums.iter_mut().zip(rows) {
            add(sums, &filled(row), &filled(query));
        }
    }
    sums.map(|sums| total(&sums))
}

#[inline]
fn add(sums: &mut [f32; LANES], left: &[f32; LANES], right: &[f32; LANES]) {
    for lane in 0..LANES {
        sums[lane] += left[lane] * right[lane];
    }
}

/// Adds the lanes up pairwise. Not inlined: the compiler would deal the lanes of the loop before it to registers as the last
/// pairs need them, and shuffle them in every round.
#[inline(never)]
fn total(sums: &[f32; LANES]) -> f32 {
    let mut lanes = *sums;
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
    let mut rows = rows.chunks_exact(query.len());
    let mut products = products.chunks_exact_mut(TOGETHER);
    for products in &mut products {
        let Some(first) = rows.next() else { return };
        let Some(second) = rows.next() else {
            products[0] = dot(first, query);
            return;
        };
        products.copy_from_slice(&together([first, second], query));
    }
    for (row, product) in rows.zip(products.into_remainder()) {
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
