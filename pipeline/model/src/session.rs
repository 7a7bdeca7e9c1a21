//! A session as it stands: the fold of its life-cycle events.

use crate::{Micros, SessionId, UserId};
use serde::{Deserialize, Serialize};

/// One session; what is not known yet is absent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Session {
    /// Session.
    pub session: SessionId,
    /// Person measured.
    pub user: Option<UserId>,
    /// Device, as its maker names it.
    pub device: Option<String>,
    /// When it began.
    pub started_at: Option<Micros>,
    /// When it ended.
    pub ended_at: Option<Micros>,
    /// How it ended; absent while it is open.
    pub status: Option<String>,
}
