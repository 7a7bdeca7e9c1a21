//! The memory of one question: its own limit inside the limit of all.

use datafusion::{
    common::Result,
    execution::memory_pool::{GreedyMemoryPool, MemoryLimit, MemoryPool, MemoryReservation},
};
use std::{fmt, sync::Arc};

/// A pool that grants what both limits grant.
#[derive(Debug)]
pub(crate) struct Share {
    own: GreedyMemoryPool,
    all: Arc<dyn MemoryPool>,
}

impl Share {
    /// At most `bytes`, out of `all`.
    pub(crate) fn new(bytes: usize, all: Arc<dyn MemoryPool>) -> Self {
        Self { own: GreedyMemoryPool::new(bytes), all }
    }
}

impl MemoryPool for Share {
    fn name(&self) -> &'static str {
        "share"
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.own.grow(reservation, additional);
        self.all.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.own.shrink(reservation, shrink);
        self.all.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.own.try_grow(reservation, additional)?;
        self.all.try_grow(reservation, additional).inspect_err(|_| self.own.shrink(reservation, additional))
    }

    fn reserved(&self) -> usize {
        self.own.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.own.memory_limit()
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.own, self.all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::execution::memory_pool::MemoryConsumer;

    #[test]
    fn a_question_gets_its_own_limit_within_that_of_all() {
        let all: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(100));
        let share = |bytes| Arc::new(Share::new(bytes, Arc::clone(&all))) as Arc<dyn MemoryPool>;
        let (first, second) = (share(80), share(80));
        let reserve = |pool: &Arc<dyn MemoryPool>| MemoryConsumer::new("test").register(pool);
        let (one, two) = (reserve(&first), reserve(&second));

        assert!(one.try_grow(81).is_err(), "over its own limit");
        one.try_grow(80).expect("within both");
        assert!(two.try_grow(21).is_err(), "over the limit of all");
        assert_eq!(second.reserved(), 0, "a refusal takes nothing");
        two.try_grow(20).expect("the rest");
        drop((one, two));
        assert_eq!((first.reserved(), all.reserved()), (0, 0));
    }
}
