//! What a record is: its rate, its length, and its signals, as header(5) describes it.

use super::Problem;

/// Samples per second where a header names no rate.
const DEFAULT_RATE_HZ: f64 = 250.0;
/// The lead that is replayed if it is there: modified limb lead II, the upper one of most MIT-BIH records.
const LEAD: &str = "MLII";
/// The unit of an electrocardiogram, and of every signal whose header names none.
const UNIT: &str = "mV";

const NOT_A_HEADER: Problem =
    "it is no WFDB header, write a record line \"NAME SIGNALS RATE SAMPLES\" and one line per signal";
const BAD_SIGNAL: Problem = "the line of a signal cannot be read, write it as header(5) of WFDB describes it";

/// A header.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Header {
    pub(super) rate_hz: f64,
    /// Samples of each signal, where the header says.
    pub(super) samples: Option<usize>,
    /// One or two.
    pub(super) signals: Vec<Signal>,
    /// Which signal is replayed.
    pub(super) lead: usize,
}

/// A signal of the file, in steps of its converter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Signal {
    /// Steps per mV; finite and not zero.
    pub(super) gain: f64,
    /// The step that is 0 mV.
    pub(super) baseline: i32,
    /// The first sample, where the header says.
    pub(super) initial: Option<i32>,
    /// The low 16 bits of the sum of all samples, where the header says.
    pub(super) checksum: Option<i16>,
    is_millivolt: bool,
    is_named: bool,
}

impl Header {
    /// Reads a header.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let text = str::from_utf8(bytes).map_err(|_| NOT_A_HEADER)?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut fields = lines.next().ok_or(NOT_A_HEADER)?.split_ascii_whitespace();
        if fields.next().is_none_or(|name| name.contains('/')) {
            return Err("it has several segments, replay each segment as a record of its own");
        }
        let count = fields.next().and_then(|field| field.parse::<usize>().ok()).ok_or(NOT_A_HEADER)?;
        if !(1..=2).contains(&count) {
            return Err(
                "only records of one or two signals are replayed, copy the lead to a record of its own",
            );
        }
        let rate_hz = match fields.next() {
            None => DEFAULT_RATE_HZ,
            // A counter frequency may follow: 360/125(0).
            Some(field) => {
                let rate = field.split('/').next().unwrap_or_default();
                rate.parse().map_err(|_| NOT_A_HEADER)?
            }
        };
        let samples = match fields.next() {
            None => None,
            Some(field) => Some(field.parse::<usize>().map_err(|_| NOT_A_HEADER)?).filter(|count| *count > 0),
        };
        let signals: Vec<_> = lines.by_ref().take(count).map(Signal::read).collect::<Result<_, _>>()?;
        if signals.len() < count || lines.next().is_some() {
            return Err(
                "the lines of signals are not as many as its record line says, copy the whole header",
            );
        }
        let named = signals.iter().position(|signal| signal.is_millivolt && signal.is_named);
        let lead = named
            .or_else(|| signals.iter().position(|signal| signal.is_millivolt))
            .ok_or("no signal is in mV, an electrocardiogram is replayed in mV")?;
        Ok(Self { rate_hz, samples, signals, lead })
    }
}

impl Signal {
    /// Reads `line`: file, format, gain, resolution, zero, initial value, checksum, block size, description.
    fn read(line: &str) -> Result<Self, Problem> {
        let mut fields = Fields(line);
        let (_file, format) = (fields.next(), fields.next());
        if format != Some("212") {
            return Err("only format 212 without skew or offset is read, convert it with xform of WFDB");
        }
        let gain = fields.next();
        let _resolution = fields.number::<u8>()?;
        let zero = fields.number::<i32>()?.unwrap_or(0);
        let initial = fields.number()?;
        let checksum = fields.number()?;
        let _block_size = fields.number::<i64>()?;
        let (gain, unit) = gain.unwrap_or("0").split_once('/').unwrap_or((gain.unwrap_or("0"), UNIT));
        let (gain, baseline) = match gain.split_once('(') {
            None => (gain, zero),
            Some((gain, rest)) => {
                let baseline = rest.strip_suffix(')').and_then(|baseline| baseline.parse().ok());
                (gain, baseline.ok_or(BAD_SIGNAL)?)
            }
        };
        let gain = gain.parse::<f64>().ok().filter(|gain| gain.is_finite()).ok_or(BAD_SIGNAL)?;
        if gain == 0.0 {
            return Err("a signal is not calibrated, write its steps per mV after its format");
        }
        let is_named = fields.0.trim().eq_ignore_ascii_case(LEAD);
        Ok(Self { gain, baseline, initial, checksum, is_millivolt: unit == UNIT, is_named })
    }
}

/// The rest of a line, of which fields are taken.
struct Fields<'a>(&'a str);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let rest = self.0.trim_start();
        let end = rest.find(|letter: char| letter.is_ascii_whitespace()).unwrap_or(rest.len());
        let (field, rest) = rest.split_at(end);
        self.0 = rest;
        (!field.is_empty()).then_some(field)
    }

    /// The next field as a number, if the line has it.
    fn number<T: std::str::FromStr>(&mut self) -> Result<Option<T>, Problem> {
        self.next().map(|field| field.parse().map_err(|_| BAD_SIGNAL)).transpose()
    }
}
