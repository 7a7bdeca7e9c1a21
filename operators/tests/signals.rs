//! Breath and heart from packets to rows, against second computations that know no packets.
//!
//! Why each family exists: `made` proves that rows are what the calculator says of the samples, and that neither loss of
//! order, nor copies, nor late packets, nor batches show in them; `recorded` proves that the way from packets to rows
//! loses nothing of what the calculator finds in recordings of people; `mains` that a rate at which the mains cannot be
//! told from the signal is refused or told of; `loss` says what lost, copied and displaced
//! packets cost the heart rate on recordings of people; `irregular` and `wrapped` drive what two real devices wrote, whose
//! stamps stall and repeat and whose counter wraps, and account for every packet.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "signals/irregular.rs"]
mod irregular;
#[path = "signals/loss.rs"]
mod loss;
#[path = "signals/made.rs"]
mod made;
#[path = "signals/mains.rs"]
mod mains;
#[path = "signals/recorded.rs"]
mod recorded;
#[path = "signals/run.rs"]
mod run;
#[path = "signals/trouble.rs"]
mod trouble;
#[path = "signals/wire.rs"]
mod wire;
#[path = "signals/wrapped.rs"]
mod wrapped;
