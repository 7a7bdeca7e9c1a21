//! A session as it stands: what its life-cycle events say and what its packets show.

use crate::{Micros, SessionId, SessionStream, UserId};
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
    /// How far its packets came; absent if none did, and then not part of the identity that older versions gave the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<SessionStream>,
}
