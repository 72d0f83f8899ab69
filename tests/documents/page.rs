//! A parsed document.

use std::fs;
use std::path::{Path, PathBuf};

/// A piece of text with the line that it begins on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Counted from 1.
    pub line: usize,
    pub text: String,
}

/// A Markdown file.
pub struct Page {
    /// Relative to the repository.
    pub name: String,
    pub folder: PathBuf,
    /// What stands between backticks.
    pub spans: Vec<Piece>,
    /// Lines of fenced blocks in no language, which are what a person types.
    pub typed: Vec<Piece>,
    /// Targets of links and pictures.
    pub links: Vec<Piece>,
    /// Headings, as GitHub makes anchors of them.
    pub anchors: Vec<String>,
}

impl Page {
    pub fn read(root: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.strip_prefix(root).expect("a page of the repository").display().to_string();
        Self::of(&name, path.parent().expect("a folder").to_owned(), &text)
    }

    pub fn of(name: &str, folder: PathBuf, text: &str) -> Self {
        let mut page =
            Self { name: name.to_owned(), folder, spans: vec![], typed: vec![], links: vec![], anchors: vec![] };
        let mut fence: Option<String> = None;
        for (index, line) in text.lines().enumerate() {
            let piece = |text: &str| Piece { line: index + 1, text: text.to_owned() };
            if let Some(language) = line.trim_start().strip_prefix("```") {
                fence = if fence.is_some() { None } else { Some(language.to_owned()) };
            } else if let Some(language) = &fence {
                if language.is_empty() {
                    page.typed.push(piece(line));
                }
            } else {
                if line.starts_with('#') {
                    page.anchors.push(anchor(line.trim_start_matches('#')));
                }
                page.spans.extend(line.split('`').skip(1).step_by(2).map(piece));
                let ends = line.match_indices("](").map(|(at, found)| &line[at + found.len()..]);
                page.links.extend(ends.filter_map(|rest| rest.split_once(')')).map(|(target, _)| piece(target)));
            }
        }
        page
    }
}

/// The anchor that GitHub gives a heading.
pub fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}
