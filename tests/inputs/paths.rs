//! The path in a row finds the one file that it refers to, or a similar one is suggested.

use crate::{Place, dropped, examples, manifest, number, picture, usable, warned};
use image::ImageFormat;

fn place() -> Place {
    let place = Place::new();
    place.pictures("data/f", 6, 0);
    place.pictures("data/m", 6, 100);
    place
}

fn table(place: &Place, written: impl Fn(&str, usize) -> String) {
    let mut text = "path,label\n".to_owned();
    for n in 0..6 {
        text += &format!("\"{}\",f\n\"{}\",m\n", written("f", n), written("m", n));
    }
    place.put("data/labels.csv", text);
}

/// How a folder and a number are written as a path.
type Form = Box<dyn Fn(&str, usize) -> String>;

#[test]
fn paths_of_other_systems_find_their_files() {
    let place = place();
    let root = place.at("data").display().to_string();
    let forms: [(&str, Form); 10] = [
        ("backslashes", Box::new(|folder, n| format!("{folder}\\{n}.jpg"))),
        ("dots", Box::new(|folder, n| format!(".\\x\\..\\{folder}\\{n}.jpg"))),
        ("case of the ending", Box::new(|folder, n| format!("{folder}/{n}.JPG"))),
        ("case of the folder", Box::new(|folder, n| format!("{}/{n}.jpg", folder.to_uppercase()))),
        ("no ending", Box::new(|folder, n| format!("{folder}/{n}"))),
        ("a drive", Box::new(|folder, n| format!("D:\\study\\data\\{folder}\\{n}.jpg"))),
        ("a drive with slashes", Box::new(|folder, n| format!("C:/Users/anna/{folder}/{n}.jpg"))),
        ("a server", Box::new(|folder, n| format!("\\\\nas\\faces\\{folder}\\{n}.jpg"))),
        ("another machine", Box::new(|folder, n| format!("/content/drive/faces/{folder}/{n}.jpg"))),
        ("a URI", Box::new(move |folder, n| format!("file://{root}/{folder}/%3{n}.jpg"))),
    ];
    let expected = {
        table(&place, |folder, n| format!("{folder}/{n}.jpg"));
        place.report("csv:data/labels.csv", &[]);
        manifest(&place.workspace())
    };
    for (name, form) in forms {
        table(&place, form);
        let report = place.report("csv:data/labels.csv", &[]);
        assert_eq!(usable(&report), [6, 6], "{name}: {report:#}");
        assert_eq!(manifest(&place.workspace()), expected, "{name}");
        assert_eq!(warned(&report, "12 rows name their file in another way"), name != "a URI", "{name}");
    }
}

#[test]
fn accents_composed_in_another_way_are_the_same() {
    let place = place();
    for (n, (on_disk, written)) in [
        ("Zoe\u{308}.jpg", "Zo\u{eb}.jpg"),
        ("\u{c5}sa.jpg", "A\u{30a}sa.jpg"),
        ("\u{ac00}.jpg", "\u{1100}\u{1161}.jpg"),
    ]
    .iter()
    .enumerate()
    {
        place.put(&format!("data/f/{on_disk}"), picture(300 + n as u32, ImageFormat::Jpeg));
        table(
            &place,
            |folder, n| if (folder, n) == ("f", 0) { format!("f/{written}") } else { format!("{folder}/{n}.jpg") },
        );
        let report = place.report("csv:data/labels.csv", &[]);
        assert_eq!((usable(&report), dropped(&report, "missing_file")), ([6, 6], 0), "{written}");
    }
}

#[test]
fn ambiguous_paths_are_not_used_and_a_similar_one_is_shown() {
    let place = place();
    for (written, near) in [
        ("f/0.png", "f/0.jpg"),
        ("faces/f/0.jpg", "f/0.jpg"),
        ("f/00.jpg", "f/0.jpg"),
        ("f/twins", ""),
        ("f/TWIN.jpg", "f/Twin.jpg"),
        // Another row names that file by its name.
        ("f/1.JPG", "f/1.jpg"),
        ("..\\..\\etc\\passwd", ""),
    ] {
        for name in ["f/twins.jpg", "f/twins.png", "f/Twin.jpg", "f/twin.jpg"] {
            place.put(&format!("data/{name}"), picture(400, ImageFormat::Png));
        }
        table(&place, |folder, n| if (folder, n) == ("f", 0) { written.into() } else { format!("{folder}/{n}.jpg") });
        let report = place.report("csv:data/labels.csv", &[]);
        assert_eq!((usable(&report), dropped(&report, "missing_file")), ([5, 6], 1), "{written}: {report:#}");
        assert!(examples(&report, "missing_file").contains(near), "{written}: {report:#}");
    }
}

#[test]
fn two_folders_of_another_machine_are_not_mixed_up() {
    let place = place();
    table(&place, |folder, n| format!("C:\\{}\\{folder}\\{n}.jpg", if n < 3 { "old" } else { "new" }));
    let said = place.prepare("csv:data/labels.csv", &[]).expect_err("none is used");
    assert!(said.contains("0 female and 0 male"), "{said}");
    let mut text = "path,label\n".to_owned();
    (0..6).for_each(|n| text += &format!("f/{n}.jpg,f\nm/{n}.jpg,m\nf/{n}.JPG,m\n"));
    place.put("data/labels.csv", text);
    let report = place.report("csv:data/labels.csv", &[]);
    assert_eq!((usable(&report), number(&report["rows"]), dropped(&report, "missing_file")), ([6, 6], 18, 6));
}
