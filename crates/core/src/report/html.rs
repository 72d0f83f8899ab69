//! Writes a report as one self-contained HTML file: no scripts, fonts or requests.

use super::document::{Align, Block, Document, Table};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");

/// The whole file.
pub fn render(document: &Document) -> String {
    let sections: Vec<(usize, &str)> = document
        .blocks
        .iter()
        .enumerate()
        .filter_map(|(index, block)| match block {
            Block::Heading { level: 2, text } => Some((index, text.as_str())),
            _ => None,
        })
        .collect();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                // A content security policy blocks all requests.
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'; img-src data:";
                meta name="color-scheme" content="light dark";
                title { (document.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (document.title) }
                    p class="subtitle" { (document.subtitle) }
                    nav { @for (index, text) in &sections { a href=(format!("#s{index}")) { (text) } " " } }
                }
                main { @for (index, block) in document.blocks.iter().enumerate() { (one(index, block)) } }
            }
        }
    };
    page.into_string()
}

fn one(index: usize, block: &Block) -> Markup {
    html! {
        @match block {
            Block::Heading { level, text } => {
                @match level {
                    2 => h2 id=(format!("s{index}")) { (text) },
                    3 => h3 { (text) },
                    _ => h4 { (text) },
                }
            }
            Block::Text(text) => p { (text) },
            Block::Warning(text) => p class="warning" { (text) },
            Block::List(items) => ul { @for item in items { li { (item) } } },
            Block::Table(table) => (self::table(table)),
            Block::Figures(figures) => div class="figures" {
                @for figure in figures {
                    figure class=[figure.wide.then_some("wide")] {
                        div role="img" aria-label=(figure.caption) { (PreEscaped(&figure.svg)) }
                        figcaption { (figure.caption) }
                    }
                }
            },
            Block::Pictures(pictures) => div class="pictures" {
                @for picture in pictures {
                    figure {
                        img src=(format!("data:image/jpeg;base64,{}", STANDARD.encode(&picture.jpeg))) alt=(picture.caption);
                        figcaption { (picture.caption) }
                    }
                }
            },
            Block::Code(text) => pre { code { (text) } },
        }
    }
}

fn table(table: &Table) -> Markup {
    let class = |column: usize| match table.head.get(column).map(|(_, align)| *align) {
        Some(Align::Right) => Some("right"),
        Some(Align::Mono) => Some("mono"),
        Some(Align::Path) => Some("mono path"),
        _ => None,
    };
    html! {
        div class="table" {
            table {
                @if !table.caption.is_empty() { caption { (table.caption) } }
                @if table.head.iter().any(|(name, _)| !name.is_empty()) {
                    thead {
                        tr {
                            @for (index, (name, _)) in table.head.iter().enumerate() {
                                th scope="col" class=[class(index)] { (name) }
                            }
                        }
                    }
                }
                tbody {
                    @for row in &table.rows {
                        tr { @for (index, cell) in row.iter().enumerate() { td class=[class(index)] { (cell) } } }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_files_is_text_and_never_markup() {
        let evil = "<script>alert('\"&')</script>";
        let mut document = Document { title: evil.into(), subtitle: evil.into(), ..Document::default() };
        document.heading(2, evil);
        document.heading(3, evil);
        document.text(evil);
        document.warning(evil);
        document.list([evil]);
        document.table(evil, &[(evil, Align::Mono)], vec![vec![evil.to_owned()]]);
        document.blocks.push(Block::Code(evil.into()));
        let page = render(&document);
        assert!(!page.contains("<script"), "{page}");
        assert_eq!(page.matches("&lt;script&gt;").count(), 13, "{page}");
    }
}
