//! Plans that were damaged, that lie in a copied or moved workspace, or whose path is no text.

#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "support/coloured.rs"]
mod coloured;

use coloured::{command, ok, pictures, run};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

const SEEDS: [&str; 9] = ["--quiet", "train", "benchmark", "--pool", "8", "--epochs", "1", "--seeds", "1,2"];

/// sbatch puts each task of an array into the queue, where it waits; squeue shows the queue; scancel notes what it was told.
const PROGRAMS: [(&str, &str); 3] = [
    (
        "sbatch",
        r#"#!/bin/bash
job=$(($(cat "$QUEUE/last" 2>/dev/null || echo 16) + 1)); echo $job > "$QUEUE/last"
for one in "$@"; do case $one in --array=*) array=${one#--array=};; esac; done
name=$(sed -n 's/^#SBATCH --job-name=//p' "${!#}")
for range in ${array//,/ }; do for index in $(seq ${range%-*} ${range#*-}); do
  echo "${job}_$index|PENDING||Resources|$name" > "$QUEUE/job-${job}_$index"
done; done
echo $job
"#,
    ),
    ("squeue", "#!/bin/bash\ncat \"$QUEUE\"/job-* 2>/dev/null\nexit 0\n"),
    ("scancel", "#!/bin/bash\nfor job; do rm -f \"$QUEUE/job-$job\"; echo $job >> \"$QUEUE/cancelled\"; done\n"),
];

struct Cluster {
    folder: tempfile::TempDir,
}

impl Cluster {
    fn new() -> Self {
        let cluster = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        fs::create_dir(cluster.at("queue")).expect("a folder");
        for (name, text) in PROGRAMS {
            fs::write(cluster.at(name), text).expect("a program");
            fs::set_permissions(cluster.at(name), fs::Permissions::from_mode(0o755)).expect("its rights");
        }
        cluster
    }

    fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, workspace: &Path, args: &[&str]) -> Output {
        let path = format!("{}:{}", self.folder.path().display(), std::env::var("PATH").unwrap_or_default());
        let mut command = command(workspace);
        command.env("PATH", path).env("QUEUE", self.at("queue")).args(args).output().expect("the binary starts")
    }

    fn ok(&self, workspace: &Path, args: &[&str]) -> String {
        let output = self.run(workspace, args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs with their statuses, as a client of the cluster sees them.
    fn statuses(&self, workspace: &Path) -> Vec<(String, String)> {
        statuses(&self.ok(workspace, &["--json", "runs", "list"]))
    }

    /// The queued tasks.
    fn queued(&self) -> usize {
        let files = fs::read_dir(self.at("queue")).expect("the queue").flatten();
        files.filter(|file| file.file_name().to_string_lossy().starts_with("job-")).count()
    }

    fn cancelled(&self) -> usize {
        fs::read_to_string(self.at("queue/cancelled")).unwrap_or_default().lines().count()
    }
}

/// The trainings with their statuses.
fn statuses(listed: &str) -> Vec<(String, String)> {
    let listed: Value = serde_json::from_str(listed).expect("JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = listed.as_array().expect("an array").iter();
    let rows = rows.map(|row| (text(&row["run"]), text(&row["status"])));
    rows.filter(|(run, _)| run.starts_with("benchmark")).collect()
}

fn prepared(at: &Path) {
    pictures(&at.join("raw"), 0..20);
    ok(at, &["data", "prepare", "--source", "folder:raw", "--name", "colours"]);
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn copy(from: &Path, to: &Path) {
    assert!(std::process::Command::new("cp").arg("-a").args([from, to]).status().expect("cp runs").success());
}

#[test]
fn tasks_are_done_in_a_workspace_whose_path_is_no_text_and_slurm_is_refused_there() {
    let cluster = Cluster::new();
    let at = cluster.at(OsStr::from_bytes(b"stud\xffy"));
    fs::create_dir(&at).expect("a folder");
    // The pictures lie in it too.
    prepared(&at);
    let refused = cluster.run(&at, &[&SEEDS[..], &["--on", "slurm:2"]].concat());
    assert!(refused.status.code() == Some(2) && said(&refused).contains("is not UTF-8"), "{}", said(&refused));
    assert!(!at.join("plans").exists() && cluster.queued() == 0);
    assert_eq!(cluster.statuses(&at), [], "nothing waits for what was refused");
    ok(&at, &[&SEEDS[..], &["--on", "local:2"]].concat());
    let done = ["benchmark-1", "benchmark-2"].map(|run| (run.to_owned(), "done".to_owned()));
    assert_eq!(cluster.statuses(&at), done);
}

#[test]
fn a_source_below_a_folder_with_control_characters_is_refused_before_a_run_is_made() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path().join("stud\u{1b}[2J\u{202e}y");
    pictures(&at.join("raw"), 0..20);
    let prepare = ["data", "prepare", "--source", "folder:raw", "--name", "colours"];
    let refused = run(&at, &prepare);
    let sentence = said(&refused);
    assert!(refused.status.code() == Some(2) && sentence.contains("through a link without any"), "{sentence}");
    assert!(!sentence.contains('\u{1b}') && !sentence.contains('\u{202e}') && !at.join("runs").exists(), "{sentence}");
    // As it says.
    std::os::unix::fs::symlink(at.join("raw"), folder.path().join("raw")).expect("a link");
    let link = format!("folder:{}", folder.path().join("raw").display());
    ok(&at, &["data", "prepare", "--source", link.as_str(), "--name", "colours"]);
    ok(&at, &[&SEEDS[..], &["--on", "local:2"]].concat());
}

#[test]
fn a_plan_that_cannot_be_written_leaves_no_run_behind() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    prepared(at);
    fs::write(at.join("plans"), "in the way").expect("a file");
    let refused = run(at, &[&SEEDS[..], &["--on", "local:2"]].concat());
    assert!(refused.status.code() == Some(1) && said(&refused).contains("plans"), "{}", said(&refused));
    assert_eq!(statuses(&ok(at, &["--json", "runs", "list"])), []);
    fs::remove_file(at.join("plans")).expect("it is made room");
    ok(at, &[&SEEDS[..], &["--on", "local:2"]].concat());
    assert_eq!(statuses(&ok(at, &["--json", "runs", "list"])).len(), 2);
}

#[test]
fn what_is_done_to_a_copied_workspace_reaches_no_job_of_the_original() {
    let cluster = Cluster::new();
    let (at, copied, moved) = (cluster.at("first"), cluster.at("copied"), cluster.at("moved"));
    fs::create_dir(&at).expect("a folder");
    prepared(&at);
    let submit = [&SEEDS[..], &["--on", "slurm:2", "--detach"]].concat();
    cluster.ok(&at, &submit);
    assert_eq!(cluster.queued(), 2);
    let waits = ["benchmark-1", "benchmark-2"].map(|run| (run.to_owned(), "waiting".to_owned()));
    assert_eq!(cluster.statuses(&at), waits);
    copy(&at, &copied);
    assert!(cluster.statuses(&copied).iter().all(|(_, status)| status != "waiting"), "{:?}", cluster.statuses(&copied));
    for command in ["stop", "pause"] {
        cluster.run(&copied, &["runs", command, "benchmark-1"]);
    }
    assert_eq!((cluster.queued(), cluster.cancelled()), (2, 0));
    // The copy's tasks are its own: they are submitted beside the original's, done in it, and taken out of the queue.
    cluster.ok(&copied, &submit);
    assert_eq!(cluster.queued(), 4);
    cluster.ok(&copied, &["--quiet", "work", "plans/benchmark-1"]);
    assert!(cluster.statuses(&copied).iter().all(|(_, status)| status == "done"));
    assert_eq!(cluster.statuses(&at), waits);
    assert!(!at.join("plans/benchmark-1/done").exists());
    // A link to the workspace is the workspace, and so is one that was moved.
    let link = cluster.at("link");
    std::os::unix::fs::symlink(&at, &link).expect("a link");
    assert_eq!(cluster.statuses(&link), waits);
    fs::rename(&at, &moved).expect("it is moved");
    assert_eq!(cluster.statuses(&moved), waits);
    cluster.ok(&moved, &["runs", "stop", "benchmark-1"]);
    assert_eq!((cluster.queued(), cluster.cancelled()), (2, 2));
}

#[test]
fn a_damaged_plan_does_nothing_and_the_command_that_made_it_makes_another() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    prepared(at);
    let command = [&SEEDS[..], &["--on", "local:2"]].concat();
    ok(at, &command);
    let plan = at.join("plans/benchmark-1/plan.json");
    let whole = fs::read_to_string(&plan).expect("a plan");
    fs::remove_dir_all(at.join("plans/benchmark-1/done")).expect("what is done");
    for (from, to) in
        [("\"epochs\": 1", "\"epochs\": 2"), ("benchmark-2", "benchmark-1"), ("\"format\": 1", "\"format\": 3")]
    {
        fs::write(&plan, whole.replacen(from, to, 1)).expect("a file");
        let refused = run(at, &["work", "plans/benchmark-1"]);
        let sentence = said(&refused);
        assert!(refused.status.code() == Some(1) && sentence.contains("plan.json"), "{sentence}");
        assert!(sentence.contains("does not fit its checksum") && sentence.contains("once more"), "{sentence}");
    }
    // As advised: others are trained, and none of them is of the damaged plan.
    ok(at, &command);
    let done = statuses(&ok(at, &["--json", "runs", "list"]));
    assert!(done.len() == 4 && done.iter().all(|(_, status)| status == "done"), "{done:?}");
    // A plan of an earlier version has no checksum.
    let (_, rest) = whole.split_once("\",\n").expect("the checksum");
    fs::write(&plan, format!("{{\n{rest}")).expect("a file");
    ok(at, &["--quiet", "work", "plans/benchmark-1"]);
}

#[test]
fn a_placement_that_was_damaged_is_named_and_the_command_that_submitted_it_mends_it() {
    let cluster = Cluster::new();
    let at = cluster.at("first");
    fs::create_dir(&at).expect("a folder");
    prepared(&at);
    let submit = [&SEEDS[..], &["--on", "slurm:2", "--detach"]].concat();
    cluster.ok(&at, &submit);
    let file = at.join("runs/benchmark-2/place.json");
    let whole = fs::read_to_string(&file).expect("a placement");
    for damaged in [whole.replace("benchmark-1", "benchmark-7"), "{".to_owned()] {
        fs::write(&file, damaged).expect("a file");
        let named = cluster.run(&at, &["runs", "show", "benchmark-2"]);
        assert!(said(&named).contains("place.json") && said(&named).contains("once more"), "{}", said(&named));
        let stands = [("benchmark-1", "waiting"), ("benchmark-2", "damaged")];
        let mut statuses = cluster.statuses(&at);
        statuses.sort();
        assert_eq!(statuses, stands.map(|(run, status)| (run.to_owned(), status.to_owned())));
        cluster.ok(&at, &submit);
        assert!(cluster.statuses(&at).iter().all(|(_, status)| status == "waiting"));
        assert_eq!(cluster.queued(), 2, "what is queued is not submitted again");
    }
    // How it was submitted is said too, and forgotten by the next submission.
    let terms = at.join("plans/benchmark-1/terms.json");
    let text = fs::read_to_string(&terms).expect("the terms");
    fs::write(&terms, text.replacen("120", "220", 1)).expect("a file");
    fs::remove_file(cluster.at("queue/job-17_1")).expect("a task is lost");
    let refused = cluster.run(&at, &["runs", "resume", "benchmark-2"]);
    assert!(said(&refused).contains("terms.json") && said(&refused).contains("once more"), "{}", said(&refused));
    cluster.ok(&at, &submit);
    assert_eq!(cluster.queued(), 2);
}
