//! How each kind of model is trained and scored: the `training.rs` of its folder in `crates/kinds`.

use super::kind::ModelKind;

/// The modules of all kinds, and their registry.
macro_rules! kinds {
    ($($name:ident,)*) => {
        $(
            #[doc = concat!("The kind `", stringify!($name), "`.")]
            pub mod $name {
                pub mod training;
            }
        )*

        /// Every kind, by the name that the core gives it.
        pub(super) static REGISTRY: &[(&str, &dyn ModelKind)] = &[$((stringify!($name), $name::training::TRAINING)),*];
    };
}
include!("../../../kinds/list.rs");
