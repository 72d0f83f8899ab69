//! `faceprobe config`, `completions` and `man` through the real binary.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn command(workspace: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faceprobe"));
    command.arg("--workspace").arg(workspace).args(args).stdin(Stdio::null());
    command
}

/// With a home of its own.
fn run(home: &Path, workspace: &Path, args: &[&str]) -> Output {
    let mut command = command(workspace, args);
    command.env("HOME", home).env_remove("XDG_CONFIG_HOME").env_remove("FACEPROBE_CONFIG");
    command.output().expect("the binary starts")
}

fn ok(home: &Path, workspace: &Path, args: &[&str]) -> String {
    let output = run(home, workspace, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn refused(home: &Path, workspace: &Path, args: &[&str]) -> String {
    let output = run(home, workspace, args);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_configuration_is_created_found_shown_and_never_overwritten() {
    let (home, at) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, at) = (home.path().canonicalize().unwrap(), at.path().canonicalize().unwrap());
    let file = home.join(".config/faceprobe/config.toml");
    assert_eq!(ok(&home, &at, &["config", "path"]), format!("{}\n", file.display()));
    assert!(ok(&home, &at, &["config", "show"]).contains("config init") && !file.exists());
    assert_eq!(ok(&home, &at, &["config", "init"]), format!("{}\n", file.display()));
    // A file to begin with changes nothing.
    let begun = fs::read(&file).unwrap();
    let shown: Value = serde_json::from_str(&ok(&home, &at, &["config", "show", "--json"])).unwrap();
    assert!(
        shown.as_array().is_some_and(|all| all.len() > 6 && all.iter().all(|one| one["from"].is_null())),
        "{shown}"
    );
    assert!(refused(&home, &at, &["config", "init"]).contains("is there already and is left as it is"));
    assert_eq!(fs::read(&file).unwrap(), begun);

    fs::write(&file, "[screen]\ntheme = 'light'\nmouse = false\n[keys]\nruns.stop = 'F9'\n").unwrap();
    ok(&home, &at, &["config", "init", "--here"]);
    fs::write(at.join("faceprobe.toml"), "[screen]\nmouse = true\n[slurm]\npartition = 'gpu'\n").unwrap();
    let shown = ok(&home, &at, &["config", "show"]);
    let line = |name: &str| shown.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(line("screen.theme").ends_with(&format!("{}:2:9", file.display())), "{shown}");
    assert!(line("screen.mouse").ends_with("faceprobe.toml:2:9") && line("screen.mouse").contains("true"), "{shown}");
    assert!(line("columns.train").contains("settings") && line("columns.train").ends_with("default"), "{shown}");
    assert!(line("screen.ascii").ends_with("default") && line("slurm.partition").contains("gpu"), "{shown}");
    assert!(
        ok(&home, &at, &["config", "keys", "runs"])
            .lines()
            .any(|line| line.starts_with("runs.stop ") && line.contains("F9 (yours)"))
    );

    // What is wrong is refused where it matters, and by no other command.
    fs::write(&file, "[keys]\nruns.stop = 'D'\n").unwrap();
    assert!(
        refused(&home, &at, &["config", "show"])
            .contains(&format!("{}:2:13: runs.stop: D is runs.remove", file.display()))
    );
    fs::write(&file, "[screen]\n theme = 'pink'\n").unwrap();
    assert!(refused(&home, &at, &["config", "keys"]).contains(&format!("{}:2:10: theme must be", file.display())));
    ok(&home, &at, &["runs", "list"]);
    fs::write(&file, b"[screen]\n# \xff\n").unwrap();
    assert!(refused(&home, &at, &["config", "show"]).contains(":2:3: the text is not UTF-8"));
    fs::write(&file, "[columns]\nresults = ['val', 'tost']\n").unwrap();
    let told = refused(&home, &at, &["config", "show"]);
    assert!(told.contains(":2:11: results: there is no column tost; did you mean test?"), "{told}");
    ok(&home, &at, &["results"]);
    fs::write(&file, b"[screen]\n# \xff\n").unwrap();
    // A file that is named must be there.
    let mut named = command(&at, &["config", "show"]);
    let output = named.env("FACEPROBE_CONFIG", at.join("none.toml")).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("none.toml, which FACEPROBE_CONFIG names, is not there"));
    assert!(refused(&home, &at, &["config", "keys", "nowhere"]).contains("is not UTF-8"));
    fs::remove_file(&file).unwrap();
    assert!(refused(&home, &at, &["config", "keys", "nowhere"]).contains("There is no screen 'nowhere'"));
}

/// What bash offers at Tab behind these words, with the program's script.
fn completed(folder: &Path, script: &Path, words: &[&str]) -> Vec<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_faceprobe")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let line = r#"
        source "$1"; shift
        function_of() { complete -p faceprobe | sed 's/.*-F \([^ ]*\).*/\1/'; }
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9
        "$(function_of)" faceprobe "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let output = Command::new("bash")
        .args(["--norc", "-c", line, "bash"])
        .arg(script)
        .args(words)
        .env("PATH", path)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("bash is there");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn shells_complete_commands_options_and_names() {
    let (home, at) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let script = |shell: &str| {
        let path = at.path().join(format!("script.{shell}"));
        fs::write(&path, ok(home.path(), at.path(), &["completions", shell])).unwrap();
        path
    };
    let bash = script("bash");
    // Every shell that is here reads its script; -n executes nothing.
    for shell in ["bash", "zsh", "fish"] {
        let path = script(shell);
        if let Ok(output) = Command::new(shell).arg("-n").arg(&path).output() {
            assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
        }
        assert!(fs::read_to_string(&path).unwrap().contains("FACEPROBE_COMPLETE"), "{shell}");
    }
    for name in ["dense-1", "dense-2", "logistic-1", "evil\u{1b}[2J-1"] {
        fs::create_dir_all(at.path().join("runs").join(name)).unwrap();
    }
    for name in ["dense-1", "dense-2", "logistic-1"] {
        fs::write(at.path().join("runs").join(name).join("scores-val.csv"), "").unwrap();
    }
    fs::create_dir_all(at.path().join("data/prepared/faces")).unwrap();
    let tab = |words: &[&str]| completed(at.path(), &bash, words);
    assert_eq!(tab(&["faceprobe", "comp"]), ["compare", "completions"]);
    assert_eq!(tab(&["faceprobe", "train", "dense", "--drop"]), ["--dropout"]);
    assert_eq!(tab(&["faceprobe", "runs", "show", "dense"]), ["dense-1", "dense-2"]);
    assert_eq!(tab(&["faceprobe", "runs", "show", ""])[..3], ["dense-1", "dense-2", "logistic-1"]);
    assert!(tab(&["faceprobe", "runs", "show", ""]).iter().all(|name| !name.contains("evil")));
    assert_eq!(tab(&["faceprobe", "predict", "--model", "logi"]), ["logistic-1"]);
    assert_eq!(tab(&["faceprobe", "train", "dense", "--data", "fa"]), ["faces"]);
    assert_eq!(tab(&["faceprobe", "train", "dense", "--optimizer", "ada"]), ["adam", "adamw"]);
    assert!(tab(&["faceprobe", "extract", "--backbone", "vgg"]).contains(&"vgg16".to_owned()));
    let elsewhere = at.path().to_string_lossy().into_owned();
    let from_root = completed(home.path(), &bash, &["faceprobe", "--workspace", &elsewhere, "runs", "show", "logi"]);
    assert_eq!(from_root, ["logistic-1"]);
}

/// Whether a shell is here; else it is said that it was not tried.
fn has(shell: &str) -> bool {
    let there = Command::new(shell).args(["-c", "true"]).output().is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("skipped: {shell} is not here, so its completions were not tried");
    }
    there
}

/// Types each text into this shell on a terminal and presses Tab; what it shows then must come.
fn at_tab(shell: &Command, folder: &Path, typed: &[(&str, &str)]) {
    use portable_pty::{CommandBuilder, PtySize, native_pty_system};
    use std::io::{Read, Write};
    use std::sync::mpsc;
    use std::time::{Duration, Instant};
    let size = PtySize { rows: 30, cols: 100, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(shell.get_program());
    command.args(shell.get_args());
    command.cwd(folder);
    for (name, value) in shell.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.env("TERM", "xterm");
    let mut child = pair.slave.spawn_command(command).unwrap();
    let (mut output, mut input) = (pair.master.try_clone_reader().unwrap(), pair.master.take_writer().unwrap());
    let (send, bytes) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = output.read(&mut buffer) {
            if send.send(buffer[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    let mut screen = vt100::Parser::new(30, 100, 0);
    let until = |screen: &mut vt100::Parser, what: &str| {
        let begun = Instant::now();
        while !screen.screen().contents().contains(what) {
            assert!(begun.elapsed() < Duration::from_secs(60), "no '{what}' on:\n{}", screen.screen().contents());
            if let Ok(bytes) = bytes.recv_timeout(Duration::from_millis(100)) {
                screen.process(&bytes);
            }
        }
    };
    until(&mut screen, "ready>");
    for (text, shows) in typed {
        input.write_all(format!("\u{15}{text}\t").as_bytes()).unwrap();
        until(&mut screen, shows);
    }
    let _ = child.kill();
}

#[test]
fn zsh_and_fish_complete_at_tab_on_a_terminal() {
    let (home, at) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for name in ["dense-1", "logistic-1", "extract-1"] {
        fs::create_dir_all(at.path().join("runs").join(name)).unwrap();
        if name != "extract-1" {
            fs::write(at.path().join("runs").join(name).join("scores-val.csv"), "").unwrap();
        }
    }
    let program = Path::new(env!("CARGO_BIN_EXE_faceprobe")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    // A command, an option, what it may be, a run.
    let typed = [
        ("faceprobe doc", "faceprobe doctor"),
        ("faceprobe train dense --drop", "--dropout"),
        ("faceprobe train dense --optimizer rms", "--optimizer rmsprop"),
        ("faceprobe runs show ext", "runs show extract-1"),
        ("faceprobe predict --model log", "--model logistic-1"),
    ];
    if has("zsh") {
        let functions = home.path().join("functions");
        fs::create_dir(&functions).unwrap();
        fs::write(functions.join("_faceprobe"), ok(home.path(), at.path(), &["completions", "zsh"])).unwrap();
        let start =
            format!("PS1='ready> '\nfpath=({} $fpath)\nautoload -Uz compinit\ncompinit -u\n", functions.display());
        fs::write(home.path().join(".zshrc"), start).unwrap();
        let mut zsh = Command::new("zsh");
        zsh.arg("-i").env("ZDOTDIR", home.path()).env("HOME", home.path()).env("PATH", &path);
        at_tab(&zsh, at.path(), &typed);
    }
    if has("fish") {
        let folder = home.path().join(".config/fish");
        fs::create_dir_all(folder.join("completions")).unwrap();
        fs::write(folder.join("completions/faceprobe.fish"), ok(home.path(), at.path(), &["completions", "fish"]))
            .unwrap();
        fs::write(folder.join("config.fish"), "function fish_prompt; echo -n 'ready> '; end\nset -g fish_greeting\n")
            .unwrap();
        let mut fish = Command::new("fish");
        fish.env("HOME", home.path()).env("XDG_CONFIG_HOME", home.path().join(".config")).env("PATH", &path);
        at_tab(&fish, at.path(), &typed);
    }
    // A model is offered where a model is wanted.
    if has("fish") {
        let script = at.path().join("faceprobe.fish");
        fs::write(&script, ok(home.path(), at.path(), &["completions", "fish"])).unwrap();
        let line = format!("source {}; complete -C 'faceprobe predict --model '", script.display());
        let mut fish = Command::new("fish");
        fish.args(["-c", &line]).env("PATH", &path).env("HOME", home.path()).current_dir(at.path());
        let output = fish.output().unwrap();
        let offered: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
        assert_eq!(offered, ["dense-1", "logistic-1"]);
    }
}

#[test]
fn every_command_has_a_page_of_the_manual() {
    let (home, at) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let to = at.path().join("man");
    let told = ok(home.path(), at.path(), &["man", "--to", &to.to_string_lossy()]);
    let page = |name: &str| fs::read_to_string(to.join(name)).unwrap_or_else(|_| panic!("no {name} in:\n{told}"));
    assert!(page("faceprobe.1").contains(".SH") && page("faceprobe.1").contains("completions"));
    assert!(page("faceprobe-train-dense.1").contains("dropout"));
    assert!(page("faceprobe-config-init.1").contains("never overwrites"));
    assert!(!told.contains("faceprobe-screens") && !told.contains("faceprobe-help"));
    // Pages that somebody wrote stay.
    fs::write(to.join("faceprobe.1"), "mine").unwrap();
    assert!(!run(home.path(), at.path(), &["man", "--to", &to.to_string_lossy()]).status.success());
    assert_eq!(page("faceprobe.1"), "mine");
}
