//! Pictures on the screen: the protocols of terminals, and half blocks where there is none.

use super::*;

#[test]
fn a_picture_is_made_off_the_screen_and_shown_in_half_blocks() {
    let folder = tempfile::tempdir().unwrap();
    two_halves(folder.path(), "a.png");
    std::fs::write(folder.path().join("b.png"), b"\x89PNG\r\n\x1a\nno picture").unwrap();
    let mut app = predict_on(folder.path(), &["a.png", "b.png"]);
    let picker = Picker::halfblocks();
    let before = shown(&app, 120, 40);
    let buffer = with_pictures(&mut app, &picker, 120, 40);
    let red = |cell: &ratatui::buffer::Cell| matches!(cell.fg, Color::Rgb(200.., 0..=60, 0..=60));
    let blue = |cell: &ratatui::buffer::Cell| matches!(cell.fg, Color::Rgb(0..=60, 0..=60, 200..));
    let count = |test: &dyn Fn(&ratatui::buffer::Cell) -> bool| buffer.content.iter().filter(|cell| test(cell)).count();
    let (left, right) = (count(&red), count(&blue));
    assert!(left > 100 && right > 100, "{left} red and {right} blue cells\n{before}");
    assert!(app.shared.pictures.missing().is_empty(), "what is there is not asked for again");
    // One that cannot be decoded says why in its place.
    press(&mut app, KeyCode::Down);
    with_pictures(&mut app, &picker, 120, 40);
    assert!(shown(&app, 120, 40).contains("broken PNG") || shown(&app, 120, 40).contains("truncated PNG"));
    // Without colours there is nothing to draw half blocks with; no cell may have one then.
    app.shared.theme = Theme { palette: Palette::Monochrome, ascii: true };
    assert!(frame(&app, 120, 40).content.iter().all(|cell| cell.fg == Color::Reset && cell.symbol().is_ascii()));
}

#[test]
fn every_protocol_makes_a_picture_and_a_face_is_framed() {
    let folder = tempfile::tempdir().unwrap();
    let path = two_halves(folder.path(), "a.png");
    for (protocol, sign) in
        [(ProtocolType::Kitty, "_G"), (ProtocolType::Sixel, "\u{1b}P"), (ProtocolType::Iterm2, "1337;File")]
    {
        let mut picker = Picker::halfblocks();
        picker.set_protocol_type(protocol);
        let mut app = predict_on(folder.path(), &["a.png"]);
        let buffer = with_pictures(&mut app, &picker, 120, 40);
        assert!(buffer.content.iter().any(|cell| cell.symbol().contains(sign)), "{protocol:?}");
    }
    let mut app = predict_on(folder.path(), &["a.png"]);
    app.update(Event::Predictor(PredictorReply::Prediction(Box::new(Prediction {
        neighbours: Vec::new(),
        path: path.display().to_string(),
        label: Some("female".into()),
        probability: Some(0.9),
        score: Some(0.1),
        threshold: 0.5,
        faces: vec![Face { bounds: [20.0, 20.0, 180.0, 180.0], landmarks: Vec::new(), score: 1.0 }],
        error: None,
        input: "detected face".into(),
        face: Some(0),
        note: None,
        explanation: None,
        model: "dense-1".into(),
        milliseconds: 12.0,
    }))));
    let buffer = with_pictures(&mut app, &Picker::halfblocks(), 120, 40);
    let framed = |cell: &&ratatui::buffer::Cell| {
        matches!(cell.fg, Color::Rgb(50..150, 120..220, 150..)) && cell.symbol() == "▀" || cell.symbol() == "▄"
    };
    assert!(buffer.content.iter().filter(framed).count() > 10, "the frame is seen");
    assert!(shown(&app, 120, 40).contains("90.0 %"));
}

#[test]
fn answers_of_the_terminal_choose_the_protocol_and_keys_among_them_are_kept() {
    let take = |bytes: &[&[u8]]| {
        let (mut stream, mut parser) = (Stream::default(), Parser::new());
        let (mut answers, mut typed) = (Vec::new(), String::new());
        let mut sort = |pieces: Vec<Piece>| {
            for piece in pieces {
                match piece {
                    Piece::Answer(text) => answers.extend(text.chars().flat_map(|c| parser.push(c))),
                    Piece::Typed(Event::Key(key)) => match key.code {
                        KeyCode::Char(c) => typed.push(c),
                        other => typed.push_str(&format!("<{other:?}>")),
                    },
                    Piece::Typed(Event::Paste(text)) => typed.push_str(&format!("<paste {text}>")),
                    Piece::Typed(other) => panic!("{other:?}"),
                }
            }
        };
        for bytes in bytes {
            let pieces = stream.push(bytes);
            sort(pieces);
        }
        let pieces = stream.rest();
        sort(pieces);
        (answers, typed)
    };
    let auto = Query::new(ImageProtocol::Auto, DARK).unwrap();
    // A terminal with everything, cut at bad places, while somebody types.
    let all: [&[u8]; 5] = [b"3\x1b_Gi=31;O", b"K\x1b\\\x1b[?62;4", b"c\xc3", b"\xa9\x1b[6;20", b";10t\x1b[B\x1b[0nq"];
    let (answers, typed) = take(&all);
    assert_eq!(typed, "3é<Down>q");
    assert_eq!(answers, [Response::Kitty, Response::Sixel, Response::CellSize(Some((10, 20))), Response::Status]);
    assert_eq!(auto.picker(&answers).protocol_type(), ProtocolType::Kitty);
    assert_eq!(auto.picker(&answers[1..]).protocol_type(), ProtocolType::Sixel);
    let forced = Query::new(ImageProtocol::Iterm2, DARK).unwrap();
    assert_eq!(forced.picker(&answers).protocol_type(), ProtocolType::Iterm2);
    // One that says nothing: every key counts, Esc and pastes too.
    let quiet: [&[u8]; 3] =
        [b"\x1b[200~/home/\xd1\x8f/\xd0\xbc\xd0\xbe\xd0\xb8 \xd1\x84\xd0\xbe\xd1\x82\xd0\xbe", b"\x1b[201~\r", b"\x1b"];
    assert_eq!(take(&quiet), (Vec::new(), "<paste /home/я/мои фото><Enter><Esc>".into()));
    assert!(Query::new(ImageProtocol::None, DARK).is_none());
    assert!(Query::new(ImageProtocol::Halfblocks, DARK).unwrap().text().is_none());
}
