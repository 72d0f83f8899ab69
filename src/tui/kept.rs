//! What is worked out from runs, and kept until these are others: a frame is drawn many times from the same runs.

use super::snapshot::Run;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// Something worked out from a list of runs.
#[derive(Debug)]
pub struct Kept<T>(RefCell<Option<Made<T>>>);

/// The runs, and what was made from them.
type Made<T> = (Vec<Arc<Run>>, Rc<T>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T> Kept<T> {
    /// What `make` gives for these runs; it is asked only when they are others than last time. A run that has changed is
    /// another one.
    pub fn of<'r>(
        &self,
        runs: impl Iterator<Item = &'r Arc<Run>> + Clone,
        make: impl FnOnce(&[Arc<Run>]) -> T,
    ) -> Rc<T> {
        if let Some((known, made)) = &*self.0.borrow()
            && known.iter().map(Arc::as_ptr).eq(runs.clone().map(Arc::as_ptr))
        {
            return Rc::clone(made);
        }
        let runs: Vec<Arc<Run>> = runs.map(Arc::clone).collect();
        let made = Rc::new(make(&runs));
        self.0.replace(Some((runs, Rc::clone(&made))));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::snapshot::RunDetails;
    use faceprobe_core::dataset::synthetic::SampleSettings;
    use faceprobe_core::run::{Facts, JobSpec, RunId, Status};

    fn run(id: &str) -> Arc<Run> {
        Arc::new(Run {
            id: RunId::parse(id).unwrap(),
            job: JobSpec::Sample(SampleSettings::default()),
            parent: None,
            step: None,
            created: String::new(),
            status: Status::Done,
            facts: Facts::default(),
            history: None,
            seconds: None,
            row: None,
            about: RunDetails::default(),
        })
    }

    #[test]
    fn it_is_worked_out_again_only_for_other_runs() {
        let mut runs = vec![run("sample-1"), run("sample-2")];
        let (kept, mut asked) = (Kept::default(), 0);
        let mut look = |runs: &[Arc<Run>]| {
            let names = kept.of(runs.iter(), |runs| {
                asked += 1;
                runs.iter().map(|run| run.id.to_string()).collect::<Vec<_>>()
            });
            (names.join(" "), asked)
        };
        assert_eq!(look(&runs), ("sample-1 sample-2".to_owned(), 1));
        assert_eq!(look(&runs), ("sample-1 sample-2".to_owned(), 1));
        // Another snapshot shares the runs that did not change.
        assert_eq!(look(&runs.clone()), ("sample-1 sample-2".to_owned(), 1));
        runs[1] = run("sample-2");
        assert_eq!(look(&runs), ("sample-1 sample-2".to_owned(), 2));
        runs.swap(0, 1);
        assert_eq!(look(&runs), ("sample-2 sample-1".to_owned(), 3));
        runs.pop();
        assert_eq!(look(&runs), ("sample-2".to_owned(), 4));
        assert_eq!(look(&[]), (String::new(), 5));
    }
}
