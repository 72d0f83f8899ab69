//! The findings of the audit of a data set, over Data: what is wrong, the pictures, and what a person decides.

mod detail;
mod list;
mod review;
mod text;
mod view;

use crate::tui::app::{App, Tone};
use crate::tui::audits::{AuditJob, AuditReply, Found};
use crate::tui::effect::Effect;
use crate::tui::forms::FormKind;
use crate::tui::jobs::Job;
use crate::tui::keys::{self, Action, Context};
use crate::tui::snapshot::{Run, Snapshot};
use crate::tui::widgets::cut_front;
use faceprobe_core::dataset::PrepareReport;
use faceprobe_core::dataset::decisions::Decision;
use faceprobe_core::run::{JobSpec, Status, control};
use std::sync::Arc;

pub use review::{Counts, KindCount, Review, Verdict};
pub use view::{draw, draw_work};

/// What the view remembers.
#[derive(Debug, Default)]
pub struct State {
    pub open: bool,
    /// The set whose audit is looked at.
    pub dataset: String,
    contents: Contents,
}

/// What there is to look at.
#[derive(Debug, Default)]
enum Contents {
    #[default]
    Reading,
    /// The set was not audited yet.
    Absent,
    Failed(String),
    Review(Box<Review>),
}

impl State {
    /// The findings, once they are read.
    pub fn review(&self) -> Option<&Review> {
        match &self.contents {
            Contents::Review(review) => Some(review),
            _ => None,
        }
    }

    fn review_mut(&mut self) -> Option<&mut Review> {
        match &mut self.contents {
            Contents::Review(review) => Some(review),
            _ => None,
        }
    }

    /// Whether an action would do something now.
    pub fn offers(&self, action: Action, snapshot: &Snapshot) -> bool {
        match action {
            Action::StartAudit => work(snapshot).is_none(),
            Action::StopAudit => work(snapshot).is_some(),
            Action::Undo => self.review().is_some_and(Review::can_undo),
            Action::DropOthers | Action::KeepAll => {
                self.review().and_then(Review::finding).is_some_and(|finding| finding.images.len() > 1)
            }
            Action::PrepareAgain => self.review().is_some(),
            Action::ClearDecision => {
                self.review().and_then(Review::subject).is_some_and(|image| image.decision.is_some())
            }
            Action::NextOpen => {
                self.review().is_some_and(|review| review.audit.findings.iter().any(|finding| finding.is_open()))
            }
            _ => self.review().is_some_and(|review| review.finding().is_some()),
        }
    }
}

/// The audit at work.
fn work(snapshot: &Snapshot) -> Option<&Arc<Run>> {
    snapshot.live().rev().find(|run| matches!(run.job, JobSpec::Audit { .. }))
}

fn effect(job: AuditJob) -> Vec<Effect> {
    vec![job.into()]
}

/// Opens the view on the current data set.
pub fn open(app: &mut App) -> Vec<Effect> {
    let Some(dataset) = app.dataset().map(str::to_owned) else {
        app.say(Tone::Plain, "There is no prepared data set to audit yet.");
        return Vec::new();
    };
    app.data.sheet.open = false;
    let state = &mut app.data.audit;
    state.open = true;
    if state.dataset != dataset {
        state.dataset = dataset;
        state.contents = Contents::Reading;
    }
    read(app)
}

/// Shows another version of a set, if the view is open.
pub fn turn_to(app: &mut App, dataset: String) -> Vec<Effect> {
    let state = &mut app.data.audit;
    if !state.open || state.dataset == dataset {
        return Vec::new();
    }
    state.dataset = dataset;
    state.contents = Contents::Reading;
    read(app)
}

/// Asks for what was found and decided.
pub fn read(app: &App) -> Vec<Effect> {
    let state = &app.data.audit;
    if state.open { effect(AuditJob::Read { dataset: state.dataset.clone() }) } else { Vec::new() }
}

/// The account of the set that is looked at.
fn report(app: &App) -> Option<&PrepareReport> {
    let dataset = &app.data.audit.dataset;
    app.snapshot.datasets.iter().find(|set| set.name == *dataset)?.report.as_ref().ok()
}

/// Whether the set was prepared anew since it was audited.
fn is_stale(app: &App, review: &Review) -> bool {
    report(app).is_some_and(|report| report.manifest_sha256 != review.audit.manifest_sha256)
}

/// What a key does in the view; none where it means nothing here.
pub fn act(app: &mut App, action: Action) -> Option<Vec<Effect>> {
    let verdict = match action {
        Action::Keep => Some(Verdict::Keep),
        Action::KeepAll => Some(Verdict::KeepAll),
        Action::DropImage => Some(Verdict::Drop),
        Action::DropOthers => Some(Verdict::DropOthers),
        Action::Relabel => Some(Verdict::Relabel),
        Action::ClearDecision => Some(Verdict::Clear),
        _ => None,
    };
    if let Some(verdict) = verdict {
        return Some(decide(app, verdict));
    }
    match action {
        Action::StartAudit => return Some(start(app)),
        Action::StopAudit => stop(app),
        Action::Undo => return Some(undo(app)),
        Action::PrepareAgain => prepare_again(app),
        Action::Picture => {
            let picture = app.data.audit.review().and_then(Review::subject).map(|image| image.file.clone().into());
            return Some(crate::tui::screens::open_picture(app, picture, None));
        }
        Action::Parent => app.data.audit.open = false,
        _ => return travel(app, action),
    }
    Some(Vec::new())
}

/// Moving about.
fn travel(app: &mut App, action: Action) -> Option<Vec<Effect>> {
    let review = app.data.audit.review_mut();
    match (action, review) {
        (Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom, review) => {
            if let Some(review) = review {
                review.travel(action);
            }
        }
        (Action::Left | Action::Right, review) => {
            if let Some(review) = review {
                review.turn(action == Action::Right);
            }
        }
        (Action::NextKind | Action::PreviousKind, Some(review)) => review.turn_kind(action == Action::NextKind),
        (Action::NextOpen | Action::PreviousOpen, Some(review)) => {
            if !review.next_open(action == Action::NextOpen) {
                app.say(Tone::Plain, "No other undecided findings in this list.");
            }
        }
        (Action::NextKind | Action::PreviousKind | Action::NextOpen | Action::PreviousOpen, None) => {}
        _ => return None,
    }
    Some(Vec::new())
}

/// Puts the cursor on line `row` of the list.
pub fn select(app: &mut App, row: usize) {
    if let Some(review) = app.data.audit.review_mut() {
        review.select(row);
    }
}

fn decide(app: &mut App, verdict: Verdict) -> Vec<Effect> {
    let classes = report(app).map(|report| report.classes.to_vec()).unwrap_or_default();
    let Some(review) = app.data.audit.review_mut() else {
        app.say(Tone::Plain, "There are no findings to decide on.");
        return Vec::new();
    };
    let changes = match review.decide(verdict, &classes) {
        Ok(changes) => changes,
        Err(sentence) => {
            app.say(Tone::Plain, sentence);
            return Vec::new();
        }
    };
    let left = review.audit.findings.iter().filter(|finding| finding.is_open()).count();
    let what = match &changes[..] {
        [change] => format!("{}: {}.", cut_front(&change.path, 32), text::decided(change.decision.as_ref())),
        [first, ..] => format!("{} images: {}.", changes.len(), text::decided(first.decision.as_ref())),
        [] => String::new(),
    };
    let undo = keys::name_of(Context::Audit, Action::Undo);
    let rest = match left {
        0 => {
            let again = keys::name_of(Context::Audit, Action::PrepareAgain);
            format!("All findings are decided; {again} prepares the set again, {undo} undoes this.")
        }
        _ => format!("{undo} undoes it."),
    };
    app.say(Tone::Good, format!("{what} {rest}"));
    effect(AuditJob::Decide { changes })
}

fn undo(app: &mut App) -> Vec<Effect> {
    let Some(changes) = app.data.audit.review_mut().and_then(Review::undo) else {
        app.say(Tone::Plain, "Nothing to undo since this audit was opened.");
        return Vec::new();
    };
    if let Some(change) = changes.first() {
        let now = change.decision.as_ref().map_or("undecided", Decision::word);
        app.say(Tone::Plain, format!("Undone: {} is {now} again.", cut_front(&change.path, 32)));
    }
    effect(AuditJob::Decide { changes })
}

fn start(app: &mut App) -> Vec<Effect> {
    if let Some(run) = work(&app.snapshot) {
        let text = format!("{} is already running.", run.id);
        app.say(Tone::Plain, text);
        return Vec::new();
    }
    app.open_form(FormKind::Audit);
    Vec::new()
}

fn stop(app: &mut App) {
    match work(&app.snapshot).map(|run| run.id.clone()) {
        Some(run) => {
            let question = format!("Stop {run}?");
            let text = "The findings of the previous audit are kept.".to_owned();
            app.ask(&question, vec![text], Job::Control { run, command: control::Command::Stop });
        }
        None => app.say(Tone::Plain, "No audit is running."),
    }
}

/// Opens the form that prepares this set again, filled in with what it was prepared from.
fn prepare_again(app: &mut App) {
    let report = report(app).cloned();
    // A fold is prepared together with the others.
    let fold = report.as_ref().and_then(|report| report.fold.as_ref());
    let name = fold.map_or_else(|| app.data.audit.dataset.clone(), |fold| fold.of.clone());
    let done = app.snapshot.runs.iter().rev().filter(|run| run.status == Status::Done);
    let made = done.filter_map(|run| match &run.job {
        JobSpec::Prepare(settings) => Some(settings.clone()),
        _ => None,
    });
    let made = made.into_iter().find(|settings| settings.name == name);
    app.open_form(FormKind::Prepare);
    for (field, value) in text::prepare_fields(&name, made.as_ref(), report.as_ref()) {
        app.fill(&field, &value);
    }
}

/// Something came from the job thread.
pub fn take(app: &mut App, reply: AuditReply) -> Vec<Effect> {
    match reply {
        AuditReply::Read { dataset, outcome } => taken(app, &dataset, outcome),
        AuditReply::Decided => {}
        AuditReply::Refused(sentence) => {
            app.say(Tone::Bad, format!("The decision was not saved: {sentence}"));
            return read(app);
        }
    }
    Vec::new()
}

fn taken(app: &mut App, dataset: &str, outcome: Result<Option<Box<Found>>, String>) {
    let state = &mut app.data.audit;
    if state.dataset != dataset {
        return;
    }
    match (outcome, &mut state.contents) {
        (Ok(Some(found)), Contents::Review(review)) => review.renew(*found),
        (Ok(Some(found)), shown) => *shown = Contents::Review(Box::new(Review::new(*found))),
        (Ok(None), shown) => *shown = Contents::Absent,
        (Err(sentence), shown) => *shown = Contents::Failed(sentence),
    }
}
