//! How many images per second go from files into a store: `cargo bench --bench extract -- FOLDER [IMAGES]`.

use faceprobe::backbone;
use faceprobe::dataset::ContentHash;
use faceprobe::features::{ExtractOptions, NetworkSource, PooledPixels, RowSource, Store, extract};
use faceprobe::monitor::Silent;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let Some(folder) = words.first() else {
        println!("skipped: name a folder of images, as in cargo bench --bench extract -- FOLDER [IMAGES]");
        return Ok(());
    };
    let count = words.get(1).map_or(Ok(2000), |word| word.parse())?;
    let items = items(Path::new(folder), count)?;
    measure("pooled pixels", &PooledPixels::new(224, 8)?, &items, &[16])?;
    backbone::tune_allocator();
    for info in backbone::registry() {
        match NetworkSource::new(info, tch::Device::Cpu) {
            Ok(source) => measure(info.name, &source, &items, &[8, 16, 32])?,
            Err(error) => println!("skipped: {}: {error}", info.name),
        }
    }
    Ok(())
}

/// The first `count` files of a folder by name.
fn items(folder: &Path, count: usize) -> Result<Vec<(ContentHash, PathBuf)>, Box<dyn std::error::Error>> {
    let mut paths = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    paths.truncate(count);
    paths.into_iter().map(|path| Ok((ContentHash::of_file(&path)?, path))).collect()
}

fn measure(
    name: &str,
    source: &dyn RowSource,
    items: &[(ContentHash, PathBuf)],
    batches: &[usize],
) -> Result<(), Box<dyn std::error::Error>> {
    for &batch in batches {
        let cache = tempfile::tempdir()?;
        let mut store = Store::open(cache.path(), &source.identity())?;
        let options = ExtractOptions { batch, ..ExtractOptions::default() };
        let report = extract(&mut store, source, items, &options, &Silent)?;
        println!(
            "{name}: {} images in batches of {batch} on {} streams: {:.2} s, {:.1} images/s, {} left out",
            report.computed,
            options.threads,
            report.seconds,
            report.rate,
            report.skipped.len()
        );
    }
    Ok(())
}
