//! The form in which a session is kept, and the ones before.

use super::{
    super::{course::Course, reader::Reader},
    Session,
};
use crate::{sequence::Sequencer, state::Stored};
use model::Micros;
use serde::{Deserialize, Serialize};

impl Stored for Session {
    // 3: what packets show of their session is counted.
    // 4: cartridges keep the windows that left, and the newest one no more; what was written before reads the same.
    const VERSION: u32 = 4;

    fn older(version: u32, bytes: &[u8]) -> Option<Self> {
        if version == 3 {
            return postcard::from_bytes(bytes).ok();
        }
        let read = || postcard::from_bytes::<Former>(bytes).ok();
        let Former { period_us, sequencer, reader, heard, silent } = (version == 2).then(read).flatten()?;
        let course = Course::uncounted(sequencer.has_begun());
        Some(Self { period_us, sequencer, reader, heard, silent, course, touched: false })
    }
}

/// A session as version 2 wrote it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Former {
    pub(super) period_us: Option<u32>,
    pub(super) sequencer: Sequencer,
    pub(super) reader: Option<Reader>,
    pub(super) heard: Micros,
    pub(super) silent: bool,
}
