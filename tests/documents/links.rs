//! Links within the repository lead to an existing file and heading.

use crate::page::Page;
use std::path::Path;

pub fn problems(page: &Page, root: &Path) -> Vec<String> {
    let within = page.links.iter().filter(|link| !link.text.contains("://") && !link.text.starts_with("mailto:"));
    within
        .filter_map(|link| {
            let (file, anchor) = link.text.split_once('#').unwrap_or((&link.text, ""));
            let path = page.folder.join(file);
            let said = |what: &str| Some(format!("{}:{}: {} {what}", page.name, link.line, link.text));
            if !file.is_empty() && !path.exists() {
                return said("leads nowhere");
            }
            if anchor.is_empty() {
                return None;
            }
            let anchors = if file.is_empty() { page.anchors.clone() } else { Page::read(root, &path).anchors };
            if anchors.iter().any(|known| known == anchor) { None } else { said("names no heading") }
        })
        .collect()
}
