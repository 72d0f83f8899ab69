//! Every setting of everything that has settings is the same as an option, in help, in a form and in refusals, before
//! anything is created.

use faceprobe::tui::forms::{self, Filled, FormKind};
use faceprobe::tui::snapshot::{DataSet, Snapshot};
use faceprobe_core::model::Kind;
use faceprobe_settings::{Domain, Info, Refusal, Schema};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tui_input::Input;

/// A command with settings, the form for the same, and the settings' statements.
struct Way {
    command: Vec<&'static str>,
    form: Option<FormKind>,
    infos: Vec<&'static Info>,
}

fn ways() -> Vec<Way> {
    let models = Kind::all().filter(|kind| kind.info().has_options).map(|kind| Way {
        command: vec!["train", kind.name()],
        form: Some(FormKind::Train(kind)),
        infos: kind.infos(),
    });
    let others = [
        (vec!["data", "prepare"], FormKind::Prepare),
        (vec!["data", "audit"], FormKind::Audit),
        (vec!["sweep"], FormKind::Sweep),
    ];
    let others = others.map(|(command, form)| Way { command, form: Some(form), infos: form.infos() });
    models.chain(others).collect()
}

fn run(workspace: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faceprobe"));
    command.arg("--workspace").arg(workspace).args(args).stdin(Stdio::null()).output().expect("the binary starts")
}

/// A workbench that knows of one prepared set.
fn snapshot() -> Snapshot {
    let report = Err("not read".to_owned());
    Snapshot {
        datasets: vec![DataSet { name: "sample".into(), report, superseded: false, written: None }],
        ..Snapshot::default()
    }
}

/// What must be given besides, so that a command has something to do.
fn needed(way: &Way) -> Vec<(&'static str, &'static str)> {
    if way.form == Some(FormKind::Prepare) { vec![("source", "folder:/nowhere")] } else { Vec::new() }
}

/// What a form says of a field with this text in it; none if it takes it.
fn said_by_the_form(kind: FormKind, needed: &[(&str, &str)], name: &str, text: &str) -> Option<String> {
    let snapshot = snapshot();
    let mut form = forms::open(kind, &snapshot, Some("sample"));
    for (name, text) in needed.iter().chain([&(name, text)]) {
        let field = form.fields.iter_mut().find(|field| field.name == *name).expect("a field");
        field.input = Input::new((*text).to_owned());
    }
    let job: Option<Filled> = forms::submit(&mut form, &snapshot, Some("sample"));
    let said = form.fields.iter().find_map(|field| field.error.clone().map(|error| (field.name.clone(), error)));
    assert_eq!(job.is_none(), said.is_some(), "{name} {text}");
    said.map(|(field, error)| {
        assert_eq!(field, name);
        error
    })
}

fn refusal(info: &'static Info, text: &str) -> Refusal {
    // Whichever structure it is of: the statement alone refuses.
    let schemas = Kind::all().map(|kind| kind.info().settings).chain([
        Schema::of::<faceprobe_core::features::FeatureSpec>(),
        Schema::of::<faceprobe_core::features::CutSettings>(),
        Schema::of::<faceprobe_core::model::TrainingDraw>(),
        Schema::of::<faceprobe_core::features::ClassifierSettings>(),
        Schema::of::<faceprobe_core::dataset::prepare::PrepareSettings>(),
        Schema::of::<faceprobe_core::audit::Settings>(),
        Schema::of::<faceprobe_core::run::SweepSettings>(),
    ]);
    let of = schemas.into_iter().find(|schema| schema.infos().iter().any(|known| std::ptr::eq(*known, info)));
    let mut settings = of.expect("a structure that has it").usual();
    settings.set(info.name, text).expect_err("a counterexample")
}

#[test]
fn every_setting_is_an_option_and_a_field_with_the_same_default_and_sentence() {
    let at = tempfile::tempdir().unwrap();
    for way in ways() {
        let help = run(at.path(), &[&way.command[..], &["--help"]].concat());
        let help = String::from_utf8_lossy(&help.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
        let form = way.form.map(|kind| forms::open(kind, &snapshot(), Some("sample")));
        for info in &way.infos {
            let words = info.help.split_whitespace().collect::<Vec<_>>().join(" ");
            let start = help.find(&format!("{} ", info.option())).or_else(|| help.find(&info.option()));
            let own = &help[start.unwrap_or_else(|| panic!("{:?} has no {}", way.command, info.option()))..];
            let default = info.default_told().map(|default| format!("[default: {default}]")).unwrap_or_default();
            let default = default.split_whitespace().collect::<Vec<_>>().join(" ");
            let at_most = words.len() + default.len() + 200;
            let own: String = own.chars().take(at_most).collect();
            assert!(own.contains(&words) && own.contains(&default), "{}: {own}", info.option());
            let Some(form) = &form else { continue };
            let field = form.fields.iter().find(|field| field.name == info.name);
            let field = field.unwrap_or_else(|| panic!("{:?} has no field {}", way.command, info.name));
            assert!(field.hint.starts_with(&info.help), "{}: {}", info.name, field.hint);
            assert_eq!((field.label(), field.advanced), (info.label(), info.advanced));
            let shown = field.input.value();
            let empty = info.computed.is_some() || matches!(info.domain, Domain::Optional { .. });
            let registry = info.name == "backbone";
            assert!(
                shown == info.default || shown.is_empty() && (empty || info.default.is_empty()) || registry,
                "{}",
                info.name
            );
        }
    }
}

#[test]
fn what_is_refused_is_refused_with_one_sentence_before_anything_is_made() {
    let at = tempfile::tempdir().unwrap();
    let folders = |at: &Path| std::fs::read_dir(at).map_or(0, Iterator::count);
    for way in ways() {
        let needed = needed(&way);
        for info in &way.infos {
            // A space parts the values of a sweep.
            let parted = |text: &String| way.form == Some(FormKind::Sweep) && text.contains(' ');
            for text in info.domain.counterexamples().into_iter().filter(|text| !parted(text)) {
                let refusal = refusal(info, &text);
                let mut args: Vec<String> = way.command.iter().map(|word| (*word).to_owned()).collect();
                for (name, text) in needed.iter().filter(|(name, _)| *name != info.name) {
                    args.extend([format!("--{name}"), (*text).to_owned()]);
                }
                let lines: Vec<&str> = text.lines().collect();
                lines.iter().for_each(|line| args.push(format!("{}={line}", info.option())));
                let output = run(at.path(), &args.iter().map(String::as_str).collect::<Vec<_>>());
                let error = String::from_utf8_lossy(&output.stderr).into_owned();
                assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
                assert_eq!(error, format!("faceprobe: {}.\n", refusal.for_option()), "{args:?}");
                // A line of a form cannot hold what stands on several.
                if let Some(kind) = way.form.filter(|_| lines.len() == 1) {
                    let said = said_by_the_form(kind, &needed, info.name, &text);
                    assert_eq!(said.as_deref(), Some(refusal.for_field().as_str()), "{:?}", way.command);
                }
            }
        }
    }
    assert_eq!(folders(at.path()), 0, "nothing was made");
}
