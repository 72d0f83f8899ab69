//! Planted errors of each kind are found; a good page has none.

use crate::commands::Known;
use crate::links;
use crate::page::Page;
use crate::root;

fn said(text: &str) -> Vec<String> {
    let page = Page::of("planted.md", root(), text);
    let mut said = links::problems(&page, &root());
    said.extend(Known::new(&root()).problems(&page));
    said
}

#[test]
fn planted_errors_are_found() {
    let planted = [
        ("[guide](docs/guides.md)", "docs/guides.md leads nowhere"),
        ("[data](docs/guide.md#dada)", "names no heading"),
        ("![a screen](docs/screens/none.svg)", "leads nowhere"),
        ("Run `faceprobe extrakt` first.", "faceprobe has no subcommand extrakt"),
        ("Then `faceprobe runs attach|pauze RUN`.", "runs has no subcommand pauze"),
        ("```\nfaceprobe train dense --widht 64   # a head\n```", "dense has no option --widht"),
        ("```\nfaceprobe --workspce DIR results\n```", "faceprobe has no option --workspce"),
        ("```\nfind . -name '*.jpg' | faceprobe predict --lists -\n```", "predict has no option --lists"),
        ("With `--droput 0.5` it learns less.", "nothing has the option --droput"),
        ("`make demos` shows it.", "make has no target demos"),
        ("See `crates/core/src/study/parser.rs`.", "the repository has no crates/core/src/study/parser.rs"),
    ];
    for (text, expected) in planted {
        let found = said(text);
        assert!(found.len() == 1 && found[0].ends_with(expected), "{text}: {found:?}");
    }
    let good = "[guide](docs/guide.md#data), `faceprobe train dense --width 64`, `make demo`, `crates/core/src/study`.\n\
                ```\nfaceprobe runs attach|pause|resume|stop RUN\nfaceprobe results | less\n```\n";
    assert_eq!(said(good), Vec::<String>::new());
}
