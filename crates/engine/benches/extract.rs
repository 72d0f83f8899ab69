//! Images per second from files into a store: `cargo bench --bench extract -- FOLDER [IMAGES [BATCH…]] [--bf16]`.
//!
//! Also prints CPU seconds, which are more reliable than the rate on a shared machine.
//!
//! `cargo bench --bench extract -- --stages NETWORK [BATCH [ROUNDS]] [--bf16]` prints the CPU time of every stage of a
//! network on one thread, on noise images; the median of the rounds.

use faceprobe_core::dataset::ContentHash;
use faceprobe_core::imaging::Pixels;
use faceprobe_core::monitor::Silent;
use faceprobe_engine::backbone::{self, Arithmetic, Network};
use faceprobe_engine::features::{
    Dtype, ExtractOptions, FeatureSpec, NetworkSource, PooledPixels, RowSource, Store, extract,
};
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    backbone::tune_allocator();
    let (options, words): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|word| word.starts_with("--"));
    if options.iter().any(|word| word == "--stages") {
        let arithmetic = if options.iter().any(|word| word == "--bf16") { Arithmetic::Bf16 } else { Arithmetic::F32 };
        return stages(&words, arithmetic);
    }
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

/// The stages of a network: name, batch and rounds are the words.
fn stages(words: &[String], arithmetic: Arithmetic) -> Result<(), Box<dyn std::error::Error>> {
    let name = words.first().map_or(backbone::DEFAULT, String::as_str);
    let number = |at: usize, usual: usize| words.get(at).map_or(Ok(usual), |word| word.parse());
    let (batch, rounds) = (number(1, 8)?.max(1), number(2, 5)?.max(1));
    tch::set_num_threads(1);
    let info = backbone::find(name)?;
    let before = processor_seconds()?;
    let network = Network::load_as(info, tch::Device::Cpu, arithmetic)?;
    println!("loading: {:.2} s", processor_seconds()? - before);
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let mut picture =
        || Pixels::new(info.input, info.input, (0..info.input * info.input * 3).map(|_| noise()).collect());
    let pictures = (0..batch).map(|_| picture()).collect::<Option<Vec<_>>>().ok_or("the noise is no picture")?;
    let input = network.input(&pictures)?;
    let mut times: Vec<(String, Vec<f64>)> = Vec::new();
    // The first round is for the memory.
    for round in 0..=rounds {
        let mut last = processor_seconds()?;
        let mut at = 0;
        network.forward_watched(&input, &mut |stage, _| {
            let now = processor_seconds().unwrap_or(last);
            match times.get_mut(at) {
                Some((_, list)) if round > 0 => list.push(now - last),
                Some(_) => {}
                None => times.push((stage.to_owned(), Vec::new())),
            }
            at += 1;
            last = now;
        })?;
    }
    let mut total = 0.0;
    for (stage, mut list) in times {
        list.sort_by(f64::total_cmp);
        let milliseconds = 1e3 * list[list.len() / 2] / batch as f64;
        total += milliseconds;
        println!("{stage:12} {milliseconds:8.3} ms per image");
    }
    println!("{name}: {total:.2} ms per image of batches of {batch}");
    Ok(())
}

/// CPU seconds of this process so far.
fn processor_seconds() -> std::io::Result<f64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer.
    if unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) } != 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
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
