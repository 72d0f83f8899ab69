//! The documents agree with the program: links, commands, options, files and their fields exist, and generated pages
//! are up to date.

#[path = "../support/coloured.rs"]
mod coloured;
mod columns;
mod commands;
mod fields;
mod keys;
mod links;
mod page;
mod planted;
mod settings;

use page::Page;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every document that a person reads.
fn pages() -> Vec<Page> {
    let of = |folder: &Path| {
        let entries = fs::read_dir(folder).expect("a folder of documents");
        entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.extension().is_some_and(|e| e == "md"))
    };
    let mut paths: Vec<PathBuf> = of(&root()).chain(of(&root().join("docs"))).collect();
    paths.extend(["data/README.md", "cache/README.md", "fuzz/README.md"].map(|name| root().join(name)));
    paths.sort();
    paths.into_iter().map(|path| Page::read(&root(), &path)).collect()
}

fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn links_lead_somewhere() {
    assert_none(&pages().iter().flat_map(|page| links::problems(page, &root())).collect::<Vec<_>>());
}

#[test]
fn commands_options_and_files_are_there() {
    let known = commands::Known::new(&root());
    assert_none(&pages().iter().flat_map(|page| known.problems(page)).collect::<Vec<_>>());
}

#[test]
fn the_readme_can_be_read_in_five_minutes() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    assert!(readme.lines().count() <= 200, "{} lines", readme.lines().count());
}

/// `UPDATE_DOCUMENTS=1 cargo test --release --test documents` writes them.
#[test]
fn generated_pages_are_what_would_be_generated_now() {
    let pages =
        [("docs/settings.md", settings::page()), ("docs/keys.md", keys::page()), ("docs/columns.md", columns::page())];
    for (name, text) in pages {
        let path = root().join(name);
        if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
            fs::write(&path, &text).expect("the page can be written");
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        let line = there.lines().zip(text.lines()).position(|(there, now)| there != now);
        assert!(
            there == text,
            "{name} is not what the program says (first at line {:?}); UPDATE_DOCUMENTS=1 writes it again",
            line.map(|line| line + 1)
        );
    }
}
