//! What can go wrong, by chance or by script.

use crate::Error;

/// How often what goes wrong, in so many of 1,000 cases, and what the client does about it. All zero is a log without
/// faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The request that ends a transaction is held up; the client asks again after its socket timeout.
    pub end_late: u16,
    /// It is answered at once, and a copy arrives later: its connection broke and the client repeated it.
    pub end_repeated: u16,
    /// It is carried out, the answer is lost and the client gives up.
    pub end_reply_lost: u16,
    /// It is lost and the client gives up.
    pub end_request_lost: u16,
    /// The client gives up first, then it arrives.
    pub end_after_giving_up: u16,
    /// A second request for a producer epoch arrives later and fences the producer that asked for it.
    pub open_repeated: u16,
    /// Records are not acknowledged in time; about half of them are appended.
    pub produce_timeout: u16,
    /// Records stay in the client until more come or the transaction ends.
    pub produce_later: u16,
    /// Markers, and with them visibility, come some time after the answer to the commit, each at its own time.
    pub markers_late: u16,
    /// `begin` fails.
    pub begin_fails: u16,
    /// `send` fails.
    pub send_fails: u16,
    /// `commit` fails before the broker is asked to end the transaction.
    pub commit_fails: u16,
    /// The brokers cannot be reached for up to 40 simulated seconds.
    pub outage: u16,
    /// A broker restarts: requests under way are gone, connections break.
    pub restart: u16,
    /// A poll returns fewer records than there are.
    pub poll_few: u16,
    /// A poll returns nothing although there is something.
    pub poll_none: u16,
    /// Plants a bug: a writer goes on with a producer whose stray requests may be under way.
    pub reuse_after_doubt: bool,
}

impl Faults {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        end_late: 0,
        end_repeated: 0,
        end_reply_lost: 0,
        end_request_lost: 0,
        end_after_giving_up: 0,
        open_repeated: 0,
        produce_timeout: 0,
        produce_later: 0,
        markers_late: 0,
        begin_fails: 0,
        send_fails: 0,
        commit_fails: 0,
        outage: 0,
        restart: 0,
        poll_few: 0,
        poll_none: 0,
        reuse_after_doubt: false,
    };

    /// Everything that can go wrong goes wrong, a few times in a run of some hundred calls.
    pub const ALL: Self = Self {
        end_late: 40,
        end_repeated: 40,
        end_reply_lost: 30,
        end_request_lost: 30,
        end_after_giving_up: 30,
        open_repeated: 30,
        produce_timeout: 10,
        produce_later: 300,
        markers_late: 200,
        begin_fails: 10,
        send_fails: 5,
        commit_fails: 20,
        outage: 5,
        restart: 5,
        poll_few: 200,
        poll_none: 100,
        reuse_after_doubt: false,
    };
}

/// What becomes of the request that ends a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is carried out and answered.
    Answered,
    /// It arrives after so many milliseconds; the client asks again after its socket timeout.
    Late(u64),
    /// It is carried out and answered; a copy arrives after so many milliseconds.
    Repeated(u64),
    /// It is carried out; the client hears nothing and gives up.
    ReplyLost,
    /// It is not carried out; the client gives up.
    RequestLost,
    /// The client gives up; it arrives after so many milliseconds.
    AfterGivingUp(u64),
}

/// A call that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// [`crate::Log::writer`], and where a writer replaces its producer.
    Open,
    /// [`crate::Writer::begin`].
    Begin,
    /// [`crate::Writer::send`].
    Send,
    /// [`crate::Writer::commit`], before the broker is asked to end the transaction.
    Commit,
    /// [`crate::Writer::abort`].
    Abort,
}

/// What the script says comes next.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) ends: std::collections::VecDeque<End>,
    pub(super) errors: Vec<(Call, Error)>,
}

impl Script {
    pub(super) fn error(&mut self, call: Call) -> Option<Error> {
        let found = self.errors.iter().position(|(at, _)| *at == call)?;
        Some(self.errors.remove(found).1)
    }
}
