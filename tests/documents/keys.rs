//! `docs/keys.md`: every key of the workbench, from the one key table.

use faceprobe::tui::keys::{Context, action_name, own_table};
use std::fmt::Write;

pub fn page() -> String {
    let mut text = "# Keys of the workbench\n\n\
        Made from the program's key table (`UPDATE_DOCUMENTS=1 cargo test --release --test documents`). `?` shows those of the \
        screen you are on, `:` finds any by a few letters. Every action takes other keys in `[keys]` of \
        `~/.config/faceprobe/config.toml` or of a workspace's `faceprobe.toml`, by the name in the last column; \
        `faceprobe config init` begins such a file.\n"
        .to_owned();
    let table = own_table();
    for context in Context::ALL {
        let rows: Vec<_> = table.iter().filter(|row| row.context == context).collect();
        if rows.is_empty() {
            continue;
        }
        let _ = write!(text, "\n## {}\n\n| keys | | name |\n|---|---|---|\n", context.title());
        for row in rows {
            let keys: Vec<String> = row.keys.iter().map(|key| format!("`{}`", key.name())).collect();
            let keys = keys.join(" ").replace('|', "\\|");
            let _ = writeln!(text, "| {keys} | {} | `{}` |", row.help.replace('|', "\\|"), action_name(row));
        }
    }
    text
}
