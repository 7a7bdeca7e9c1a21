//! Finds the fingerprints most similar to one: an index of unit vectors that follows inserts, revisions and deletions.
//!
//! One index holds one partition: fingerprints of one layout, normaliser, cartridge category and type, which alone can be
//! compared. The score is the dot product, of unit vectors the cosine.
//!
//! Vectors are kept in cells of neighbours, each with a centre (an inverted file; Jégou, Douze, Schmid, "Product
//! quantization for nearest neighbor search", IEEE Trans. Pattern Anal. Mach. Intell. 33(1), 2011), and in each cell once
//! more as one byte per dimension. A search reads the bytes, with a proven bound of what they leave out, and then
//! the few vectors that can be in the result. A cell that grows too large is divided, one that becomes too small is
//! dissolved into its neighbours (as in Xu et al., "`SPFresh`", SOSP 2023), so nothing is ever trained anew and an
//! epoch costs work in proportion to its changes.
//!
//! # Layout
//! [`Book`] holds an index for each partition and what is known of each session. [`Index`] takes the changes of an epoch; [`Version`] is what it was after one, for any number of threads to search.
//!
//! # Invariants
//! - Up to [`Options::exact`] vectors a search gives the same ids and scores, to the last bit, as scoring every vector in
//!   full; beyond, a result says how much of it is proven to be that.
//! - The state depends on the epochs and on what each changed, not on the order of changes within an epoch.
//! - Every vector in the index is finite and of length one, to [`TOLERANCE`].
//! - A version never changes. The next epoch copies the cells it touches and no others.

mod book;
mod cell;
mod code;
mod divide;
mod search;
#[cfg(test)]
mod tests;
mod upkeep;
mod vote;

pub use book::Book;
pub use search::Found;
pub use vote::vote;

use cell::Cell;
use code::{Query, dot};
use std::{cmp::Ordering, collections::BTreeMap, sync::Arc};

/// How far the norm of a vector may be from one.
pub const TOLERANCE: f64 = 1e-3;
/// The most dimensions a vector can have.
pub const LONGEST: usize = 8_192;
/// The most neighbours a search gives.
pub const MOST: usize = 100;
/// A cell with more rows is divided; one with less than a tenth of them is dissolved.
///
/// 512 codes of 896 dimensions are 0.5 MB: what an epoch copies for one change at most.
const FULL: usize = 512;

/// What an index is for, and how much a search may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Values of one vector: 1 to [`LONGEST`]; the layouts have 88, 448 and 896.
    pub dimensions: usize,
    /// Up to so many vectors a search is exact.
    pub exact: usize,
    /// With more, a search looks at about so many vectors, in the cells nearest to the query.
    pub scan: usize,
}

impl Options {
    /// Exact up to 200,000 vectors (Specification §4.9); beyond, about 32,000 at most are looked at.
    pub fn new(dimensions: usize) -> Self {
        Self { dimensions, exact: 200_000, scan: 32_000 }
    }
}

/// A vector, or a question, that the index cannot work with.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The options ask for no dimension or for too many.
    #[error("{dimensions} dimensions are not supported; choose 1 to {LONGEST}")]
    Dimensions {
        /// Dimensions asked for.
        dimensions: usize,
    },
    /// The vector has another number of dimensions than the index.
    #[error("vector of {given} dimensions does not fit an index of {expected}; it is of another layout")]
    Length {
        /// Dimensions of the vector.
        given: usize,
        /// Dimensions of the index.
        expected: usize,
    },
    /// The vector is not of length one; NaN and infinite values have no length either.
    #[error("vector has the norm {norm}; normalise it to 1 first")]
    Norm {
        /// Its length.
        norm: f64,
    },
    /// More neighbours than an index gives, or none.
    #[error("{k} neighbours cannot be asked for; choose 1 to {MOST}")]
    Neighbours {
        /// Neighbours asked for.
        k: usize,
    },
}

/// The vectors of one partition after some epoch.
///
/// A clone is the same version, and costs a counter.
#[derive(Debug, Clone)]
pub struct Version<Id> {
    options: Options,
    cells: Arc<Vec<Arc<Cell<Id>>>>,
    rows: usize,
}

/// The vectors of one partition, and where each stands.
#[derive(Debug)]
pub struct Index<Id> {
    version: Version<Id>,
    home: BTreeMap<Id, usize>,
    /// Rows beyond which a cell is divided.
    full: usize,
}

impl<Id: Ord + Clone> Version<Id> {
    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The `k` vectors with the highest dot product with `vector`, a vector of length one, without those `exclude` says
    /// yes to (a fingerprint itself, or those of a batch that is left out).
    ///
    /// Fewer are found if there are fewer.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Norm`], [`Error::Neighbours`].
    pub fn search(
        &self,
        vector: &[f32],
        k: usize,
        exclude: impl Fn(&Id) -> bool,
    ) -> Result<Found<Id>, Error> {
        let limit = if self.rows <= self.options.exact { usize::MAX } else { self.options.scan };
        self.look(vector, k, limit, exclude)
    }

    /// Like [`Version::search`], exact whatever it costs.
    ///
    /// # Errors
    /// Those of [`Version::search`].
    pub fn search_exact(
        &self,
        vector: &[f32],
        k: usize,
        exclude: impl Fn(&Id) -> bool,
    ) -> Result<Found<Id>, Error> {
        self.look(vector, k, usize::MAX, exclude)
    }

    /// Share of the `k` true neighbours that [`Version::search`] finds, over `questions` of the index's own vectors, each
    /// without itself; they are taken evenly from all cells. `None` with fewer than two vectors.
    pub fn recall(&self, k: usize, questions: usize) -> Option<f64> {
        let rows = self.cells.iter().flat_map(|cell| cell.rows());
        let stride = (self.rows / questions.max(1)).max(1);
        let (mut found, mut wanted) = (0, 0);
        for row in rows.step_by(stride).take(questions) {
            let truth = self.search_exact(&row.vector, k, |id| *id == row.id).ok()?.neighbours;
            let answer = self.search(&row.vector, k, |id| *id == row.id).ok()?.neighbours;
            wanted += truth.len();
            found += answer.iter().filter(|neighbour| truth.contains(neighbour)).count();
        }
        (wanted > 0).then(|| found as f64 / wanted as f64)
    }

    /// Bytes held, without what an allocator adds.
    pub fn bytes(&self) -> usize {
        self.cells.iter().map(|cell| cell.bytes() + size_of::<usize>()).sum()
    }

    fn look(
        &self,
        vector: &[f32],
        k: usize,
        limit: usize,
        exclude: impl Fn(&Id) -> bool,
    ) -> Result<Found<Id>, Error> {
        check(vector, self.options.dimensions)?;
        if k == 0 || k > MOST {
            return Err(Error::Neighbours { k });
        }
        Ok(search::search(&self.cells, &Query::new(vector), k, limit, exclude))
    }
}

impl<Id: Ord + Clone> Index<Id> {
    /// An index of nothing yet.
    ///
    /// # Errors
    /// [`Error::Dimensions`].
    pub fn new(options: Options) -> Result<Self, Error> {
        let dimensions = options.dimensions;
        if dimensions == 0 || dimensions > LONGEST {
            return Err(Error::Dimensions { dimensions });
        }
        let version = Version { options, cells: Arc::default(), rows: 0 };
        Ok(Self { version, home: BTreeMap::new(), full: FULL })
    }

    /// What the index is now; later epochs do not change it.
    pub fn version(&self) -> Version<Id> {
        self.version.clone()
    }

    /// [`Version::search`] in what the index is now.
    ///
    /// # Errors
    /// Those of [`Version::search`].
    pub fn search(
        &self,
        vector: &[f32],
        k: usize,
        exclude: impl Fn(&Id) -> bool,
    ) -> Result<Found<Id>, Error> {
        self.version.search(vector, k, exclude)
    }

    /// Takes the changes of one epoch: each id has its new vector, or none any more. Gives the ids whose vectors were
    /// refused, in order; they are not in the index afterwards, for what they were before is not true any more.
    ///
    /// An id may occur more than once, as the retraction and the assertion of a revision do: a vector outweighs
    /// its absence, and of several vectors the last in lexicographic order stands.
    ///
    /// # Errors
    /// [`Error::Length`] and [`Error::Norm`], beside the id.
    pub fn apply<'a>(
        &mut self,
        changes: impl IntoIterator<Item = (Id, Option<&'a [f32]>)>,
    ) -> Vec<(Id, Error)> {
        let mut changes: Vec<_> = changes.into_iter().collect();
        changes.sort_by(|left, right| left.0.cmp(&right.0).then_with(|| weigh(left.1, right.1)));
        let mut refused = Vec::new();
        let mut changes = changes.into_iter().peekable();
        while let Some((id, vector)) = changes.next() {
            if changes.peek().is_some_and(|(next, _)| *next == id) {
                continue;
            }
            if vector.is_some_and(|vector| self.holds(&id, vector)) {
                continue;
            }
            self.remove(&id);
            match vector.map(|vector| (vector, check(vector, self.version.options.dimensions))) {
                Some((vector, Ok(()))) => self.insert(id, Arc::from(vector)),
                Some((_, Err(error))) => refused.push((id, error)),
                None => {}
            }
        }
        refused
    }

    /// Bytes held, without what an allocator adds.
    pub fn bytes(&self) -> usize {
        // A tree of nodes that are at least half full.
        self.version.bytes() + self.home.len() * 3 / 2 * size_of::<(Id, usize)>()
    }
}

/// Whether a vector can be compared.
fn check(vector: &[f32], expected: usize) -> Result<(), Error> {
    if vector.len() != expected {
        return Err(Error::Length { given: vector.len(), expected });
    }
    let norm = dot(vector, vector).sqrt();
    if (norm - 1.0).abs() <= TOLERANCE { Ok(()) } else { Err(Error::Norm { norm }) }
}

/// No vector before a vector, else the order of their values.
fn weigh(left: Option<&[f32]>, right: Option<&[f32]>) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) => {
            let values = left.iter().zip(right).map(|(left, right)| left.total_cmp(right));
            values.fold(Ordering::Equal, Ordering::then).then(left.len().cmp(&right.len()))
        }
        _ => left.is_some().cmp(&right.is_some()),
    }
}
