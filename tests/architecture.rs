//! Holds the shape of the crate: which module may know which, and who may know the terminal or libtorch.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules from the ground up; each may use what lies below it, and those on its own level.
const LEVELS: [&[&str]; 8] = [
    &["error", "kernel", "monitor", "workspace"],
    &["imaging", "net"],
    &["dataset", "backbone"],
    &["features", "evaluation", "face"],
    &["model"],
    &["run", "audit"],
    &["predict", "report"],
    &["cli", "tui"],
];

fn level(module: &str) -> usize {
    LEVELS.iter().position(|names| names.contains(&module)).unwrap_or_else(|| panic!("src/{module} has no level here"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src can be read").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Module of each source file, its path and its code without comments.
fn modules() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    paths
        .into_iter()
        .filter_map(|path| {
            let below = path.strip_prefix(&root).ok()?;
            let first = below.iter().next()?.to_str()?.trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&path).ok()?;
            let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            Some((first, path, code.join("\n")))
        })
        .filter(|(module, _, _)| !matches!(module.as_str(), "lib" | "main"))
        .collect()
}

#[test]
fn dependencies_run_one_way() {
    let mut wrong = Vec::new();
    for (module, path, code) in modules() {
        for used in code.match_indices("crate::").map(|(at, name)| &code[at + name.len()..]) {
            let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if LEVELS.iter().any(|names| names.contains(&used.as_str())) && level(&used) > level(&module) {
                wrong.push(format!("{} uses {used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_top_knows_the_terminal_and_the_screens_do_not_know_libtorch() {
    let mut wrong = Vec::new();
    for (module, path, code) in modules() {
        let top = level(&module) == LEVELS.len() - 1;
        for library in ["ratatui", "crossterm", "indicatif"] {
            if !top && code.contains(library) {
                wrong.push(format!("{} knows {library}", path.display()));
            }
        }
        if module == "tui" && (code.contains("tch::") || code.contains("indicatif")) {
            wrong.push(format!("{} knows tch", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
