//! The findings of the audit of a data set, over Data: what is wrong, the pictures, and what a person decides.

mod detail;
mod list;
mod review;
mod text;
mod view;

use crate::tui::audits::{AuditJob, AuditReply, Found};
use crate::tui::effect::Effect;
use crate::tui::forms::FormKind;
use crate::tui::jobs::Job;
use crate::tui::keys::{self, Action, Context};
use crate::tui::request::Request;
use crate::tui::shared::{Shared, Tone};
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

impl State {
    /// Opens the view on the current data set.
    pub fn show(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let Some(dataset) = shared.dataset().map(str::to_owned) else {
            shared.say(Tone::Plain, "There is no prepared data set to audit yet.");
            return Vec::new();
        };
        self.open = true;
        self.look_at(dataset);
        self.read()
    }

    fn look_at(&mut self, dataset: String) {
        if self.dataset != dataset {
            self.dataset = dataset;
            self.contents = Contents::Reading;
        }
    }

    /// Shows another version of a set, if the view is open.
    pub fn turn_to(&mut self, dataset: String) -> Vec<Effect> {
        if !self.open || self.dataset == dataset {
            return Vec::new();
        }
        self.look_at(dataset);
        self.read()
    }

    /// Asks for what was found and decided.
    pub fn read(&self) -> Vec<Effect> {
        if self.open { effect(AuditJob::Read { dataset: self.dataset.clone() }) } else { Vec::new() }
    }

    /// The account of the set that is looked at.
    fn report<'a>(&self, shared: &'a Shared) -> Option<&'a PrepareReport> {
        let dataset = &self.dataset;
        shared.snapshot.datasets.iter().find(|set| set.name == *dataset)?.report.as_ref().ok()
    }

    /// Whether the set was prepared anew since it was audited.
    fn is_stale(&self, shared: &Shared, review: &Review) -> bool {
        self.report(shared).is_some_and(|report| report.manifest_sha256 != review.audit.manifest_sha256)
    }

    /// What a key does in the view; none where it means nothing here.
    pub fn act(&mut self, shared: &mut Shared, action: Action) -> Option<Vec<Effect>> {
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
            return Some(self.decide(shared, verdict));
        }
        match action {
            Action::StartAudit => return Some(start(shared)),
            Action::StopAudit => stop(shared),
            Action::Undo => return Some(self.undo(shared)),
            Action::PrepareAgain => self.prepare_again(shared),
            Action::Picture => {
                let picture = self.review().and_then(Review::subject).map(|image| image.file.clone().into());
                shared.request(Request::Predict { picture, model: None });
            }
            Action::Parent => self.open = false,
            _ => return self.travel(shared, action),
        }
        Some(Vec::new())
    }

    /// Moving about.
    fn travel(&mut self, shared: &mut Shared, action: Action) -> Option<Vec<Effect>> {
        let review = self.review_mut();
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
                    shared.say(Tone::Plain, "No other undecided findings in this list.");
                }
            }
            (Action::NextKind | Action::PreviousKind | Action::NextOpen | Action::PreviousOpen, None) => {}
            _ => return None,
        }
        Some(Vec::new())
    }

    /// Puts the cursor on line `row` of the list.
    pub fn select(&mut self, row: usize) {
        if let Some(review) = self.review_mut() {
            review.select(row);
        }
    }

    fn decide(&mut self, shared: &mut Shared, verdict: Verdict) -> Vec<Effect> {
        let classes = self.report(shared).map(|report| report.classes.to_vec()).unwrap_or_default();
        let Some(review) = self.review_mut() else {
            shared.say(Tone::Plain, "There are no findings to decide on.");
            return Vec::new();
        };
        let changes = match review.decide(verdict, &classes) {
            Ok(changes) => changes,
            Err(sentence) => {
                shared.say(Tone::Plain, sentence);
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
        shared.say(Tone::Good, format!("{what} {rest}"));
        effect(AuditJob::Decide { changes })
    }

    fn undo(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let Some(changes) = self.review_mut().and_then(Review::undo) else {
            shared.say(Tone::Plain, "Nothing to undo since this audit was opened.");
            return Vec::new();
        };
        if let Some(change) = changes.first() {
            let now = change.decision.as_ref().map_or("undecided", Decision::word);
            shared.say(Tone::Plain, format!("Undone: {} is {now} again.", cut_front(&change.path, 32)));
        }
        effect(AuditJob::Decide { changes })
    }

    /// Opens the form that prepares this set again, filled in with what it was prepared from.
    fn prepare_again(&self, shared: &mut Shared) {
        let report = self.report(shared).cloned();
        // A fold is prepared together with the others.
        let fold = report.as_ref().and_then(|report| report.fold.as_ref());
        let name = fold.map_or_else(|| self.dataset.clone(), |fold| fold.of.clone());
        let done = shared.snapshot.runs.iter().rev().filter(|run| run.status == Status::Done);
        let made = done.filter_map(|run| match &run.job {
            JobSpec::Prepare(settings) => Some(settings.clone()),
            _ => None,
        });
        let made = made.into_iter().find(|settings| settings.name == name);
        shared.open_form(FormKind::Prepare);
        for (field, value) in text::prepare_fields(&name, made.as_ref(), report.as_ref()) {
            shared.fill(&field, &value);
        }
    }

    /// Something came from the job thread.
    pub fn take(&mut self, shared: &mut Shared, reply: AuditReply) -> Vec<Effect> {
        match reply {
            AuditReply::Read { dataset, outcome } => self.taken(&dataset, outcome),
            AuditReply::Decided => {}
            AuditReply::Refused(sentence) => {
                shared.say(Tone::Bad, format!("The decision was not saved: {sentence}"));
                return self.read();
            }
        }
        Vec::new()
    }

    fn taken(&mut self, dataset: &str, outcome: Result<Option<Box<Found>>, String>) {
        if self.dataset != dataset {
            return;
        }
        match (outcome, &mut self.contents) {
            (Ok(Some(found)), Contents::Review(review)) => review.renew(*found),
            (Ok(Some(found)), shown) => *shown = Contents::Review(Box::new(Review::new(*found))),
            (Ok(None), shown) => *shown = Contents::Absent,
            (Err(sentence), shown) => *shown = Contents::Failed(sentence),
        }
    }
}

fn start(shared: &mut Shared) -> Vec<Effect> {
    if let Some(run) = work(&shared.snapshot) {
        let text = format!("{} is already running.", run.id);
        shared.say(Tone::Plain, text);
        return Vec::new();
    }
    shared.open_form(FormKind::Audit);
    Vec::new()
}

fn stop(shared: &mut Shared) {
    match work(&shared.snapshot).map(|run| run.id.clone()) {
        Some(run) => {
            let question = format!("Stop {run}?");
            let text = "The findings of the previous audit are kept.".to_owned();
            shared.ask(&question, vec![text], Job::Control { run, command: control::Command::Stop });
        }
        None => shared.say(Tone::Plain, "No audit is running."),
    }
}
