//! Writes the place of libtorch into the binary, so that it starts from any directory with no environment set.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    println!("cargo:rerun-if-changed=build.rs");
    let Ok(libtorch) = std::env::var("LIBTORCH") else {
        return;
    };
    let lib = Path::new(&libtorch).join("lib");
    let lib = lib.canonicalize().unwrap_or(lib);
    // Where 'make install' puts the libraries comes first, so that an installed worker needs no checkout.
    println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN/../lib/faceprobe");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
    // torch-sys links the C++ shim that needs these only at run time.
    println!("cargo:rustc-link-arg=-Wl,--no-as-needed");
}
