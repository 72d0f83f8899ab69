//! The machine and the versions that a report was written with.

use crate::backbone::LIBTORCH;
use crate::worker;
use std::fs;

/// Libraries whose versions can affect results.
const CRATES: [&str; 8] =
    ["tch", "linfa-logistic", "ndarray", "image", "fast_image_resize", "rand_chacha", "rayon", "safetensors"];

/// Names and values.
pub fn facts() -> Vec<(String, String)> {
    let mut facts = vec![
        ("faceprobe".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("libtorch".to_owned(), libtorch()),
        ("crates".to_owned(), crates()),
        ("processor".to_owned(), processor()),
        ("threads".to_owned(), std::thread::available_parallelism().map_or(1, usize::from).to_string()),
    ];
    let read = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    if let Some(memory) = read("/proc/meminfo").and_then(|text| total_memory(&text)) {
        facts.push(("memory".to_owned(), memory));
    }
    let kernel = read("/proc/sys/kernel/ostype").zip(read("/proc/sys/kernel/osrelease"));
    let system = kernel.map_or_else(|| std::env::consts::OS.to_owned(), |(name, release)| format!("{name} {release}"));
    facts.push(("system".to_owned(), system));
    facts
}

/// libtorch's version and devices, as reported by the worker.
fn libtorch() -> String {
    match worker::answer(&["devices"]) {
        Ok(devices) => format!("{LIBTORCH} ({})", String::from_utf8_lossy(&devices).trim()),
        Err(_) => LIBTORCH.to_owned(),
    }
}

/// Versions from the lock file of this build.
fn crates() -> String {
    #[derive(serde::Deserialize)]
    struct Lock {
        package: Vec<Package>,
    }
    #[derive(serde::Deserialize)]
    struct Package {
        name: String,
        version: String,
    }
    let lock: Option<Lock> = toml::from_str(include_str!("../../../../Cargo.lock")).ok();
    let packages = lock.map(|lock| lock.package).unwrap_or_default();
    // With several versions, the newest is the program's own: older ones are dependencies of other crates, and come
    // first.
    let newest = |name: &str| packages.iter().rfind(|package| package.name == name);
    let version = |name: &&str| Some(format!("{name} {}", newest(name)?.version));
    CRATES.iter().filter_map(version).collect::<Vec<_>>().join(", ")
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let of = |key: &str| {
        text.lines().find_map(|line| line.strip_prefix(key)?.split_once(':').map(|(_, value)| value.trim()))
    };
    of("model name").unwrap_or(std::env::consts::ARCH).to_owned()
}

fn total_memory(text: &str) -> Option<String> {
    let kib: f64 =
        text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.split_whitespace().next()?.parse().ok()?;
    Some(format!("{:.1} GiB", kib / 1024.0 / 1024.0))
}
