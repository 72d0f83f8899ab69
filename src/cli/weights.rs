//! `faceprobe weights list|fetch`.

use super::Context;
use super::args::WeightsCommand;
use super::output::{Align, bytes, print, print_json, table};
use crate::backbone::{self, weights};
use crate::error::Result;
use crate::monitor::{Monitor, Update};
use serde_json::json;

/// Tells notes on standard error.
struct Notes {
    quiet: bool,
}

impl Monitor for Notes {
    fn update(&self, update: Update) {
        if let Update::Note { text } | Update::Stage { name: text } = update
            && !self.quiet
        {
            eprintln!("{text}");
        }
    }

    fn stopped(&self) -> bool {
        false
    }
}

pub(crate) fn run(context: &Context, command: &WeightsCommand) -> Result<()> {
    match command {
        WeightsCommand::List => list(context),
        WeightsCommand::Fetch { name } => fetch(context, name),
    }
}

fn fetch(context: &Context, name: &str) -> Result<()> {
    weights::fetch(name, &Notes { quiet: context.quiet })?;
    let status = weights::status(name)?;
    if context.json {
        return print_json(
            &json!({ "name": name, "path": status.path, "sha256": status.sha256, "bytes": status.bytes }),
        );
    }
    if context.quiet {
        return Ok(());
    }
    print(&format!("{name}: {} ({})\n", status.path.display(), bytes(status.bytes.unwrap_or(0))))
}

fn list(context: &Context) -> Result<()> {
    let mut rows = Vec::new();
    let mut values = Vec::new();
    for info in backbone::registry() {
        let status = weights::status(info.name)?;
        values.push(json!({
            "name": info.name,
            "title": info.title,
            "features": info.features,
            "input": info.input,
            "present": status.present,
            "path": status.path,
            "sha256": status.sha256,
            "bytes": status.bytes,
        }));
        rows.push(vec![
            info.name.to_owned(),
            format!("{} px", info.input),
            info.features.to_string(),
            status.bytes.map_or_else(|| "absent".into(), bytes),
            status.sha256.as_deref().and_then(|hash| hash.get(..12)).unwrap_or("-").to_owned(),
            if status.present {
                status.path.display().to_string()
            } else {
                format!("faceprobe weights fetch {}", info.name)
            },
        ]);
    }
    if context.json {
        return print_json(&values);
    }
    let (left, right) = (Align::Left, Align::Right);
    print(&table(
        &[
            ("backbone", left),
            ("input", right),
            ("features", right),
            ("weights", right),
            ("sha256", left),
            ("where", left),
        ],
        &rows,
    ))
}
