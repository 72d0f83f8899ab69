//! Writes a report as Markdown: text and tables; charts are in the HTML file.

use super::document::{Align, Block, Document, Table};

/// The whole file.
pub fn render(document: &Document) -> String {
    let mut text = format!("# {}\n\n{}\n", escaped(&document.title), escaped(&document.subtitle));
    for block in &document.blocks {
        text.push('\n');
        text += &one(block);
    }
    text
}

fn one(block: &Block) -> String {
    match block {
        Block::Heading { level, text } => format!("{} {}\n", "#".repeat(usize::from(*level)), escaped(text)),
        Block::Text(text) => format!("{}\n", escaped(text)),
        Block::Warning(text) => format!("> **Note.** {}\n", escaped(text)),
        Block::List(items) => items.iter().map(|item| format!("- {}\n", escaped(item))).collect(),
        Block::Table(table) => self::table(table),
        Block::Figures(figures) => figures
            .iter()
            .map(|figure| format!("*Figure, in the HTML file:* {}\n", escaped(&figure.caption)))
            .collect::<Vec<_>>()
            .join("\n"),
        Block::Pictures(pictures) => format!("*{} pictures, in the HTML file.*\n", pictures.len()),
        Block::Code(text) => format!("```\n{}\n```\n", text.replace("```", "'''").trim_end()),
    }
}

fn table(table: &Table) -> String {
    let line = |cells: &mut dyn Iterator<Item = String>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    let mut text = String::new();
    if !table.caption.is_empty() {
        text += &format!("{}\n\n", escaped(&table.caption));
    }
    text += &line(&mut table.head.iter().map(|(name, _)| escaped(name)));
    text +=
        &line(&mut table.head.iter().map(|(_, align)| if *align == Align::Right { "---:" } else { "---" }.to_owned()));
    for row in &table.rows {
        text += &line(&mut row.iter().map(|cell| escaped(cell)));
    }
    text
}

/// One line with markup escaped.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '<' | '>' | '&' | '$' => {
                safe.push('\\');
                safe.push(character);
            }
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stay_cells() {
        let mut document = Document::default();
        document.table("", &[("a", Align::Left)], vec![vec!["x | y\n<b>\u{202e}".to_owned()]]);
        let text = render(&document.shown());
        assert!(text.ends_with("| a |\n| --- |\n| x \\| y\\\\u{a}\\<b\\>\\\\u{202e} |\n"), "{text}");
    }
}
