//! `faceprobe doctor`: checks this machine.

use super::Context;
use super::output::{bytes, print, print_json};
use faceprobe_core::backbone::{LIBTORCH, weights};
use faceprobe_core::error::Result;
use faceprobe_core::text::line;
use faceprobe_core::worker;
use serde_json::{Value, json};
use std::io::IsTerminal;

/// A line of the report, and the advice if something is wrong.
struct Finding {
    name: &'static str,
    value: String,
    mend: Option<String>,
}

pub(crate) fn run(context: &Context) -> Result<()> {
    let findings = findings(context);
    if context.json {
        let values: serde_json::Map<String, Value> = findings
            .iter()
            .map(|finding| (finding.name.to_owned(), json!({ "value": finding.value, "mend": finding.mend })))
            .collect();
        return print_json(&values);
    }
    let width = findings.iter().map(|finding| finding.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for finding in &findings {
        let mark = if finding.mend.is_some() { "!" } else { " " };
        text.push_str(&format!("{mark} {:<width$}  {}\n", finding.name, line(&finding.value)));
        if let Some(mend) = &finding.mend {
            text.push_str(&format!("  {:<width$}  -> {}\n", "", line(mend)));
        }
    }
    print(&text)
}

fn findings(context: &Context) -> Vec<Finding> {
    let plain = |name, value: String| Finding { name, value, mend: None };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut findings = vec![
        plain("faceprobe", env!("CARGO_PKG_VERSION").to_owned()),
        plain("workspace", context.workspace.root().display().to_string()),
        libtorch(),
        plain("threads", format!("{} used of {cores}", context.threads)),
        plain("processor", processor_features().join(" ")),
        memory(),
    ];
    for info in weights::all() {
        findings.push(match weights::status(info.name) {
            Ok(status) if status.present => Finding {
                name: info.name,
                value: format!("weights {} in {}", bytes(status.bytes.unwrap_or(0)), status.path.display()),
                mend: None,
            },
            Ok(_) => Finding {
                name: info.name,
                value: "no weights".into(),
                mend: Some(format!("faceprobe weights fetch {}", info.name)),
            },
            Err(error) => Finding { name: info.name, value: "weights unusable".into(), mend: Some(error.to_string()) },
        });
    }
    findings.push(terminal());
    findings
}

/// The libtorch of the worker.
fn libtorch() -> Finding {
    match worker::answer(&["devices"]) {
        Ok(devices) => Finding {
            name: "libtorch",
            value: format!("{LIBTORCH} ({})", String::from_utf8_lossy(&devices).trim()),
            mend: None,
        },
        Err(error) => Finding { name: "libtorch", value: "cannot be used".into(), mend: Some(error.to_string()) },
    }
}

/// Processor features that determine the speed of convolutions and matrix products.
fn processor_features() -> Vec<&'static str> {
    let mut found = vec![std::env::consts::ARCH];
    #[cfg(target_arch = "x86_64")]
    {
        let known = [
            ("avx2", std::is_x86_feature_detected!("avx2")),
            ("fma", std::is_x86_feature_detected!("fma")),
            ("avx512f", std::is_x86_feature_detected!("avx512f")),
            ("avx512_bf16", std::is_x86_feature_detected!("avx512bf16")),
            ("avx512_vnni", std::is_x86_feature_detected!("avx512vnni")),
        ];
        found.extend(known.iter().filter(|(_, there)| *there).map(|(name, _)| *name));
    }
    found
}

/// The least memory that suffices for every step of the study.
const ENOUGH_KIB: u64 = 3 << 20;

fn memory() -> Finding {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    match available {
        Some(kib) => Finding {
            name: "memory",
            value: format!("{} available", bytes(kib * 1024)),
            mend: (kib < ENOUGH_KIB).then(|| "the study's largest step needs up to 3 GB; close something".into()),
        },
        None => Finding { name: "memory", value: "unknown on this system".into(), mend: None },
    }
}

fn terminal() -> Finding {
    if !std::io::stdout().is_terminal() {
        return Finding { name: "terminal", value: "none (output is a file or a pipe)".into(), mend: None };
    }
    let name = std::env::var("TERM").unwrap_or_else(|_| "(TERM is not set)".into());
    let size = crossterm::terminal::size()
        .map_or_else(|_| "unknown size".into(), |(columns, rows)| format!("{columns}x{rows}"));
    let colour = match (std::env::var("NO_COLOR").is_ok_and(|value| !value.is_empty()), std::env::var("COLORTERM")) {
        (true, _) => "no colour (NO_COLOR)".to_owned(),
        (false, Ok(depth)) if !depth.is_empty() => depth,
        _ => "256 colours or fewer".to_owned(),
    };
    let mend = (name == "dumb")
        .then(|| "the workbench needs a terminal that can move the cursor; the subcommands work here".into());
    Finding { name: "terminal", value: format!("{name}, {size}, {colour}"), mend }
}
