//! Any image to a label with its probability.
