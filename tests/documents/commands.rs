//! Commands, options, make targets and files named in a document exist.

use crate::page::{Page, Piece};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Options of sbatch, which docs/cluster.md names.
const OF_SLURM: [&str; 6] = ["--array", "--dependency", "--parsable", "--requeue", "--signal", "--time"];

/// Everything that may be named.
pub struct Known {
    root: PathBuf,
    grammar: clap::Command,
    /// Options of any command of the program, and of the scripts beside it.
    options: BTreeSet<String>,
    targets: BTreeSet<String>,
}

impl Known {
    pub fn new(root: &Path) -> Self {
        let mut grammar = faceprobe::cli::grammar();
        grammar.build();
        let mut options = BTreeSet::new();
        collect(&grammar, &mut options);
        options.extend(scripts(root).iter().flat_map(|text| options_in(text)));
        options.extend(OF_SLURM.map(str::to_owned));
        let makefile = fs::read_to_string(root.join("Makefile")).expect("the Makefile");
        let targets = makefile.lines().filter_map(|line| line.split_once(':')).map(|(target, _)| target.to_owned());
        Self { root: root.to_owned(), grammar, options, targets: targets.collect() }
    }

    pub fn problems(&self, page: &Page) -> Vec<String> {
        let typed = page.typed.iter().flat_map(|piece| {
            // A bar with blanks around it is a pipe; one without parts what may stand in a place.
            let line = comment_off(&piece.text);
            line.split(" | ").map(|part| (piece, part.trim().to_owned())).collect::<Vec<_>>()
        });
        let spans = page.spans.iter().map(|piece| (piece, piece.text.clone()));
        let mut found: Vec<String> = typed
            .chain(spans)
            .flat_map(|(piece, text)| self.wrong(&text).into_iter().map(move |what| (piece, what)))
            .map(|(Piece { line, .. }, what)| format!("{}:{line}: {what}", page.name))
            .collect();
        found.dedup();
        found
    }

    /// What is wrong with something that is typed or named.
    fn wrong(&self, text: &str) -> Vec<String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let Some(first) = words.first() else { return Vec::new() };
        match first.rsplit('/').next().unwrap_or(first) {
            "faceprobe" => self.wrong_command(&words[1..]),
            "make" => words[1..]
                .iter()
                .filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
                .filter(|word| !self.targets.contains(**word))
                .map(|word| format!("make has no target {word}"))
                .collect(),
            _ if first.starts_with("--") => words
                .iter()
                .filter(|word| word.starts_with("--"))
                .map(|word| name(word))
                .filter(|option| option.len() > 2 && !self.options.contains(option))
                .map(|option| format!("nothing has the option {option}"))
                .collect(),
            _ if words.len() == 1 && is_path(first) && !self.root.join(first).exists() => {
                vec![format!("the repository has no {first}")]
            }
            _ => Vec::new(),
        }
    }

    fn wrong_command(&self, words: &[&str]) -> Vec<String> {
        let mut commands = vec![&self.grammar];
        let mut problems = Vec::new();
        for word in words {
            let word = word.trim_matches(['[', ']', ',', ';', '…']);
            if word.starts_with("--") {
                let option = name(word);
                if !commands.iter().any(|command| has(command, &option)) {
                    problems.push(format!("{} has no option {option}", commands[0].get_name()));
                }
            } else if commands[0].has_subcommands() {
                let named: Vec<_> = word.split('|').map(|one| (one, commands[0].find_subcommand(one))).collect();
                if !word.chars().all(|c| c.is_ascii_lowercase() || "|-".contains(c)) || word.is_empty() {
                    continue;
                }
                for (one, _) in named.iter().filter(|(_, command)| command.is_none()) {
                    problems.push(format!("{} has no subcommand {one}", commands[0].get_name()));
                }
                let found: Vec<_> = named.into_iter().filter_map(|(_, command)| command).collect();
                if found.is_empty() {
                    break;
                }
                commands = found;
            }
        }
        problems
    }
}

/// A typed line without what a comment or, in a list of commands, the words behind them say.
fn comment_off(line: &str) -> String {
    let command = line.trim_start().split(" #").next().unwrap_or_default();
    command.split("   ").next().unwrap_or_default().trim().to_owned()
}

/// `--width` of `--width=256,1024`.
fn name(word: &str) -> String {
    word.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

fn has(command: &clap::Command, option: &str) -> bool {
    let long = option.trim_start_matches('-');
    ["help", "version"].contains(&long) || command.get_arguments().any(|arg| arg.get_long() == Some(long))
}

fn collect(command: &clap::Command, options: &mut BTreeSet<String>) {
    options.extend(command.get_arguments().filter_map(|arg| arg.get_long()).map(|long| format!("--{long}")));
    command.get_subcommands().for_each(|sub| collect(sub, options));
}

/// The text of every script that a document may name an option of.
fn scripts(root: &Path) -> Vec<String> {
    let folders = ["benches", "tools", "crates/engine/benches"].map(|folder| root.join(folder));
    let entries = folders.into_iter().flat_map(|folder| fs::read_dir(folder).expect("scripts"));
    let paths = entries.map(|entry| entry.expect("an entry").path()).chain([root.join("Makefile")]);
    paths.filter_map(|path| fs::read_to_string(path).ok()).collect()
}

fn options_in(text: &str) -> Vec<String> {
    text.match_indices("--").map(|(at, _)| name(&text[at..])).filter(|option| option.len() > 2).collect()
}

/// Whether a word names something in the repository's own folders.
fn is_path(word: &str) -> bool {
    let own = ["crates/", "src/", "tests/", "benches/", "tools/", "docs/", "studies/", "fuzz/", ".ci/", ".cargo/"];
    own.iter().any(|folder| word.starts_with(folder))
        && !word.contains(['*', '…', '{', '<'])
        && !word.chars().any(|c| c.is_ascii_uppercase() && word.ends_with(c))
}
