//! The pretrained networks, a registry of them, and their weights.
