//! What single settings may be, what is said when they are not, and what help texts show.

use faceprobe_settings::{
    Refusal, Rules, Settings, axes, check, choices, infos, read, set_all, set_value, settings, to_pairs,
};
use serde_json::{Value, json};

choices! {
    pub enum Colour { Red = "red", Green = "green", Blue = "blue" }
}

settings! {
    /// One of each domain.
    pub struct All {
        /// A whole number.
        whole: usize = 5, whole(1..=65_536).unit("units");
        /// A whole number of a small type.
        small: u8 = 0, any();
        /// A whole number without an upper end.
        many: u64 = 3, whole(2..);
        /// A share.
        share: f64 = 0.5, number(0.0..1.0);
        /// A share with both ends.
        both: f64 = 0.5, number(0.0..=1.0);
        /// A number above another.
        rate: f64 = 1.0, above(0.0);
        /// Any number.
        number: f64 = 0.0, any();
        /// A truth.
        truth: bool = true, any();
        /// A colour.
        colour: Colour = Colour::Red, any();
        /// Two of the colours.
        two: Colour = Colour::Red, only(&["red", "blue"]);
        /// Some words.
        words: String = "x".to_owned(), text("NAME");
        /// A number or none.
        maybe: Option<usize> = None, whole(1..=9).unit("epochs");
        /// A truth or left to the program.
        left: Option<bool> = None, any().or("auto");
        /// Numbers.
        list: Vec<f64> = vec![1.0], number(0.0..);
        /// Several words.
        lines: Vec<String> = vec!["x".to_owned()], text("NAME").lines();
    }
}
impl Rules for All {}

fn text_after(name: &str, text: &str) -> Result<String, String> {
    let all: All = set_all(&[(name, text)]).map_err(|refusal| refusal.to_string())?;
    let texts = to_pairs(&all);
    Ok(texts.into_iter().find(|(known, _)| *known == name).expect("a setting").1)
}

#[test]
fn texts_are_taken_and_lead_back() {
    let taken = [
        ("whole", "1", "1"),
        ("whole", " 65536 ", "65536"),
        ("small", "255", "255"),
        ("many", "18446744073709551615", "18446744073709551615"),
        ("share", "0", "0"),
        ("share", "-0.0", "0"),
        ("share", "0.99999999999999989", "0.9999999999999999"),
        ("both", "1.0", "1"),
        ("rate", "1e-300", "1e-300"),
        ("rate", "5e-324", "5e-324"),
        ("rate", "0.0001", "0.0001"),
        ("rate", "0.000001", "1e-6"),
        ("number", "0.30000000000000004", "0.30000000000000004"),
        ("number", "-1.7976931348623157e308", "-1.7976931348623157e308"),
        ("truth", "true", "yes"),
        ("colour", "blue", "blue"),
        ("two", "blue", "blue"),
        ("words", " two  words, one comma", " two  words, one comma"),
        ("maybe", "", "none"),
        ("maybe", "none", "none"),
        ("maybe", "9", "9"),
        ("left", "", "auto"),
        ("left", "auto", "auto"),
        ("left", "no", "no"),
        ("list", "1 2,  3.5", "1,2,3.5"),
        ("lines", "one, two\nthree four", "one, two\nthree four"),
    ];
    for (name, text, canonical) in taken {
        assert_eq!(text_after(name, text).as_deref(), Ok(canonical), "{name} {text}");
        assert_eq!(text_after(name, canonical).as_deref(), Ok(canonical), "{name} {text}");
    }
}

#[test]
fn what_is_refused_is_told_in_a_sentence() {
    let refused = [
        ("whole", "0", "--whole must be from 1 to 65,536 units, not 0"),
        ("whole", "65537", "--whole must be from 1 to 65,536 units, not 65537"),
        ("whole", "99999999999999999999999", "--whole must be from 1 to 65,536 units, not 99999999999999999999999"),
        ("whole", "12.5", "--whole must be a whole number, from 1 to 65,536 units, not 12.5"),
        ("whole", "", "--whole must be given"),
        ("whole", "many of them", "--whole must be a whole number, from 1 to 65,536 units, not \"many of them\""),
        ("small", "256", "--small must be from 0 to 255, not 256"),
        ("many", "1", "--many must be 2 or more, not 1"),
        ("share", "1", "--share must be at least 0 and below 1, not 1"),
        ("share", "NaN", "--share must be a number, at least 0 and below 1, not NaN"),
        ("both", "1.0000000000000002", "--both must be from 0 to 1, not 1.0000000000000002"),
        ("rate", "0", "--rate must be above 0, not 0"),
        ("rate", "inf", "--rate must be a number, above 0, not inf"),
        ("number", "x", "--number must be a number, not x"),
        ("truth", "perhaps", "--truth must be yes or no, not perhaps"),
        ("colour", "pink", "--colour must be red, green or blue, not pink"),
        ("two", "green", "--two must be red or blue, not green"),
        ("words", "", "--words must be given"),
        ("words", "a\u{1b}[31mb", "--words must have no control characters"),
        ("maybe", "10", "--maybe must be from 1 to 9 epochs, not 10"),
        ("left", "perhaps", "--left must be yes or no, not perhaps"),
        ("list", "1,-3,2", "--list must be at least 0, not -3"),
        ("list", " , ", "--list must be given"),
        ("lines", "", "--lines must be given"),
    ];
    for (name, text, sentence) in refused {
        assert_eq!(text_after(name, text), Err(sentence.to_owned()));
    }
}

#[test]
fn a_refusal_speaks_as_the_way_in_does() {
    let refusal = Refusal::new("learning_rate", "is too high for {weight_decay} 3").not("1\u{1b}2");
    assert_eq!(refusal.for_option(), "--learning-rate is too high for --weight-decay 3, not \"1\\u{1b}2\"");
    assert_eq!(refusal.for_field(), "Learning rate is too high for weight decay 3, not \"1\\u{1b}2\".");
    assert_eq!(refusal.for_key(), "learning_rate is too high for weight_decay 3, not \"1\\u{1b}2\"");
    // What a user wrote is no name of a setting.
    assert_eq!(Refusal::new("width", "must be 1").not("{seed}").for_option(), "--width must be 1, not {seed}");
}

#[test]
fn settings_made_in_any_way_are_checked() {
    let mut all = All { whole: 0, ..All::default() };
    assert_eq!(check(&all).unwrap_err().to_string(), "--whole must be from 1 to 65,536 units, not 0");
    all = All { rate: f64::NAN, ..All::default() };
    assert_eq!(check(&all).unwrap_err().to_string(), "--rate must be a number, above 0, not NaN");
    all = All { lines: Vec::new(), ..All::default() };
    assert_eq!(check(&all).unwrap_err().to_string(), "--lines must be given");
    assert!(check(&All::default()).is_ok());
}

#[test]
fn typed_values_are_taken_in_their_natural_form() {
    let taken = [
        ("whole", json!(7), "7"),
        ("whole", json!("7"), "7"),
        ("many", json!(u64::MAX), "18446744073709551615"),
        ("rate", json!(1), "1"),
        ("rate", json!(1e-300), "1e-300"),
        ("truth", json!(false), "no"),
        ("truth", json!("no"), "no"),
        ("maybe", Value::Null, "none"),
        ("maybe", json!("none"), "none"),
        ("left", json!(true), "yes"),
        ("list", json!([1, 2.5]), "1,2.5"),
        ("list", json!(4), "4"),
        ("list", json!("4 5"), "4,5"),
        ("lines", json!(["a, b", "c"]), "a, b\nc"),
    ];
    for (name, value, text) in taken {
        let mut all = All::default();
        set_value(&mut all, name, &value).unwrap();
        assert!(to_pairs(&all).contains(&(name, text.to_owned())), "{name} {value}");
    }
    let refused = [
        ("whole", json!(7.0), "--whole must be a whole number, from 1 to 65,536 units, not 7.0"),
        ("whole", json!(-7), "--whole must be a whole number, from 1 to 65,536 units, not -7"),
        ("whole", Value::Null, "--whole must be from 1 to 65,536 units, not null"),
        ("whole", json!([1, 2]), "--whole must be from 1 to 65,536 units, not [1,2]"),
        ("whole", json!(true), "--whole must be a whole number, from 1 to 65,536 units, not yes"),
        ("truth", json!(1), "--truth must be yes or no, not 1"),
        ("list", json!([]), "--list must be given"),
        ("list", json!([[1]]), "--list must be at least 0 each, not [1]"),
        ("lines", json!(["a\nb"]), "--lines must have no control characters"),
        ("nothing", json!(1), "--nothing is not known here"),
    ];
    for (name, value, sentence) in refused {
        assert_eq!(set_value(&mut All::default(), name, &value).unwrap_err().to_string(), sentence);
    }
}

#[test]
fn help_has_what_it_needs() {
    let told: Vec<_> = infos::<All>().iter().map(|info| (info.name, info.hint())).collect();
    let hints = [
        "UNITS",
        "N",
        "N",
        "SHARE",
        "SHARE",
        "NUMBER",
        "NUMBER",
        "yes|no",
        "red|green|blue",
        "red|blue",
        "NAME",
        "EPOCHS",
        "auto|yes|no",
        "NUMBER,NUMBER,…",
        "NAME",
    ];
    assert_eq!(told.iter().map(|(_, hint)| hint.as_str()).collect::<Vec<_>>(), hints);
    let info = infos::<All>()[11];
    assert_eq!((info.help.as_str(), info.default_told()), ("A number or none", Some("none")));
    let axes: Vec<_> = axes::<All>().iter().map(|info| info.name).collect();
    assert!(!axes.contains(&"words") && !axes.contains(&"list") && axes.contains(&"left"));
    assert_eq!(axes.len(), All::statements().len() - 3);
    // The first default that is not refused is no fault of the others.
    assert!(read::<All>(&[] as &[(&str, &str)]).is_ok());
}
