//! `faceprobe weights list|fetch|import`.

use super::Context;
use super::args::WeightsCommand;
use super::output::{Align, bytes, duration, print, print_json, table};
use crate::backbone::BackboneInfo;
use crate::backbone::weights::{self, Source};
use crate::error::{Error, Result};
use crate::monitor::{Monitor, Update};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Off a terminal, progress is a line at most this often.
const QUIET_FOR: Duration = Duration::from_secs(5);

/// Tells on standard error; Ctrl-C stops at the next safe point.
struct Teller {
    quiet: bool,
    bar: Option<ProgressBar>,
    spoke: Mutex<Instant>,
    interrupted: Arc<AtomicBool>,
}

impl Teller {
    fn new(quiet: bool) -> Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&interrupted))
                .map_err(|error| Error::failed(format!("Signals cannot be handled ({error}).")))?;
        }
        let bar = (std::io::stderr().is_terminal() && !quiet).then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
            if let Ok(style) = ProgressStyle::with_template("{wide_bar} {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Ok(Self { quiet, bar, spoke: Mutex::new(Instant::now()), interrupted })
    }

    fn say(&self, text: &str) {
        match &self.bar {
            _ if self.quiet => {}
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    fn tell(&self, done: u64, total: u64, rate: f64, remaining: Option<f64>) {
        let of = if total > 0 { format!(" of {}", bytes(total)) } else { String::new() };
        let left = remaining.map(|seconds| format!(", {} left", duration(seconds))).unwrap_or_default();
        let line = format!("{}{of}, {}/s{left}", bytes(done), bytes(rate as u64));
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(line);
            return;
        }
        let mut spoke = self.spoke.lock().unwrap_or_else(PoisonError::into_inner);
        if spoke.elapsed() >= QUIET_FOR {
            *spoke = Instant::now();
            self.say(&format!("  {line}"));
        }
    }
}

impl Monitor for Teller {
    fn update(&self, update: Update) {
        match update {
            Update::Note { text } => self.say(&text),
            Update::Progress { done, total, rate, remaining, .. } => self.tell(done, total, rate, remaining),
            _ => {}
        }
    }

    fn stopped(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

pub(crate) fn run(context: &Context, command: &WeightsCommand) -> Result<()> {
    match command {
        WeightsCommand::List => list(context),
        WeightsCommand::Fetch { name, from, sha256 } => {
            let teller = Teller::new(context.quiet)?;
            match from {
                Some(url) => weights::fetch_url(name, url, sha256.as_deref(), &teller)?,
                None => weights::fetch(name, &teller)?,
            };
            drop(teller);
            stored(context, name)
        }
        WeightsCommand::Import { name, file } => {
            // A TorchScript file that is new has no status yet.
            let before = weights::status(name).ok().and_then(|status| status.sha256);
            let teller = Teller::new(context.quiet)?;
            let record = weights::import(name, file, &teller)?;
            if before.is_some_and(|before| before != record.sha256) {
                teller.say(&format!(
                    "the weights of {name} were others before: features and models made with those do not go with these"
                ));
            }
            drop(teller);
            stored(context, name)
        }
    }
}

/// Says what is stored now.
fn stored(context: &Context, name: &str) -> Result<()> {
    let status = weights::status(name)?;
    if context.json {
        return print_json(&json!({
            "name": name,
            "path": status.path,
            "sha256": status.sha256,
            "bytes": status.bytes,
            "source": status.source,
        }));
    }
    if context.quiet {
        return Ok(());
    }
    print(&format!("{name}: {} ({})\n", status.path.display(), bytes(status.bytes.unwrap_or(0))))
}

/// Bytes that the weights take when they are there.
fn size(info: &BackboneInfo) -> u64 {
    4 * info.parameters().iter().map(|(_, shape)| shape.iter().product::<usize>() as u64).sum::<u64>()
}

fn list(context: &Context) -> Result<()> {
    let mut rows = Vec::new();
    let mut values = Vec::new();
    for info in weights::all() {
        let status = weights::status(info.name)?;
        let sources: Vec<String> = info.sources.iter().map(Source::title).collect();
        rows.push(vec![
            info.name.to_owned(),
            if status.present { "present" } else { "absent" }.to_owned(),
            bytes(status.bytes.unwrap_or_else(|| size(info))),
            // The face detector takes any size, and gives no features.
            if info.input > 0 { format!("{} px", info.input) } else { "any".to_owned() },
            if info.features > 0 { info.features.to_string() } else { "-".to_owned() },
            info.licence.to_owned(),
            status.sha256.as_deref().and_then(|hash| hash.get(..12)).unwrap_or("-").to_owned(),
            match &status.source {
                // Hashes are in the record, and in --json.
                Some(source) => source.split(" (").next().unwrap_or_default().to_owned(),
                None if sources.is_empty() => format!("faceprobe weights import {} FILE", info.name),
                None => format!("faceprobe weights fetch {}", info.name),
            },
        ]);
        values.push(json!({
            "name": info.name,
            "title": info.title,
            "features": info.features,
            "input": info.input,
            "licence": info.licence,
            "present": status.present,
            "path": status.path,
            "sha256": status.sha256,
            "bytes": status.bytes,
            "size": size(info),
            "source": status.source,
            "sources": sources,
        }));
    }
    if context.json {
        return print_json(&values);
    }
    let (left, right) = (Align::Left, Align::Right);
    print(&table(
        &[
            ("backbone", left),
            ("weights", left),
            ("size", right),
            ("input", right),
            ("features", right),
            ("licence", left),
            ("sha256", left),
            ("from, or how to get them", left),
        ],
        &rows,
    ))
}
