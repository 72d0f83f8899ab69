//! File bytes to network input: decode, orient, resize, normalise.
