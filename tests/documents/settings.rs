//! `docs/settings.md`: every setting of everything that has settings, from their statements.

use faceprobe::tui::forms::FormKind;
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::model::Kind;
use faceprobe_core::run::choosing::ChooseSettings;
use faceprobe_core::run::learning_curve::CurveSettings;
use faceprobe_settings::{Domain, Info, Schema};
use std::fmt::Write;

pub fn page() -> String {
    let mut text = "# Settings\n\n\
        Made from the program's own statements (`UPDATE_DOCUMENTS=1 cargo test --release --test documents`).\n\n\
        An option `--learning-rate` is the key `learning_rate` in a study file ([study.md](study.md)), a field of the same \
        name in the workbench's form, and refused with the same sentence in all three.\n"
        .to_owned();
    section(&mut text, "faceprobe data prepare", &FormKind::Prepare.infos());
    section(&mut text, "faceprobe data audit", &FormKind::Audit.infos());
    section(&mut text, "faceprobe extract", &Schema::of::<FeatureSpec>().infos());
    for kind in Kind::all().filter(|kind| kind.info().has_options) {
        section(&mut text, &format!("faceprobe train {}", kind.name()), &kind.infos());
    }
    section(&mut text, "faceprobe sweep", &FormKind::Sweep.infos());
    section(&mut text, "faceprobe learning-curve", &Schema::of::<CurveSettings>().infos());
    section(&mut text, "faceprobe choose RUN", &Schema::of::<ChooseSettings>().infos());
    text
}

fn section(text: &mut String, command: &str, infos: &[&Info]) {
    let _ = write!(text, "\n## {command}\n\n| option | default | range | |\n|---|---|---|---|\n");
    for info in infos {
        let help = info.help.split_whitespace().collect::<Vec<_>>().join(" ");
        let range = range(&info.domain).map_or_else(String::new, |range| {
            info.unit.map_or_else(|| range.clone(), |unit| format!("{range} {unit}"))
        });
        let default = info.default_told().unwrap_or_default();
        let option = format!("`{} {}`", info.option(), info.hint());
        let cells = [option.as_str(), default, range.as_str(), help.as_str()].map(escaped);
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
}

/// From where to where a number may be; words and syntaxes are told by the option itself.
fn range(domain: &Domain) -> Option<String> {
    match domain {
        Domain::Whole { .. } | Domain::Number { .. } => Some(domain.describe()),
        Domain::Optional { of, .. } => range(of),
        Domain::List { of, .. } => range(of).map(|range| format!("{range} each")),
        _ => None,
    }
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
