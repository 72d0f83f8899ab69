//! Index of rows by image, with 40 bytes per row.

use crate::dataset::ContentHash;

/// The location of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Index of the part in the store.
    pub part: u32,
    pub row: u32,
}

/// Rows by the hash of their image. If an image has several rows, the one in the first part is used.
#[derive(Default)]
pub(super) struct RowIndex {
    /// Sorted by image, then by location.
    rows: Vec<(ContentHash, Place)>,
    images: usize,
}

impl RowIndex {
    /// The number of distinct images with a row.
    pub fn len(&self) -> usize {
        self.images
    }

    /// The location of an image's row.
    pub fn get(&self, key: &ContentHash) -> Option<Place> {
        let at = self.rows.partition_point(|(known, _)| known < key);
        self.rows.get(at).filter(|(known, _)| known == key).map(|(_, place)| *place)
    }

    /// Every image once, with the location of its row.
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
        // A stable sort merges sorted runs instead of sorting them again.
        self.rows.sort();
        self.count();
    }

    /// Removes the rows of parts that are not `kept`.
    pub fn retain(&mut self, kept: impl Fn(u32) -> bool) {
        self.rows.retain(|(_, place)| kept(place.part));
        self.count();
    }

    fn count(&mut self) {
        self.images = self.rows.chunk_by(|a, b| a.0 == b.0).count();
    }
}
