//! A report as blocks of text, tables and figures, whatever it is written as.

use crate::text::{line, lines};

/// One part of a report. All text is plain: whoever writes it out escapes it.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A section (level 2) or a part of one (3, 4).
    Heading {
        level: u8,
        text: String,
    },
    Text(String),
    /// What a reader must not miss.
    Warning(String),
    List(Vec<String>),
    Table(Table),
    /// Figures side by side; a writer without pictures leaves them out.
    Figures(Vec<Figure>),
    /// Pictures with a caption each.
    Pictures(Vec<Picture>),
    /// Lines for a terminal.
    Code(String),
}

/// A table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    pub caption: String,
    pub head: Vec<(String, Align)>,
    pub rows: Vec<Vec<String>>,
}

/// How the cells of a column are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
    /// Names of runs and moments, which are not broken.
    Mono,
    /// Paths and hashes, which are broken anywhere.
    Path,
}

/// A drawing.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// A whole `svg` element, made by this program: the one thing that is not escaped.
    pub svg: String,
    /// What it shows, in words: also for those who do not see it.
    pub caption: String,
    /// As wide as the page.
    pub wide: bool,
}

/// A small photograph.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// The bytes of a JPEG file.
    pub jpeg: Vec<u8>,
    pub caption: String,
}

/// Blocks in the order they are read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    pub title: String,
    /// What stands below the title.
    pub subtitle: String,
    pub blocks: Vec<Block>,
}

impl Document {
    /// The same fit to be written: every text on one line and without control characters, which formats let stand.
    pub fn shown(mut self) -> Self {
        let one_line = |text: &mut String| *text = line(text).into_owned();
        [&mut self.title, &mut self.subtitle].into_iter().for_each(one_line);
        for block in &mut self.blocks {
            match block {
                Block::Heading { text, .. } | Block::Text(text) | Block::Warning(text) => one_line(text),
                Block::List(items) => items.iter_mut().for_each(one_line),
                Block::Table(table) => {
                    one_line(&mut table.caption);
                    table.head.iter_mut().for_each(|(name, _)| one_line(name));
                    table.rows.iter_mut().flatten().for_each(one_line);
                }
                Block::Figures(figures) => figures.iter_mut().for_each(|figure| one_line(&mut figure.caption)),
                Block::Pictures(pictures) => pictures.iter_mut().for_each(|picture| one_line(&mut picture.caption)),
                Block::Code(text) => *text = lines(text).into_owned(),
            }
        }
        self
    }

    pub fn heading(&mut self, level: u8, text: impl Into<String>) {
        self.blocks.push(Block::Heading { level, text: text.into() });
    }

    pub fn text(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Text(text.into()));
    }

    pub fn warning(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Warning(text.into()));
    }

    pub fn list(&mut self, items: impl IntoIterator<Item = impl Into<String>>) {
        self.blocks.push(Block::List(items.into_iter().map(Into::into).collect()));
    }

    /// A table, unless it has no rows.
    pub fn table(&mut self, caption: impl Into<String>, head: &[(&str, Align)], rows: Vec<Vec<String>>) {
        if !rows.is_empty() {
            let head = head.iter().map(|(name, align)| ((*name).to_owned(), *align)).collect();
            self.blocks.push(Block::Table(Table { caption: caption.into(), head, rows }));
        }
    }

    /// Figures side by side, unless there are none.
    pub fn figures(&mut self, figures: Vec<Figure>) {
        if !figures.is_empty() {
            self.blocks.push(Block::Figures(figures));
        }
    }
}
