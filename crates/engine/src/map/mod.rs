//! Two-dimensional maps of features: PCA, and t-SNE on the first principal components.

mod pca;
mod tsne;

pub use pca::{Components, pca};
pub use tsne::tsne;
