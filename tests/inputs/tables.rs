//! Separators, encodings, line ends, numbers.

use crate::{Place, dropped, examples, manifest, number, usable, warned};

/// Rows of a table with an accent in a name and one bad row, the twelfth after the header.
fn rows() -> Vec<[String; 3]> {
    let mut rows: Vec<[String; 3]> = (0..10)
        .map(|n| {
            let (folder, label) = if n % 2 == 0 { ("f", "female") } else { ("m", "male") };
            [format!("{folder}/{n}.jpg"), label.into(), format!("s{n}")]
        })
        .collect();
    rows.push(["f/Müller.jpg".into(), "female".into(), "s10".into()]);
    rows.push(["../outside.jpg".into(), "male".into(), "s11".into()]);
    rows
}

fn table(separator: &str, end: &str) -> String {
    let lines = [vec![["path", "label", "subject"].map(str::to_owned)], rows()].concat();
    lines.iter().map(|row| row.join(separator) + end).collect()
}

fn place() -> Place {
    let place = Place::new();
    place.pictures("f", 10, 0);
    place.pictures("m", 10, 100);
    place.put("f/Müller.jpg", crate::picture(500, image::ImageFormat::Jpeg));
    place
}

#[test]
fn tables_are_read_whatever_sets_fields_and_lines_apart() {
    let place = place();
    let utf16 = |text: &str, order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let latin1: Vec<u8> = table(";", "\r\n").chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect();
    let bom = "\u{feff}".to_owned();
    for (name, bytes) in [
        ("commas", table(",", "\n").into_bytes()),
        ("semicolons", table(";", "\r\n").into_bytes()),
        ("tabs", table("\t", "\r\n").into_bytes()),
        ("bars", table("|", "\n").into_bytes()),
        ("old Macintosh", table(",", "\r").into_bytes()),
        ("a mark", (bom.clone() + &table(";", "\r\n")).into_bytes()),
        ("UTF-16 LE with a mark", utf16(&(bom.clone() + &table("\t", "\r\n")), u16::to_le_bytes)),
        ("UTF-16 BE with a mark", utf16(&(bom + &table(",", "\n")), u16::to_be_bytes)),
        ("UTF-16 LE", utf16(&table(";", "\r\n"), u16::to_le_bytes)),
        ("UTF-16 BE", utf16(&table("\t", "\r\n"), u16::to_be_bytes)),
        ("Latin-1", latin1),
    ] {
        place.put("labels.csv", bytes);
        let report = place.report("csv:labels.csv", &[]);
        assert_eq!((number(&report["rows"]), usable(&report)), (12, [6, 5]), "{name}: {report:#}");
        // The same line in all of them.
        assert!(examples(&report, "malformed_row").contains("labels.csv line 13: "), "{name}: {report:#}");
        assert_eq!(warned(&report, "Latin-1"), name == "Latin-1", "{name}");
    }
    for (separator, stated) in [(";", "sep=;"), ("|", "\"sep=|\""), ("\t", "sep=\t")] {
        place.put("labels.csv", format!("{stated}\r\n{}", table(separator, "\r\n")));
        let report = place.report("csv:labels.csv", &[]);
        assert_eq!(usable(&report), [6, 5], "{stated}");
        assert!(examples(&report, "malformed_row").contains("labels.csv line 14: "), "{stated}");
    }
}

#[test]
fn folds_of_any_spelling_are_folds_and_cost_no_row() {
    let place = Place::new();
    place.pictures("f", 12, 0);
    place.pictures("m", 12, 100);
    let table = |folds: [&str; 3], other: &str| {
        let mut text = "path,label,fold\n".to_owned();
        for n in 0..12 {
            let fold = if n == 11 { other } else { folds[n % 3] };
            text += &format!("f/{n}.jpg,f,{fold}\nm/{n}.jpg,m,{}\n", folds[n % 3]);
        }
        text
    };
    for (folds, other) in [
        (["0", "1", "2"], ""),
        (["0.0", "1.0", "2.0"], "nan"),
        (["0e0", "1e0", " 2"], "NA"),
        (["00", "01", "02"], "2.5"),
        (["first", "second", "third"], ""),
        (["fold_8", "fold_9", "fold_10"], ""),
    ] {
        place.put("labels.csv", table(folds, other));
        let report = place.report("csv:labels.csv", &[]);
        let found: Vec<(String, u64)> = ["0", "1", "2"]
            .map(|fold| (fold.to_owned(), number(&report["folds"][fold][0]) + number(&report["folds"][fold][1])))
            .to_vec();
        assert_eq!(
            (usable(&report), found.iter().map(|(_, count)| count).sum()),
            ([12, 12], 23),
            "{folds:?} {report:#}"
        );
        let divided = place.report("csv:labels.csv", &["--split", "folds"]);
        assert_eq!(divided["splits"].as_array().map(Vec::len), Some(3), "{folds:?}");
        assert_eq!(warned(&report, "says no whole number"), other == "2.5", "{report:#}");
    }
}

#[test]
fn the_first_real_problem_is_reported_with_counts() {
    let place = place();
    for (text, parts) in [
        ("path,label\n../a.jpg,f\n../b.jpg,m\n", ["none of its 2 rows", "line 2: the path '../a.jpg' leaves"]),
        ("path,label\nf/0.jpg,f,x\nf/1.jpg,m,x\n", ["none of its 2 rows", "line 2: 3 fields where the header names 2"]),
        (
            "path,label\nf/0.jpg,cat\n../b.jpg,dog\n",
            ["but has 1 (cat)", "1 of 2 rows cannot be used, the first: labels.csv line 3"],
        ),
        ("path,label\n", ["has a header, but no row", ""]),
        ("path,label\nf/0.jpg,\nf/1.jpg,nan\n", ["none that is known", ""]),
    ] {
        place.put("labels.csv", text);
        let said = place.prepare("csv:labels.csv", &[]).expect_err("refused");
        assert!(parts.iter().all(|part| said.contains(part)), "{text}: {said}");
    }
}

#[test]
fn damaged_text_costs_the_row_it_is_in() {
    let place = place();
    let mut text = table(",", "\n").into_bytes();
    text.extend(b"f/\xff\xfe.jpg,female,x\n");
    place.put("labels.csv", text);
    let report = place.report("csv:labels.csv", &[]);
    assert_eq!((usable(&report), dropped(&report, "malformed_row")), ([6, 5], 2));
    assert!(examples(&report, "malformed_row").contains("line 14: is not UTF-8 text"));
    assert!(manifest(&place.workspace()).starts_with("path,label,split"));
}
