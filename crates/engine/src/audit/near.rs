//! Finds pairs of hashes that differ in few bits without comparing all pairs.
//!
//! Multi-index hashing (Norouzi, Punjani, Fleet: Fast search in Hamming space with multi-index hashing, CVPR 2012): a hash
//! is cut into 16 chunks of 16 bits. Two hashes that differ in at most 31 bits have a chunk in which they differ in at
//! most one, so looking up 17 neighbours of each chunk finds every such pair.

use super::image_statistics::{BITS, Hash, distance};
use std::collections::{HashMap, HashSet};

const CHUNK: usize = 16;
const CHUNKS: usize = BITS / CHUNK;
/// The largest distance for which every pair is found.
pub const FARTHEST: u32 = 2 * CHUNKS as u32 - 1;

fn chunk(hash: &Hash, number: usize) -> u16 {
    (hash[number / 4] >> (16 * (number % 4))) as u16
}

/// Hashes by their chunks.
pub struct Index<'a> {
    hashes: &'a [Hash],
    tables: Vec<HashMap<u16, Vec<u32>>>,
}

impl<'a> Index<'a> {
    pub fn new(hashes: &'a [Hash]) -> Self {
        let mut tables: Vec<HashMap<u16, Vec<u32>>> = vec![HashMap::new(); CHUNKS];
        for (at, hash) in (0u32..).zip(hashes) {
            for (number, table) in tables.iter_mut().enumerate() {
                table.entry(chunk(hash, number)).or_default().push(at);
            }
        }
        Self { hashes, tables }
    }

    /// Positions of the hashes at most `radius` bits from `hash`, ascending; `radius` is at most [`FARTHEST`].
    pub fn near(&self, hash: &Hash, radius: u32) -> Vec<usize> {
        let radius = radius.min(FARTHEST);
        let mut found = HashSet::new();
        for (number, table) in self.tables.iter().enumerate() {
            let own = chunk(hash, number);
            // With fewer than one difference per chunk on average, one chunk is equal.
            let neighbours = if radius < CHUNKS as u32 { 0 } else { CHUNK };
            let probes = std::iter::once(own).chain((0..neighbours).map(|bit| own ^ 1 << bit));
            for candidates in probes.filter_map(|probe| table.get(&probe)) {
                let near = candidates.iter().filter(|&&at| distance(&self.hashes[at as usize], hash) <= radius);
                found.extend(near.map(|&at| at as usize));
            }
        }
        let mut found: Vec<usize> = found.into_iter().collect();
        found.sort_unstable();
        found
    }
}

/// Disjoint sets (union-find): groups of items joined directly or through others.
pub struct Groups {
    parent: Vec<usize>,
}

impl Groups {
    pub fn new(count: usize) -> Self {
        Self { parent: (0..count).collect() }
    }

    /// The representative of the group of `at`.
    pub fn of(&mut self, mut at: usize) -> usize {
        while self.parent[at] != at {
            self.parent[at] = self.parent[self.parent[at]];
            at = self.parent[at];
        }
        at
    }

    /// Joins two groups; the smaller number represents them.
    pub fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.of(a), self.of(b));
        self.parent[a.max(b)] = a.min(b);
    }

    /// Groups of at least two, each ascending, in the order of their first members.
    pub fn several(&mut self) -> Vec<Vec<usize>> {
        let mut members: std::collections::BTreeMap<usize, Vec<usize>> = std::collections::BTreeMap::new();
        for at in 0..self.parent.len() {
            members.entry(self.of(at)).or_default().push(at);
        }
        members.into_values().filter(|group| group.len() > 1).collect()
    }
}
