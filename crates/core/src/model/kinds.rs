//! What each kind of model is: the `settings.rs` of its folder in `crates/kinds`.

use super::KindInfo;

/// The modules of all kinds, and their registry.
macro_rules! kinds {
    ($($name:ident,)*) => {
        $(
            #[doc = concat!("What the kind `", stringify!($name), "` is.")]
            pub mod $name {
                mod settings;
                pub use settings::*;
            }
        )*

        /// All kinds, in the order of help texts and forms.
        pub static REGISTRY: &[&KindInfo] = &[$(&$name::KIND),*];
    };
}
include!("../../../kinds/list.rs");
