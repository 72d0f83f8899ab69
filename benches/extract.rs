//! How many images per second go from files into a store: `cargo bench --bench extract -- FOLDER [IMAGES [BATCH…]] [--bf16]`.
//!
//! CPU seconds are told too: on a machine that others use as well, they say more than the rate.

use faceprobe::backbone;
use faceprobe::dataset::ContentHash;
use faceprobe::features::{Dtype, ExtractOptions, FeatureSpec, NetworkSource, PooledPixels, RowSource, Store, extract};
use faceprobe::monitor::Silent;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    backbone::tune_allocator();
    let (options, words): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let dtype = if options.iter().any(|word| word == "--bf16") { Dtype::Bf16 } else { Dtype::F32 };
    let Some(folder) = words.first() else {
        println!("skipped: name a folder of images, as in cargo bench --bench extract -- FOLDER [IMAGES [BATCH…]]");
        return Ok(());
    };
    let count = words.get(1).map_or(Ok(2000), |word| word.parse())?;
    let given: Vec<usize> = words.iter().skip(2).map(|word| word.parse()).collect::<Result<_, _>>()?;
    let batches = if given.is_empty() { vec![8, 16, 32] } else { given };
    let items = items(Path::new(folder), count)?;
    measure("pooled pixels", &PooledPixels::new(224, 8)?, &items, &[16])?;
    for info in backbone::registry() {
        match NetworkSource::new(&FeatureSpec { dtype, ..FeatureSpec::of_backbone(info.name) }, tch::Device::Cpu) {
            Ok(source) => measure(info.name, &source, &items, &batches)?,
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
        let options = ExtractOptions { batch: Some(batch), ..ExtractOptions::default() };
        let before = processor_time();
        let report = extract(&mut store, source, items, &options, &Silent)?;
        let (user, system, faults) = processor_time();
        println!(
            "{name}: {} images in batches of {batch} on {} streams: {:.2} s, {:.1} images/s, {} left out; \
             CPU {:.2} s + {:.2} s in the kernel, {} page faults",
            report.computed,
            options.threads,
            report.seconds,
            report.rate,
            report.skipped.len(),
            user - before.0,
            system - before.1,
            faults - before.2
        );
    }
    Ok(())
}

/// Seconds in the program and in the kernel so far, and page faults; zeros where there is no /proc.
fn processor_time() -> (f64, f64, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field, the name, may hold spaces; minor faults are field 10, times in ticks of 10 ms 14 and 15.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    (field(14) as f64 / 100.0, field(15) as f64 / 100.0, field(10))
}
