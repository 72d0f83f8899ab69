//! The settings of the runs, cached between listings: the spec of a run hardly ever changes.

use super::differing::Settings;
use crate::tui::snapshot::{Run, Snapshot};
use faceprobe_core::run::compare;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// By run: the state in which its settings were read, and the settings.
#[derive(Debug, Default)]
pub struct Known(HashMap<String, (Arc<Run>, Rc<Settings>)>);

impl Known {
    /// The settings of a run.
    pub fn of(&mut self, run: &Arc<Run>) -> Rc<Settings> {
        match self.0.get_mut(run.id.as_str()) {
            Some((seen, settings)) if Arc::ptr_eq(seen, run) || seen.job == run.job => {
                *seen = Arc::clone(run);
                Rc::clone(settings)
            }
            _ => {
                let settings = Rc::new(compare::settings(&run.job));
                self.0.insert(run.id.to_string(), (Arc::clone(run), Rc::clone(&settings)));
                settings
            }
        }
    }

    /// Drops runs that are gone.
    pub fn forget(&mut self, snapshot: &Snapshot) {
        if self.0.len() > snapshot.runs.len() {
            self.0.retain(|run, _| snapshot.run(run).is_some());
        }
    }
}
