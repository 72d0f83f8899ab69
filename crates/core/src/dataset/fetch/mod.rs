//! Downloads of data sets: [`adience`], which needs a registration, and [`congress`], which needs none.
//!
//! A file has a hidden name until it is complete, and an archive is unpacked into a temporary folder and renamed, so a
//! file under its final name is complete even if the program was killed. The next call resumes.

pub mod adience;
pub mod congress;
pub mod unpack;

use crate::claim::{Claim, Taken};
use crate::error::{AtPath, Error, Result};
use md5::{Digest, Md5};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// Makes the folder and prevents a second program from fetching into it.
fn claim(folder: &Path) -> Result<Claim> {
    fs::create_dir_all(folder).at(folder)?;
    match Claim::take(&folder.join(".fetching.claim"))? {
        Taken::Ours(claim) => Ok(claim),
        Taken::Held(holder) => {
            let what = format!("another faceprobe is fetching into this folder{}; wait for it", holder.place());
            Err(Error::file(folder, what))
        }
    }
}

/// The MD5 of a file, in hex. `go_on` is called before every block.
fn md5_of(path: &Path, go_on: impl Fn() -> bool) -> Result<String> {
    let mut file = File::open(path).at(path)?;
    let mut hash = Md5::new();
    let mut block = vec![0; 1 << 20];
    loop {
        if !go_on() {
            return Err(Error::stopped());
        }
        match file.read(&mut block).at(path)? {
            0 => return Ok(hex::encode(hash.finalize())),
            count => hash.update(&block[..count]),
        }
    }
}

/// Renames a complete file, unless the name is taken.
fn settle(partial: &Path, path: &Path) -> Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(Error::file(
            path,
            "is in the way of the file that was fetched; move it and run the same command again",
        ));
    }
    fs::rename(partial, path).at(path)?;
    if let Some(folder) = path.parent() {
        // Some file systems do not support this; their error is ignored.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    Ok(())
}

/// `base` with `name` appended.
fn under(base: &str, name: &str) -> String {
    format!("{}/{name}", base.trim_end_matches('/'))
}
