//! Features in two dimensions: principal components, and t-SNE on the first of them.

mod pca;
mod tsne;

pub use pca::{Components, pca};
pub use tsne::tsne;
