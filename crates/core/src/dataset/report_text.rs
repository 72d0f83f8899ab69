//! The report of a preparation as plain text, in 80 columns.

use super::report::{Dropped, PrepareReport};
use crate::text::{self, printable};
use std::collections::BTreeMap;
use std::fmt::Write;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Width of the text in columns.
const WIDTH: usize = 80;
/// Longer tables are truncated to keep the report readable.
const LONGEST_TABLE: usize = 24;

/// `19487` as `19,487`.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl PrepareReport {
    /// The report as plain aligned text, at most 80 columns wide, ending with a line break.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let synthetic = if self.synthetic { " (synthetic images)" } else { "" };
        let method =
            if self.split.keeps_people_apart() { format!(", split by {}", self.split.name()) } else { String::new() };
        let name = printable(&self.name);
        line(&mut text, &format!("Data set {name}{synthetic}, seed {}{method}", self.seed));
        for source in &self.sources {
            line(&mut text, &format!("  {}", fitted(source, WIDTH - 2)));
        }
        if let Some(alignment) = self.alignment {
            line(&mut text, &format!("  aligned to the face: {}, {} pixels", alignment.template, alignment.side));
        }
        self.rows_to_text(&mut text);
        self.dropped_to_text(&mut text);
        self.splits_to_text(&mut text);
        self.table(&mut text, "Usable by age", &self.ages);
        self.table(&mut text, "Usable by fold", &self.folds);
        if let Some(subjects) = self.subjects {
            line(&mut text, &format!("\n{} different subjects among the usable images", thousands(subjects)));
        }
        if !self.warnings.is_empty() {
            line(&mut text, "\nTo know before trusting it");
            for warning in &self.warnings {
                wrapped(&mut text, "  * ", warning);
            }
        }
        text
    }

    fn rows_to_text(&self, text: &mut String) {
        line(text, "");
        let mut facts = vec![("Rows in the label files".to_owned(), self.rows)];
        let mut labels: Vec<(&String, &usize)> = self.raw_labels.iter().collect();
        labels.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        facts.extend(labels.iter().take(8).map(|(label, count)| (format!("  labelled {label}"), **count)));
        let others: usize = labels.iter().skip(8).map(|(_, count)| **count).sum();
        if others > 0 {
            facts.push(("  labelled otherwise".into(), others));
        }
        facts.push(("Rows that repeat an earlier one".into(), self.repeated_keys));
        facts.push(("Rows whose image is there".into(), self.images_present));
        for (name, count) in facts {
            line(text, &format!("{}{:>9}", padded(&name, 36), thousands(count)));
        }
    }

    fn dropped_to_text(&self, text: &mut String) {
        if self.dropped.is_empty() {
            return;
        }
        line(text, "\nLeft out, in the order of the checks");
        for Dropped { reason, explanation, count, examples } in &self.dropped {
            wrapped(text, &format!("  {}{:>9}  ", padded(reason, 22), thousands(*count)), explanation);
            // Which of the usable images were not drawn is not relevant.
            for example in examples.iter().filter(|_| reason != "not_sampled") {
                line(text, &format!("      {}", fitted(example, WIDTH - 6)));
            }
        }
    }

    fn splits_to_text(&self, text: &mut String) {
        line(text, "");
        self.header(text, "");
        self.counts(text, "Usable", self.usable);
        for split in &self.splits {
            self.counts(text, &format!("  {}", split.split), split.per_class);
        }
        if self.splits.is_empty() {
            line(text, "  no split was drawn");
        }
    }

    fn table(&self, text: &mut String, title: &str, table: &BTreeMap<String, [usize; 2]>) {
        if table.is_empty() {
            return;
        }
        line(text, "");
        self.header(text, title);
        let mut rows: Vec<(&String, &[usize; 2])> = table.iter().collect();
        rows.sort_by_key(|(name, _)| (first_number(name), (*name).clone()));
        for (name, per_class) in rows.iter().take(LONGEST_TABLE) {
            self.counts(text, &format!("  {name}"), **per_class);
        }
        if rows.len() > LONGEST_TABLE {
            line(text, &format!("  and {} more", thousands(rows.len() - LONGEST_TABLE)));
        }
    }

    fn header(&self, text: &mut String, title: &str) {
        let [first, second] = self.classes.each_ref().map(|class| right(class, 14));
        line(text, &format!("{}{first}{second}{}", padded(title, 22), right("total", 12)));
    }

    fn counts(&self, text: &mut String, name: &str, per_class: [usize; 2]) {
        let [first, second] = per_class.map(|count| right(&thousands(count), 14));
        let total = right(&thousands(per_class[0] + per_class[1]), 12);
        line(text, &format!("{}{first}{second}{total}", padded(name, 22)));
    }
}

/// Sorts groups such as `4-6` before `15-20`, and those without a number last.
fn first_number(name: &str) -> u64 {
    let digits: String =
        name.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).take(18).collect();
    digits.parse().unwrap_or(u64::MAX)
}

/// Adds a line, without trailing spaces.
fn line(text: &mut String, content: &str) {
    text.push_str(content.trim_end());
    text.push('\n');
}

/// `text`, left-aligned.
fn padded(text: &str, width: usize) -> String {
    let shown = fitted(text, width - 1);
    format!("{shown}{}", " ".repeat(width - shown.width()))
}

/// `text`, right-aligned.
fn right(text: &str, width: usize) -> String {
    let shown = fitted(text, width - 1);
    format!("{}{shown}", " ".repeat(width - shown.width()))
}

/// `text`, with its middle elided if it is wider than `width`: both ends of a path matter.
fn fitted(text: &str, width: usize) -> String {
    let text = text::line(text);
    if text.width() <= width {
        return text.into_owned();
    }
    let room = width.saturating_sub(3);
    let within = |room: usize, characters: &mut dyn Iterator<Item = char>| -> Vec<char> {
        let mut used = 0;
        characters
            .take_while(|character| {
                used += character.width().unwrap_or(0);
                used <= room
            })
            .collect()
    };
    let head = within(room / 2, &mut text.chars());
    let tail = within(room - room / 2, &mut text.chars().rev());
    head.into_iter().chain("...".chars()).chain(tail.into_iter().rev()).collect()
}

/// Adds `words` after `lead`, wrapped between words with a hanging indent.
fn wrapped(text: &mut String, lead: &str, words: &str) {
    let words = text::line(words);
    let indent = " ".repeat(lead.width());
    let mut current = lead.to_owned();
    let mut used = lead.width();
    for word in words.split(' ') {
        let separator = usize::from(used > indent.len());
        if used > indent.len() && used + separator + word.width() > WIDTH {
            line(text, &current);
            current.clone_from(&indent);
            used = indent.len();
        }
        let separator = if used > indent.len() { " " } else { "" };
        let _ = write!(current, "{separator}{word}");
        used += separator.len() + word.width();
    }
    line(text, &current);
}
