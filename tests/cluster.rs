//! Plans and their tasks through the real binary: run here, and submitted to fakes of Slurm's programs that run the
//! tasks of an array on demand. `make test-slurm` uses the real ones.

#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "support/coloured.rs"]
mod coloured;
#[path = "support/made_up.rs"]
mod made_up;

use coloured::{command, ok, pictures};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const EXTRACT: [&str; 5] = ["--threads", "1", "extract", "--backbone", "mobilenet-v2"];

/// sbatch puts each task of an array into the folder `queue`, or does it at once unless `queue/hold` is there; a task named
/// in `queue/lose` vanishes. squeue lists the folder, and fails while `queue/away` is there.
const SBATCH: &str = r#"#!/bin/bash
echo "sbatch $*" >> "$QUEUE/told"
job=$(($(cat "$QUEUE/last" 2>/dev/null || echo 16) + 1)); echo $job > "$QUEUE/last"
for one in "$@"; do case $one in --array=*) array=${one#--array=};; esac; done
script=${!#}
name=$(sed -n 's/^#SBATCH --job-name=//p' "$script")
for range in ${array//,/ }; do for index in $(seq ${range%-*} ${range#*-}); do
  if [ -e "$QUEUE/hold" ]; then echo "${job}_$index|PENDING||Resources|$name" > "$QUEUE/job-${job}_$index"
  elif [ -e "$QUEUE/lose" ] && [ "$(cat "$QUEUE/lose")" = $index ]; then rm "$QUEUE/lose"
  else SLURM_ARRAY_JOB_ID=$job SLURM_ARRAY_TASK_ID=$index SLURMD_NODENAME=n1 bash "$script" >&2 || true; fi
done; done
echo $job
"#;
const SQUEUE: &str = "#!/bin/bash\n[ -e \"$QUEUE/away\" ] && exit 1\ncat \"$QUEUE\"/job-* 2>/dev/null\nexit 0\n";
const SCANCEL: &str =
    "#!/bin/bash\necho \"scancel $*\" >> \"$QUEUE/told\"\nfor job; do rm -f \"$QUEUE/job-$job\"; done\n";

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        fs::create_dir_all(place.queue()).expect("a folder");
        for (name, text) in [("sbatch", SBATCH), ("squeue", SQUEUE), ("scancel", SCANCEL)] {
            let path = place.at(name);
            fs::write(&path, text).expect("a program");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its rights");
        }
        let weights = place.at("made-up.safetensors");
        made_up::weights("mobilenet-v2", &weights);
        let first = place.workspace("first");
        place.ok(&first, &["weights", "import", "mobilenet-v2", &weights.to_string_lossy()]);
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn queue(&self) -> PathBuf {
        self.at("queue")
    }

    /// A workspace with a prepared set.
    fn workspace(&self, name: &str) -> PathBuf {
        let at = self.at(name);
        pictures(&at.join("raw"), 0..20);
        ok(&at, &["data", "prepare", "--source", "folder:raw", "--name", "colours"]);
        at
    }

    fn command(&self, workspace: &Path) -> Command {
        let mut command = command(workspace);
        let path = format!("{}:{}", self.folder.path().display(), std::env::var("PATH").unwrap_or_default());
        command.env("PATH", path).env("QUEUE", self.queue()).env("FACEPROBE_WEIGHTS", self.at("weights"));
        command
    }

    fn run(&self, workspace: &Path, args: &[&str]) -> Output {
        self.command(workspace).args(args).output().expect("the binary starts")
    }

    fn ok(&self, workspace: &Path, args: &[&str]) -> String {
        let output = self.run(workspace, args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// How a run stands, by the list of runs.
    fn standing(&self, workspace: &Path, run: &str) -> Value {
        let listed: Value = serde_json::from_str(&self.ok(workspace, &["--json", "runs", "list"])).expect("JSON");
        let find = |one: &&Value| one["run"] == run;
        listed.as_array().expect("runs").iter().find(find).cloned().unwrap_or_else(|| panic!("no {run} in {listed}"))
    }

    fn told(&self) -> Vec<String> {
        let text = fs::read_to_string(self.queue().join("told")).unwrap_or_default();
        text.lines()
            .map(|line| line.split(self.at("").to_str().unwrap_or("/")).next().unwrap_or("").to_owned())
            .collect()
    }
}

/// The keys of a store with their rows, in the order of the keys; each once.
fn rows(workspace: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let store = fs::read_dir(workspace.join("cache/features")).expect("stores").flatten().next().expect("one").path();
    let data = |path: &Path| {
        let bytes = fs::read(path).expect("a file");
        let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        bytes[10 + header..].to_vec()
    };
    let mut rows = Vec::new();
    for file in fs::read_dir(&store).expect("a store").flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".keys.npy") else { continue };
        let (keys, values) = (data(&file.path()), data(&store.join(format!("{stem}.npy"))));
        let count = keys.len() / 32;
        rows.extend((0..count).map(|at| {
            let width = values.len() / count;
            (keys[at * 32..at * 32 + 32].to_vec(), values[at * width..at * width + width].to_vec())
        }));
    }
    rows.sort();
    assert!(rows.windows(2).all(|two| two[0].0 != two[1].0), "a row was computed twice");
    rows
}

#[test]
fn an_array_gives_what_one_run_gives_and_only_what_is_missing_is_submitted_again() {
    let place = Place::new();
    let single = place.at("first");
    place.ok(&single, &EXTRACT);
    let expected = rows(&single);
    assert_eq!(expected.len(), 40);

    // As the tasks of a plan, here.
    let here = place.workspace("here");
    place.ok(&here, &[&EXTRACT[..], &["--on", "local:3"]].concat());
    assert_eq!(rows(&here), expected);

    let there = place.workspace("there");
    let on_slurm = [&EXTRACT[..], &["--on", "slurm:3", "--sbatch=--nice=5 --exclusive"]].concat();
    let dry = place.ok(&there, &[&on_slurm[..], &["--dry-run"]].concat());
    for part in [
        "--array=0-2",
        "--dependency=afterok:JOB-0",
        "#SBATCH --requeue",
        "--signal=B:USR1@120",
        "--nice=5 --exclusive",
    ] {
        assert!(dry.contains(part), "{part} is not in\n{dry}");
    }
    assert!(!there.join("plans").exists() && !there.join("runs/extract-1").exists() && place.told().is_empty());

    // Tasks wait; the controller goes away and comes back; the run is stopped.
    fs::write(place.queue().join("hold"), "").expect("a file");
    place.ok(&there, &[&on_slurm[..], &["--detach"]].concat());
    let standing = place.standing(&there, "extract-1");
    assert_eq!((&standing["status"], &standing["slurm"]["pending"]), (&"waiting".into(), &4.into()), "{standing}");
    assert_eq!(standing["slurm"]["reason"], "Resources");
    fs::write(place.queue().join("away"), "").expect("a file");
    assert_eq!(place.standing(&there, "extract-1")["status"], "waiting", "nothing speaks against it");
    fs::remove_file(place.queue().join("away")).expect("it was there");
    place.ok(&there, &["runs", "stop", "extract-1"]);
    assert_eq!(place.standing(&there, "extract-1")["slurm"]["failed"], 4);

    // The same command goes on with the same run. A task that vanishes is said, and submitted alone the next time.
    fs::remove_file(place.queue().join("hold")).expect("it was there");
    fs::write(place.queue().join("lose"), "1").expect("a file");
    let lost = place.run(&there, &on_slurm);
    let said = String::from_utf8_lossy(&lost.stderr);
    assert!(lost.status.code() == Some(1) && said.contains("1 of 4 tasks") && said.contains("once more"), "{said}");
    let before = place.told().len();
    place.ok(&there, &on_slurm);
    assert!(place.told()[before].starts_with("sbatch --parsable --array=1 "), "{:?}", place.told());
    assert_eq!(rows(&there), expected);
    let standing = place.standing(&there, "extract-1");
    assert_eq!((&standing["status"], &standing["slurm"]["done"]), (&"done".into(), &4.into()), "{standing}");
    assert_eq!(fs::read_dir(there.join("runs")).expect("runs").flatten().filter(|run| run.path().is_dir()).count(), 2);
}

#[test]
fn sweeps_and_seeds_in_tasks_have_the_accuracies_of_one_process() {
    let place = Place::new();
    let (single, there) = (place.at("first"), place.workspace("there"));
    for (at, on) in [(&single, &[][..]), (&there, &["--on", "slurm:2"][..])] {
        let dense = ["--threads", "1", "--backbone", "mobilenet-v2", "--epochs", "2"];
        place.ok(at, &[&["sweep", "--width", "4,8", "--seeds", "1,2"], &dense[..], on].concat());
        place.ok(at, &[&["train", "dense", "--width", "4", "--seeds", "3,4,5"], &dense[..], on].concat());
    }
    let table = |at: &Path| {
        let told: Value = serde_json::from_str(&place.ok(at, &["--json", "results"])).expect("JSON");
        let row = |row: &Value| format!("{} {} {}", row["settings"], row["seed"], row["val_accuracy"]);
        let mut rows: Vec<String> = told.as_array().expect("rows").iter().map(row).collect();
        rows.sort();
        rows
    };
    assert_eq!(table(&single).len(), 7);
    assert_eq!(table(&there), table(&single));
    assert_eq!(place.standing(&there, "sweep-1")["status"], "done");
    // What needs features comes after them, in one array a step.
    let told = place.told();
    assert!(told[0].contains("--array=0-1 ") && told[1].contains("--dependency=afterok:17 "), "{told:?}");
}

#[test]
fn a_task_reads_images_through_copies_of_its_own_and_leaves_none() {
    let place = Place::new();
    let single = place.at("first");
    place.ok(&single, &EXTRACT);
    let there = place.workspace("there");
    fs::write(there.join("faceprobe.toml"), "[slurm]\ncopy_images = true\n").expect("a configuration");
    fs::write(place.queue().join("hold"), "").expect("a file");
    place.ok(&there, &[&EXTRACT[..], &["--on", "slurm:2", "--detach"]].concat());
    let script = fs::read_to_string(there.join("plans/extract-1/step-0.sh")).expect("a script");
    assert!(script.trim_end().ends_with("--copy-images"), "{script}");

    // One task with copies, the other on a node whose disk cannot be written.
    let (disk, none) = (place.at("disk"), place.at("none"));
    fs::create_dir(&disk).expect("a folder");
    for (task, folder) in [("0", &disk), ("1", &none), ("2", &disk)] {
        let work = ["work", "plans/extract-1", "--task", task, "--copy-images"];
        let output = place.command(&there).args(work).env("TMPDIR", folder).output().expect("the binary starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert_eq!(said.contains("images are not copied"), task == "1", "{said}");
        assert_eq!(fs::read_dir(&disk).expect("a folder").count(), 0, "copies go with their task");
    }
    let journal = |share: &str| fs::read_to_string(there.join(format!("runs/extract-1/shares/{share}/events.jsonl")));
    let (with, without) = (journal("0").expect("a journal"), journal("1").expect("a journal"));
    assert!(with.contains(&format!("images were copied to {}", disk.display())), "{with}");
    assert!(!without.contains("were copied"), "{without}");
    assert_eq!(rows(&there), rows(&single));
}

#[test]
fn a_learning_curve_in_tasks_is_that_of_one_process() {
    let place = Place::new();
    let (single, there) = (place.at("first"), place.workspace("there"));
    let curve = ["--json", "--threads", "1", "learning-curve", "dense", "--backbone", "mobilenet-v2", "--width", "4"];
    let curve = [&curve[..], &["--epochs", "2", "--sizes", "8,24", "--seeds", "1,2"]].concat();
    let points = |told: &str| {
        let told: Value = serde_json::from_str(told).expect("JSON");
        let point = |point: &Value| format!("{} {} {}", point["images"], point["val_accuracy"], point["interval"]);
        told["points"].as_array().expect("points").iter().map(point).collect::<Vec<String>>()
    };
    let expected = points(&place.ok(&single, &curve));
    assert_eq!(expected.len(), 2);
    let on_slurm = [&curve[..], &["--on", "slurm:3"]].concat();
    assert_eq!(points(&place.ok(&there, &on_slurm)), expected);
    let standing = place.standing(&there, "curve-1");
    assert_eq!((&standing["status"], &standing["slurm"]["done"]), (&"done".into(), &1.into()), "{standing}");
    let steps: Vec<String> = place.told().iter().map(|told| told.split(" --dep").next().unwrap_or("").into()).collect();
    assert_eq!(steps, ["--array=0-2 ", "--array=0-2", "--array=0"].map(|array| format!("sbatch --parsable {array}")));

    // A larger one trains only what is new.
    let larger = curve.iter().map(|word| if *word == "8,24" { "8,16,24" } else { word });
    let larger: Vec<&str> = larger.chain(["--on", "local:2"]).collect();
    assert_eq!(points(&place.ok(&there, &larger)).len(), 3);
    let runs = fs::read_dir(there.join("runs")).expect("runs").flatten();
    assert_eq!(runs.filter(|run| run.file_name().to_string_lossy().starts_with("dense-")).count(), 6);
}

#[test]
fn places_that_make_no_sense_are_refused() {
    let place = Place::new();
    let at = place.at("first");
    for (args, part) in [
        (&["--on", "slurm:0"][..], "from 1 to 1,000"),
        (&["--on", "pbs"], "slurm:TASKS"),
        (&["--sbatch", "--nice=1"], "--on slurm"),
        (&["--on", "local:2", "--detach"], "--detach"),
    ] {
        let refused = place.run(&at, &[&EXTRACT[..], args].concat());
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(2) && said.contains(part), "{args:?}: {said}");
    }
    let refused = place.run(&at, &["work", "plans/none"]);
    assert_eq!(refused.status.code(), Some(1));
    // A limit within the notice: nothing is made or submitted.
    fs::write(at.join("faceprobe.toml"), "[slurm]\ntime = \"2\"\n").expect("a configuration");
    let too_short = [&EXTRACT[..], &["--on", "slurm:2"]].concat();
    let refused = place.run(&at, &too_short);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(2) && said.contains("notice of 120 seconds"), "{said}");
    assert!(!at.join("plans").exists() && place.told().is_empty());
    place.ok(&at, &[&too_short[..], &["--sbatch=--time=5", "--dry-run"]].concat());
    // Halving is one task, and the dry run says so.
    let halving = ["sweep", "--backbone", "mobilenet-v2", "--width", "4,8", "--halving", "1:2", "--epochs", "3"];
    let dry = place.ok(&at, &[&halving[..], &["--on", "local:2", "--dry-run"]].concat());
    assert!(dry.starts_with("# sweep-1: one task"), "{dry}");
}
