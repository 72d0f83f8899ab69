//! Finding lines by what they say.

use super::Table;
use super::column::{self, Column};
use super::listing::Listing;
use crate::tui::shared::{Shared, Tone};

/// The next place from `from` on, around the end, where something is found; `from` itself last, or first with `here`.
pub fn next(found: &[bool], from: usize, forward: bool, here: bool) -> Option<usize> {
    let len = found.len();
    let step = |distance: usize| if forward { (from + distance) % len } else { (from + len - distance % len) % len };
    let start = usize::from(!here);
    (start..start + len).map(step).find(|at| found[*at])
}

/// Whether a line says `text`, in letters large or small: its name, title, note, kind, network, data, status, settings.
fn says(lines: &Listing, at: usize, text: &str) -> bool {
    let Some(line) = lines.lines.get(at) else { return false };
    let run = &line.run;
    let has = |said: &str| said.to_lowercase().contains(text);
    let columns = [Column::Run, Column::Status, Column::Kind, Column::Backbone, Column::Data];
    columns.iter().any(|column| has(&column::cell(run, column, false)))
        || has(&run.about.label.note)
        || run.row.as_ref().is_some_and(|row| has(&row.settings))
}

/// The lines that say it.
fn found(lines: &Listing, text: &str) -> Vec<bool> {
    let text = text.trim().to_lowercase();
    (0..lines.lines.len()).map(|at| !text.is_empty() && says(lines, at, &text)).collect()
}

/// Whether a line says what is looked for.
pub fn is_found(lines: &Listing, at: usize, text: &str) -> bool {
    let text = text.trim().to_lowercase();
    !text.is_empty() && says(lines, at, &text)
}

/// Something else is looked for, from where the cursor was when the search began.
pub fn typed(table: &mut Table, shared: &Shared, text: &str, from: Option<&str>) -> Result<(), String> {
    text.trim().clone_into(&mut table.search);
    let lines = table.listing(shared);
    let from = from.and_then(|run| lines.place(run)).unwrap_or(0);
    let found = found(&lines, text);
    match next(&found, from, true, true) {
        Some(at) => {
            let run = lines.lines[at].run.id.to_string();
            table.reveal(shared, &run);
            Ok(())
        }
        None if text.trim().is_empty() => Ok(()),
        None => Err(format!("None of {} {} says '{}'.", lines.lines.len(), table.kind.lines, text.trim())),
    }
}

/// To the next line that says it, or the one before; how many there are is said.
pub fn go(table: &mut Table, shared: &mut Shared, forward: bool) {
    let text = table.search.clone();
    let lines = table.listing(shared);
    let found = found(&lines, &text);
    let here = lines.visible.get(table.cursor(shared)).copied().unwrap_or(0);
    let Some(at) = next(&found, here, forward, false) else {
        shared.say(Tone::Plain, format!("No line says '{text}' any more."));
        return;
    };
    let run = lines.lines[at].run.id.to_string();
    table.reveal(shared, &run);
    let nth = found[..=at].iter().filter(|found| **found).count();
    let all = found.iter().filter(|found| **found).count();
    shared.say(Tone::Plain, format!("'{text}': {nth} of {all}"));
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn a_search_goes_around_the_ends_both_ways() {
        let found = [false, true, false, true, false];
        assert_eq!(next(&found, 0, true, true), Some(1));
        assert_eq!(next(&found, 1, true, true), Some(1));
        assert_eq!(next(&found, 1, true, false), Some(3));
        assert_eq!(next(&found, 3, true, false), Some(1));
        assert_eq!(next(&found, 3, false, false), Some(1));
        assert_eq!(next(&found, 1, false, false), Some(3));
        assert_eq!(next(&found, 0, false, false), Some(3));
        assert_eq!(next(&[false, true], 1, true, false), Some(1), "the only one is found again");
        assert_eq!(next(&[false, false], 1, true, false), None);
        assert_eq!(next(&[], 0, true, true), None);
    }
}
