//! Where each image's row is, in 40 bytes per row.

use crate::dataset::ContentHash;

/// Where a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Index of the part in the store.
    pub part: u32,
    pub row: u32,
}

/// Rows by the hash of their image. Of an image with several rows the first part's counts.
#[derive(Default)]
pub(super) struct RowIndex {
    /// Ascending by image, then by place.
    rows: Vec<(ContentHash, Place)>,
    images: usize,
}

impl RowIndex {
    /// How many different images have a row.
    pub fn len(&self) -> usize {
        self.images
    }

    /// The place of an image's row.
    pub fn get(&self, key: &ContentHash) -> Option<Place> {
        let at = self.rows.partition_point(|(known, _)| known < key);
        self.rows.get(at).filter(|(known, _)| known == key).map(|(_, place)| *place)
    }

    /// Each image once, with the place of its row.
    pub fn iter(&self) -> impl Iterator<Item = (ContentHash, Place)> {
        self.rows.chunk_by(|a, b| a.0 == b.0).filter_map(|rows| rows.first().copied())
    }

    /// Adds rows.
    pub fn add(&mut self, rows: Vec<(ContentHash, Place)>) {
        if self.rows.is_empty() {
            self.rows = rows;
        } else {
            self.rows.extend(rows);
        }
        // A stable sort joins what is sorted already instead of sorting it again.
        self.rows.sort();
        self.count();
    }

    /// Forgets the rows of parts that are not `kept`.
    pub fn retain(&mut self, kept: impl Fn(u32) -> bool) {
        self.rows.retain(|(_, place)| kept(place.part));
        self.count();
    }

    fn count(&mut self) {
        self.images = self.rows.chunk_by(|a, b| a.0 == b.0).count();
    }
}
