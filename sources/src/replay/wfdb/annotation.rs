//! Where the beats of a record are, from its annotations in MIT format, as annot(5) describes it.
//!
//! Each annotation is a pair of bytes, the low one first: six bits of code, ten bits of time since the one before.
//! Codes from 59 on carry what belongs to an annotation: a longer time (`SKIP`), its number (`NUM`), its subtype
//! (`SUB`), its signal (`CHN`), text (`AUX`). Beats are those of all signals.

use super::{super::track::Mark, Problem};

const NOTE: u16 = 22;
const SKIP: u16 = 59;
const NUM: u16 = 60;
const SUB: u16 = 61;
const CHN: u16 = 62;
const AUX: u16 = 63;

/// How a note begins that says in which rate the file counts time.
const RESOLUTION: &[u8] = b"## time resolution:";

const CUT: Problem = "it ends within its annotations, copy it again from its source";
const FOREIGN: Problem = "an annotation is outside the record, put the annotations of this record beside it";

/// Whether `code` marks a beat.
///
/// The beat annotations of PhysioNet, <https://archive.physionet.org/physiobank/annotations.shtml>, by their numbers in
/// `ecgcodes.h` of WFDB: N L R a V F J A S E j / Q are 1 to 13, then B, ?, e, n, f and r. A flutter wave (`!`, 31) and
/// a P wave that was not conducted (`x`, 37) are none there.
fn is_beat(code: u16) -> bool {
    matches!(code, 1..=13 | 25 | 30 | 34 | 35 | 38 | 41)
}

/// Whether a beat of `code` comes from the sinus node: N, and L and R, whose bundle branch is blocked.
fn is_normal(code: u16) -> bool {
    matches!(code, 1..=3)
}

/// The beats, in order, of a record of `samples` samples at `rate_hz`.
pub(super) fn beats(bytes: &[u8], samples: usize, rate_hz: f64) -> Result<Vec<Mark>, Problem> {
    let mut rest = Pairs(bytes);
    let (mut at, mut beats, mut is_note) = (0_i64, Vec::new(), false);
    loop {
        let pair = rest.next()?;
        let (code, value) = (pair >> 10, pair & 0x3ff);
        match code {
            0 if value == 0 => break,
            SKIP => at = at.saturating_add(rest.interval()?.into()),
            NUM | SUB | CHN => {}
            AUX => {
                let text = rest.text(value.into())?;
                if is_note && !is_same_rate(text, rate_hz) {
                    return Err(
                        "it counts time in another rate than the record, write it in samples of the record",
                    );
                }
            }
            _ => {
                at = at.saturating_add(value.into());
                let sample = usize::try_from(at).ok().filter(|sample| *sample < samples).ok_or(FOREIGN)?;
                is_note = code == NOTE;
                if is_beat(code) {
                    beats.push(Mark { sample, is_normal: is_normal(code) });
                }
            }
        }
    }
    if rest.0.iter().any(|byte| *byte != 0) {
        return Err("bytes follow the end of its annotations, copy it again from its source");
    }
    // Annotations may stand out of order.
    beats.sort_unstable();
    Ok(beats)
}

/// Whether a note leaves the rate at which the file counts as it is.
fn is_same_rate(note: &[u8], rate_hz: f64) -> bool {
    note.strip_prefix(RESOLUTION).is_none_or(|rate| {
        let rate =
            str::from_utf8(rate).ok().and_then(|rate| rate.trim_matches(['\0', ' ']).parse::<f64>().ok());
        rate.is_some_and(|rate| (rate - rate_hz).abs() <= 1e-6 * rate_hz)
    })
}

/// The bytes that were not read yet.
struct Pairs<'a>(&'a [u8]);

impl<'a> Pairs<'a> {
    fn next(&mut self) -> Result<u16, Problem> {
        let (pair, rest) = self.0.split_first_chunk().ok_or(CUT)?;
        self.0 = rest;
        Ok(u16::from_le_bytes(*pair))
    }

    /// A long interval: the high pair of bytes goes first.
    fn interval(&mut self) -> Result<i32, Problem> {
        let (high, low) = (self.next()?, self.next()?);
        Ok((i32::from(high as i16) << 16) | i32::from(low))
    }

    /// `length` bytes, filled up to an even number.
    fn text(&mut self, length: usize) -> Result<&'a [u8], Problem> {
        let (text, rest) = self.0.split_at_checked(length.next_multiple_of(2)).ok_or(CUT)?;
        self.0 = rest;
        Ok(&text[..length])
    }
}
