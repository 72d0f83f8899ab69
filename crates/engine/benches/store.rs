//! A feature store as a cluster leaves it: a million rows of 1,280 values by 64 writers. Measures opening, gathering
//! and compaction.
//!
//! `cargo bench --bench store -- FOLDER [ROWS]` needs 5.2 GB in FOLDER for a million rows, and as much again during
//! compaction. Prints seconds, and the peak memory of a process that only opens and gathers.

use faceprobe_core::dataset::ContentHash;
use faceprobe_core::features::{Dtype, PartWriter, Rows, Store, StoreIdentity, compact};
use faceprobe_core::monitor::Silent;
use ndarray::Array2;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const WIDTH: usize = 1_280;
const WRITERS: usize = 64;
const PART_ROWS: usize = 512;
const ASKED: usize = 6_000;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let [folder, rest @ ..] = &args[..] else {
        println!("usage: cargo bench --bench store -- FOLDER [ROWS]");
        return Ok(());
    };
    let folder = Path::new(folder);
    let rows = rest.first().map_or(Ok(1_000_000), |rows| rows.parse())?;
    if rest.get(1).is_some_and(|word| word == "open") {
        return open(folder, rows);
    }
    let began = Instant::now();
    fill(folder, rows)?;
    println!("filled: {rows} rows by {WRITERS} writers in {:.1} s", began.elapsed().as_secs_f64());
    opened(folder, rows)?;
    let began = Instant::now();
    let mut store = Store::open(folder, &identity())?;
    let joined = compact(&mut store, &Silent)?;
    let files = std::fs::read_dir(store.folder())?.count();
    println!(
        "joined: {} parts became {} ({files} files) in {:.1} s",
        joined.before,
        joined.after,
        began.elapsed().as_secs_f64()
    );
    drop(store);
    opened(folder, rows)
}

fn identity() -> StoreIdentity {
    StoreIdentity {
        backbone: "made-up".into(),
        weights: "none".into(),
        preprocessing: "none".into(),
        tap: "last".into(),
        pool: "avg".into(),
        dtype: Dtype::F32,
        width: WIDTH,
    }
}

fn key(row: usize) -> ContentHash {
    ContentHash::of(&row.to_le_bytes())
}

/// Each writer has its share; two write at a time.
fn fill(folder: &Path, rows: usize) -> Outcome {
    let share = rows.div_ceil(WRITERS);
    let one = |writer: usize| -> Result<(), String> {
        let mut store = Store::open(folder, &identity()).map_err(|error| error.to_string())?;
        let mut out = PartWriter::open(&mut store, PART_ROWS, &Silent).map_err(|error| error.to_string())?;
        let end = ((writer + 1) * share).min(rows);
        for first in (writer * share..end).step_by(PART_ROWS) {
            let last = (first + PART_ROWS).min(end);
            let keys: Vec<ContentHash> = (first..last).map(key).collect();
            let values = Array2::from_shape_fn((last - first, WIDTH), |(row, column)| ((first + row) ^ column) as f32);
            out.push(&keys, &Rows::F32(values)).map_err(|error| error.to_string())?;
        }
        out.flush().map_err(|error| error.to_string())
    };
    std::thread::scope(|scope| {
        let halves = [0, 1].map(|half| {
            let one = &one;
            scope.spawn(move || (half..WRITERS).step_by(2).try_for_each(one))
        });
        halves.into_iter().try_for_each(|half| half.join().map_err(|_| "a writer panicked".to_owned())?)
    })?;
    Ok(())
}

/// Opens in a process of its own, whose memory is that of opening and gathering.
fn opened(folder: &Path, rows: usize) -> Outcome {
    let status = Command::new(std::env::current_exe()?).arg(folder).arg(rows.to_string()).arg("open").status()?;
    if status.success() { Ok(()) } else { Err("opening failed".into()) }
}

fn open(folder: &Path, rows: usize) -> Outcome {
    let began = Instant::now();
    let store = Store::open(folder, &identity())?;
    let opening = began.elapsed().as_secs_f64();
    assert_eq!(store.len(), rows);
    let memory = resident()?;
    // Spread over all parts, in no order.
    let asked: Vec<usize> = (0..ASKED).map(|number| number.wrapping_mul(2_654_435_761) % rows).collect();
    let keys: Vec<ContentHash> = asked.iter().map(|&row| key(row)).collect();
    let began = Instant::now();
    let gathered = store.rows_f32(&keys)?;
    let gathering = began.elapsed().as_secs_f64();
    for (place, row) in asked.into_iter().enumerate() {
        assert_eq!(gathered[(place, 7)], (row ^ 7) as f32);
    }
    println!("opened in {opening:.2} s, {memory}; {ASKED} random rows in {gathering:.2} s");
    Ok(())
}

/// The largest resident memory so far, as the system says it.
fn resident() -> Result<String, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim();
    Ok(format!("at most {most} resident"))
}
