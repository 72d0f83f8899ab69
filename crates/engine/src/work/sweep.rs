//! The sweep job: many heads on the same features, each a run of its own.
//!
//! Every head is an ordinary training with a folder, a journal, a checkpoint and a row in the results; the sweep only
//! decides which heads are trained and for how many epochs. So a sweep that was killed finds the finished heads and
//! trains the rest, and its heads appear in `results` like other runs.
//!
//! Small heads are trained in parallel, one thread each: their steps are short, and threads that share one spend much
//! of it on synchronisation. Large heads saturate the memory bandwidth and are trained one after the other.

use super::execute::JobContext;
use super::training::{TrainingData, ground, train_on};
use super::worker::{Recorder, claimed, recorded};
use crate::model::DenseSettings;
use faceprobe_core::error::{Error, ErrorKind, Result};
use faceprobe_core::model::ModelSpec;
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::run::RunFolder;
use faceprobe_core::run::journal::LifecycleEvent;
use faceprobe_core::run::results::ResultRow;
use faceprobe_core::run::spec::{JobSpec, Spec};
use faceprobe_core::run::sweep::SweepSpec;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Heads with more weights than this are trained one after the other.
const SMALL: usize = 8_000_000;

/// One head: the index of its setting, its seed, and its run.
struct Head {
    setting: usize,
    model: ModelSpec,
    run: RunFolder,
}

/// Trains the heads of a sweep and returns a sentence about the best.
///
/// # Errors
/// Missing data, weights or images; settings out of range; a stop; heads that could not be trained, after all others
/// are.
pub(super) fn sweep(
    circumstances: &JobContext<'_>,
    dataset: &str,
    spec: &SweepSpec,
    recorder: &Recorder,
) -> Result<String> {
    let settings = spec.settings()?;
    let ground = ground(circumstances, dataset, &model(spec, &settings[0], 0), None, recorder)?;
    let heads = heads(circumstances, dataset, spec, &settings)?;
    if let Some(share) = circumstances.share {
        let own = heads.iter().enumerate().filter(|(place, _)| share.takes(*place));
        let own: Vec<&Head> = own.map(|(_, head)| head).collect();
        recorder.update(Update::Stage { name: format!("train {} of {} heads", own.len(), heads.len()) });
        let failed = train_all(circumstances, &ground, dataset, &own, None, recorder)?;
        complete(circumstances, &failed, heads.len(), "")?;
        return Ok(format!("trained {} of {} heads", own.len(), heads.len()));
    }
    recorder.update(Update::Stage { name: format!("train {} heads", heads.len()) });

    let rungs = spec.rungs();
    let mut alive: Vec<usize> = (0..settings.len()).collect();
    let (mut ranking, mut failed) = (Vec::new(), Vec::new());
    for (at, &epochs) in rungs.iter().enumerate() {
        let chosen: Vec<&Head> = heads.iter().filter(|head| alive.contains(&head.setting)).collect();
        let last = at + 1 == rungs.len();
        if rungs.len() > 1 {
            let text = format!("{} heads up to epoch {epochs}", chosen.len());
            recorder.update(Update::Note { text });
        }
        let limit = if last { None } else { Some(epochs) };
        match train_all(circumstances, &ground, dataset, &chosen, limit, recorder) {
            Err(error) if error.kind() == ErrorKind::Stopped => return Err(stopped(spec, &settings, &heads)?),
            failures => failed.extend(failures?),
        }
        ranking = rank(&chosen, &alive)?;
        if !last {
            let kept = ranking.len().div_ceil(spec.own.halving.map_or(1, |halving| halving.factor.max(1)));
            alive = ranking.iter().take(kept).map(|ranked| ranked.setting).collect();
        }
    }
    let Some(best) = ranking.first() else {
        complete(circumstances, &failed, heads.len(), "")?;
        return Err(Error::failed("no head of the sweep could be trained; its notes say why"));
    };
    for (place, ranked) in ranking.iter().take(10).enumerate() {
        let text =
            format!("{}. {}: {}", place + 1, model(spec, &settings[ranked.setting], 0).describe(), ranked.text());
        recorder.update(Update::Note { text });
    }
    let best =
        format!("best val@τ {}: {}, in {}", best.text(), model(spec, &settings[best.setting], 0).describe(), best.run);
    complete(circumstances, &failed, heads.len(), &format!(" Of the others {best}."))?;
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    Ok(format!("{}, {} each; {best}", count(settings.len(), "setting"), count(spec.own.seeds.len(), "seed")))
}

/// A head that could not be trained, and why.
struct Failed {
    run: String,
    why: Error,
}

/// Refuses to call a sweep done that lacks heads. `rest` is said of those that it has.
fn complete(circumstances: &JobContext<'_>, failed: &[Failed], of: usize, rest: &str) -> Result<()> {
    let Some(first) = failed.first() else { return Ok(()) };
    let mut names: Vec<&str> = failed.iter().map(|failed| failed.run.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    Err(Error::failed(format!(
        "{} of {of} heads could not be trained: {}; {}: {} 'faceprobe runs resume {}' trains what is missing.{rest}",
        names.len(),
        names.join(", "),
        first.run,
        sentence(&first.why),
        circumstances.run.id()
    )))
}

/// An error as a sentence within a text.
fn sentence(error: &Error) -> String {
    let text = error.to_string();
    if text.ends_with('.') { text } else { text + "." }
}

/// The error of a sweep that was stopped: how many heads have a model, finished or the best so far.
fn stopped(spec: &SweepSpec, settings: &[DenseSettings], heads: &[Head]) -> Result<Error> {
    let (mut with_model, mut best) = (0, None::<(f64, &Head)>);
    for head in heads {
        let Some(row) = ResultRow::load(&head.run)? else { continue };
        with_model += 1;
        if let Some(accuracy) = row.val_accuracy.filter(|new| best.is_none_or(|(known, _)| *new > known)) {
            best = Some((accuracy, head));
        }
    }
    let of = heads.len();
    Ok(Error::stopped_with(match best {
        Some((accuracy, head)) => format!(
            "Stopped; {with_model} of {of} heads have a model, finished or the best until then. Best on validation so far: \
             {}, {accuracy:.4}, in {}.",
            model(spec, &settings[head.setting], 0).describe(),
            head.run.id()
        ),
        None => format!("Stopped before the first epoch of the first of {of} heads was done, so there is no model."),
    }))
}

fn model(spec: &SweepSpec, settings: &DenseSettings, seed: usize) -> ModelSpec {
    spec.model(settings, spec.own.seeds.get(seed).copied().unwrap_or(settings.seed))
}

/// The runs of all heads: existing ones of this sweep, and new ones.
fn heads(
    circumstances: &JobContext<'_>,
    dataset: &str,
    spec: &SweepSpec,
    settings: &[DenseSettings],
) -> Result<Vec<Head>> {
    let own = circumstances.run.id().to_string();
    let mut made: Vec<(JobSpec, RunFolder)> = Vec::new();
    for run in RunFolder::list(circumstances.workspace)? {
        // A folder whose spec cannot be read is not a head of this sweep.
        if let Ok(spec) = run.spec()
            && spec.parent.as_deref() == Some(own.as_str())
        {
            made.push((spec.job, run));
        }
    }
    let mut heads = Vec::new();
    for seed in 0..spec.own.seeds.len() {
        for (setting, settings) in settings.iter().enumerate() {
            let model = model(spec, settings, seed);
            let job = JobSpec::train(dataset, model.clone());
            let run = match made.iter().find(|(made, _)| *made == job) {
                Some((_, run)) => run.clone(),
                None => {
                    let mut spec = Spec::new(job, circumstances.threads, circumstances.device);
                    spec.parent = Some(own.clone());
                    RunFolder::create(circumstances.workspace, &spec)?
                }
            };
            heads.push(Head { setting, model, run });
        }
    }
    Ok(heads)
}

/// Trains all heads that have not reached the epoch, in parallel where that is faster, and gives those that could not
/// be trained.
fn train_all(
    circumstances: &JobContext<'_>,
    ground: &TrainingData,
    dataset: &str,
    heads: &[&Head],
    limit: Option<usize>,
    recorder: &Recorder,
) -> Result<Vec<Failed>> {
    let weights = |head: &&&Head| match head.model.settings::<DenseSettings>() {
        Ok(settings) => settings.width * (ground.width() + settings.width * (settings.depth - 1)),
        Err(_) => usize::MAX,
    };
    let small = heads.iter().map(|head| weights(&head)).max().unwrap_or(0) <= SMALL;
    let (lanes, threads) =
        if small { (circumstances.threads.min(heads.len()).max(1), 1) } else { (1, circumstances.threads) };
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let failure: Mutex<Option<Error>> = Mutex::new(None);
    let failed: Mutex<Vec<Failed>> = Mutex::new(Vec::new());
    let lane = || -> Result<()> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|error| Error::failed(format!("no threads for the heads of the sweep: {error}")))?;
        pool.install(|| {
            // libtorch, which scores the finished heads, uses one thread per head too.
            tch::set_num_threads(i32::try_from(threads).unwrap_or(1));
            while let Some(head) = heads.get(next.fetch_add(1, Ordering::Relaxed)) {
                let outcome = train_head(circumstances, ground, dataset, head, limit, recorder);
                let index = done.fetch_add(1, Ordering::Relaxed);
                match outcome {
                    Ok(row) => recorder.update(Update::Trial {
                        index,
                        of: heads.len(),
                        setting: format!("{} {} seed {}", row.run, row.settings, row.seed),
                        val_accuracy: row.val_accuracy.unwrap_or(f64::NAN),
                        val_loss: row.validation.as_ref().map_or(f64::NAN, |figures| figures.of_scores.log_loss),
                    }),
                    Err(error) if error.kind() == ErrorKind::Stopped => return Err(error),
                    Err(why) => {
                        let run = head.run.id().to_string();
                        recorder.update(Update::Note { text: format!("{run}: {why}") });
                        failed.lock().unwrap_or_else(PoisonError::into_inner).push(Failed { run, why });
                    }
                }
            }
            Ok(())
        })
    };
    std::thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                if let Err(error) = lane() {
                    // The other threads find nothing left to do.
                    next.store(heads.len(), Ordering::Relaxed);
                    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
            });
        }
    });
    tch::set_num_threads(i32::try_from(circumstances.threads).unwrap_or(1));
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(failed.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

/// Trains one head as its own run, unless it has reached the epoch already.
fn train_head(
    circumstances: &JobContext<'_>,
    ground: &TrainingData,
    dataset: &str,
    head: &Head,
    limit: Option<usize>,
    recorder: &Recorder,
) -> Result<ResultRow> {
    if let Some(row) = trained(head, limit)? {
        return Ok(row);
    }
    if recorder.stopped() {
        return Err(Error::stopped());
    }
    let _claim = claimed(&head.run)?;
    // Another worker may have finished it while this one waited for its claim.
    if let Some(row) = trained(head, limit)? {
        return Ok(row);
    }
    let own = Recorder::open(&head.run, Arc::clone(recorder.switch()))?;
    own.life(LifecycleEvent::Started { pid: std::process::id(), threads: circumstances.threads });
    let mut row = None;
    recorded(&own, || {
        let new = train_on(ground, &head.run, dataset, &head.model, limit, &own)?;
        let summary = new.summary();
        row = Some(new);
        Ok(summary)
    })?;
    row.ok_or_else(|| Error::failed("the head left no result"))
}

/// The result of a head that has reached the epoch already.
fn trained(head: &Head, limit: Option<usize>) -> Result<Option<ResultRow>> {
    let row = ResultRow::load(&head.run)?
        .filter(|row| !head.run.checkpoint_path().exists() || limit.is_some_and(|limit| row.epochs >= limit));
    if let Some(row) = &row {
        row.close(&head.run)?;
    }
    Ok(row)
}

/// A setting with the validation accuracies of its seeds.
struct Ranked {
    setting: usize,
    accuracies: Vec<f64>,
    /// The run of its best seed.
    run: String,
}

impl Ranked {
    fn mean(&self) -> f64 {
        self.accuracies.iter().sum::<f64>() / self.accuracies.len() as f64
    }

    fn text(&self) -> String {
        let mean = self.mean();
        match self.accuracies.len() {
            1 => format!("{mean:.4}"),
            n => {
                let squares: f64 = self.accuracies.iter().map(|accuracy| (accuracy - mean).powi(2)).sum();
                format!("{mean:.4} ± {:.4} over {n} seeds", (squares / (n - 1) as f64).sqrt())
            }
        }
    }
}

/// The settings that have results, the best mean validation accuracy over their seeds first (ties: the earlier).
fn rank(heads: &[&Head], alive: &[usize]) -> Result<Vec<Ranked>> {
    let mut ranking = Vec::new();
    for &setting in alive {
        let mut rows = Vec::new();
        for head in heads.iter().filter(|head| head.setting == setting) {
            rows.extend(ResultRow::load(&head.run)?.and_then(|row| Some((row.val_accuracy?, row.run))));
        }
        let best = rows.iter().max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, run)) = best {
            let run = run.clone();
            ranking.push(Ranked { setting, accuracies: rows.into_iter().map(|row| row.0).collect(), run });
        }
    }
    ranking.sort_by(|a, b| b.mean().total_cmp(&a.mean()));
    Ok(ranking)
}
