//! What stands for a vector in the fast pass: its difference from the centre of its cell in one byte per dimension.
//!
//! With centre `c`, a vector is `x = c + scale·code + rest`. For a query `y = step·levels + left over`, the exact
//! product is `⟨x, y⟩ = ⟨c, y⟩ + scale·⟨code, y⟩ + ⟨rest, c⟩ + ⟨rest, y − c⟩`. All but the last term is known when a
//! cell is scanned; the last is at most `‖rest‖·‖y − c‖` in size (Cauchy and Schwarz), and `⟨code, y⟩` differs from
//! `step·⟨code, levels⟩` by at most `‖code‖·‖left over‖`. Both norms are kept, rounded up.
//!
//! # Invariants
//! - Every bound holds for the score as [`dot`] gives it, rounded to `f32`, not only for real numbers: [`SLACK`] is more
//!   than all rounding together.
//! - Whole numbers are multiplied and added without overflow, so in any order and width the sum is the same.

/// What all rounding together cannot reach for vectors of length 1 ± [`super::TOLERANCE`]: half a unit in the last
/// place of a score near 1 and of `⟨rest, c⟩` (each at most 6·10⁻⁸, 1.2·10⁻⁷ above 1), and `f64` sums over at most
/// [`super::LONGEST`] terms (below 10⁻¹²).
pub(super) const SLACK: f64 = 5e-7;

/// Largest magnitude of a code.
const LEVELS: f64 = 127.0;

/// The product of two vectors, summed in eight lanes and one fixed order: the same on every processor, by every path.
///
/// A product of two `f32` is exact in `f64`.
pub(super) fn dot(left: &[f32], right: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; 8];
    let (left, left_rest) = left.as_chunks::<8>();
    let (right, right_rest) = right.as_chunks::<8>();
    for (left, right) in left.iter().zip(right) {
        for lane in 0..8 {
            lanes[lane] += f64::from(left[lane]) * f64::from(right[lane]);
        }
    }
    for ((lane, left), right) in lanes.iter_mut().zip(left_rest).zip(right_rest) {
        *lane += f64::from(*left) * f64::from(*right);
    }
    let pairs: [f64; 4] = std::array::from_fn(|lane| lanes[lane] + lanes[lane + 4]);
    (pairs[0] + pairs[1]) + (pairs[2] + pairs[3])
}

/// The product in single precision, for choices that need no bound: twice as fast, and as repeatable.
pub(super) fn rough(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 16];
    let (left, left_rest) = left.as_chunks::<16>();
    let (right, right_rest) = right.as_chunks::<16>();
    for (left, right) in left.iter().zip(right) {
        for lane in 0..16 {
            lanes[lane] += left[lane] * right[lane];
        }
    }
    for ((lane, left), right) in lanes.iter_mut().zip(left_rest).zip(right_rest) {
        *lane += left * right;
    }
    lanes.iter().sum()
}

/// A code times the levels of a query, as whole numbers.
///
/// In blocks of 32 a compiler makes it of the multiply-and-add-pairs of 16-bit numbers that every x86-64 and ARM has; on
/// the measured machine it is as fast as memory, and wider vectors gain nothing.
pub(super) fn product(code: &[i8], levels: &[i16]) -> i32 {
    let times = |code: &[i16], levels: &[i16]| -> i32 {
        code.iter().zip(levels).map(|(code, level)| i32::from(*code) * i32::from(*level)).sum()
    };
    let (code, code_rest) = code.as_chunks::<32>();
    let (levels, levels_rest) = levels.as_chunks::<32>();
    let blocks = code.iter().zip(levels).map(|(code, levels)| times(&code.map(i16::from), levels));
    let rest = code_rest.iter().zip(levels_rest).map(|(code, level)| i32::from(*code) * i32::from(*level));
    blocks.sum::<i32>() + rest.sum::<i32>()
}

/// What is known of a vector besides its code.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coded {
    /// What one level of the code is worth.
    pub(super) scale: f32,
    /// `‖rest‖`, rounded up.
    pub(super) rest: f32,
    /// `scale·‖code‖`, rounded up.
    pub(super) length: f32,
    /// `⟨rest, centre⟩`.
    pub(super) along: f32,
}

/// Appends the code of `vector` about `centre` to `codes`.
pub(super) fn encode(vector: &[f32], centre: &[f32], codes: &mut Vec<i8>) -> Coded {
    let differences =
        || vector.iter().zip(centre).map(|(value, centre)| f64::from(*value) - f64::from(*centre));
    let largest = differences().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    let scale = (largest / LEVELS) as f32;
    let inverse = if scale > 0.0 { 1.0 / f64::from(scale) } else { 0.0 };
    let (mut rest, mut length, mut along) = (0.0, 0.0, 0.0);
    for (difference, centre) in differences().zip(centre) {
        let level = (difference * inverse).round_ties_even().clamp(-LEVELS, LEVELS);
        let coded = f64::from(scale) * level;
        let left = difference - coded;
        rest += left * left;
        length += coded * coded;
        along += left * f64::from(*centre);
        codes.push(level as i8);
    }
    Coded { scale, rest: up(rest), length: up(length), along: along as f32 }
}

/// The root of a sum of squares, rounded up by more than the sum can be short.
fn up(squares: f64) -> f32 {
    ((squares.sqrt() * (1.0 + 1e-9)) as f32).next_up()
}

/// A query, ready to be held against cells.
#[derive(Debug)]
pub(super) struct Query<'a> {
    pub(super) vector: &'a [f32],
    pub(super) levels: Vec<i16>,
    /// What one level is worth.
    pub(super) step: f64,
    /// `‖left over‖`, rounded up.
    pub(super) left: f64,
    /// `⟨y, y⟩`.
    pub(super) square: f64,
}

impl<'a> Query<'a> {
    pub(super) fn new(vector: &'a [f32]) -> Self {
        // The most for which no sum over all dimensions leaves 32 bits.
        let most = f64::from(i32::MAX) / (LEVELS * vector.len() as f64);
        let most = most.floor().min(f64::from(i16::MAX));
        let largest = vector.iter().fold(0.0, |largest: f64, value| largest.max(f64::from(value.abs())));
        let step = largest / most;
        let inverse = if step > 0.0 { 1.0 / step } else { 0.0 };
        let mut left = 0.0;
        let levels = vector.iter().map(|value| {
            let level = (f64::from(*value) * inverse).round_ties_even().clamp(-most, most);
            left += (f64::from(*value) - step * level).powi(2);
            level as i16
        });
        let levels = levels.collect();
        Self { vector, levels, step, left: left.sqrt() * (1.0 + 1e-9), square: dot(vector, vector) }
    }
}
