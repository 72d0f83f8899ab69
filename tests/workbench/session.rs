//! The contact sheet, the palette of commands, and what is remembered from one session to the next.

use super::*;

#[test]
fn the_contact_sheet_shows_the_images_of_the_set() {
    let folder = tempfile::tempdir().unwrap();
    let path = two_halves(folder.path(), "a.png");
    let mut app = app();
    app.update(Event::Graphics(Box::new(Picker::halfblocks())));
    assert_eq!(keys(&mut app, "i"), [Effect::Job(Job::Images { dataset: "sample".into() })]);
    let image = |at: usize| SetImage { path: path.clone(), class: at % 2, split: Split::Train };
    app.update(Event::Job(JobReply::Images { dataset: "sample".into(), images: Ok((0..500).map(image).collect()) }));
    let buffer = with_pictures(&mut app, &Picker::halfblocks(), 120, 40);
    let pixels = buffer.content.iter().filter(|cell| matches!(cell.fg, Color::Rgb(200.., 0..=60, 0..=60))).count();
    assert!(pixels > 300, "{pixels}");
    assert!(shown(&app, 120, 40).contains("1 of 500 · female · train"));
    // A cursor that goes by pictures and rows, and stays within the set.
    press(&mut app, KeyCode::Right);
    assert!(shown(&app, 120, 40).contains("2 of 500 · male · train"));
    press(&mut app, KeyCode::End);
    press(&mut app, KeyCode::Down);
    assert!(shown(&app, 120, 40).contains("500 of 500"));
    press(&mut app, KeyCode::Esc);
    assert!(!app.screens.data.sheet.open);
}

#[test]
fn the_contact_sheet_filters_by_class_and_split_and_predicts_what_is_under_its_cursor() {
    let mut app = app();
    app.update(Event::Graphics(Box::new(Picker::halfblocks())));
    keys(&mut app, "i");
    let image = |at: usize| SetImage {
        path: format!("/photos/{at:03}.jpg").into(),
        class: at % 2,
        split: [Split::Train, Split::Val, Split::Test][at % 3],
    };
    app.update(Event::Job(JobReply::Images { dataset: "sample".into(), images: Ok((0..60).map(image).collect()) }));
    for (width, height) in [(200, 60), (120, 40), (80, 24), (40, 12)] {
        insta::assert_snapshot!(format!("sheet_{width}x{height}"), shown(&app, width, height));
    }
    keys(&mut app, "cc");
    assert!(shown(&app, 120, 40).contains("30 of 60 images of sample SYNTHETIC · male · all splits"));
    keys(&mut app, "sss");
    let screen = shown(&app, 120, 40);
    assert!(screen.contains("10 of 60 images of sample SYNTHETIC · male · test"), "{screen}");
    assert!(screen.contains("1 of 10 · male · test · /photos/005.jpg"), "{screen}");
    press(&mut app, KeyCode::Down);
    press(&mut app, KeyCode::Left);
    let under = shown(&app, 120, 40).lines().find_map(|line| Some(line.split_once(" · test · ")?.1.to_owned()));
    let path: PathBuf = under.unwrap().split_whitespace().next().unwrap().into();
    let effects = press(&mut app, KeyCode::Enter);
    assert_eq!(effects, [Effect::Job(Job::Open { text: path.display().to_string(), from: "/".into() })]);
    assert_eq!(app.screen, ScreenId::Predict);
    // A set without images of a kind says so, and is not being read for ever.
    let mut app = self::app();
    app.update(Event::Graphics(Box::new(Picker::halfblocks())));
    keys(&mut app, "i");
    assert!(shown(&app, 120, 40).contains("Reading the list of images"));
    app.update(Event::Job(JobReply::Images { dataset: "sample".into(), images: Ok(Vec::new()) }));
    assert!(shown(&app, 120, 40).contains("No images match"));
}

#[test]
fn any_command_is_found_by_a_few_letters() {
    let mut app = app();
    keys(&mut app, ":");
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        insta::assert_snapshot!(format!("palette_{width}x{height}"), shown(&app, width, height));
    }
    keys(&mut app, "sweep");
    let found = palette::found(&app, "sweep");
    assert_eq!(found[0].binding.action, Action::Sweep);
    press(&mut app, KeyCode::Enter);
    assert_eq!(app.screen, ScreenId::Train);
    assert!(shown(&app, 120, 40).contains("Sweep on sample"));
    press(&mut app, KeyCode::Esc);
    for (typed, action) in
        [("open test", Action::OpenTest), ("dpth prb", Action::Probe), ("theme", Action::Theme), ("quit", Action::Quit)]
    {
        assert_eq!(palette::found(&app, typed)[0].binding.action, action, "{typed}");
    }
    assert!(palette::found(&app, "xyzzy").is_empty());
}

#[test]
fn what_the_screens_show_is_remembered_and_bad_files_are_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(folder.path()).unwrap();
    let mut app = app();
    keys(&mut app, "3mL T");
    app.screens.train.table.selected = Some("dense-1".into());
    keys(&mut app, " n");
    app.shared.fill("width", "77");
    press(&mut app, KeyCode::Esc);
    Session::of(&app).save(&workspace).unwrap();
    let mut later = self::app();
    Session::load(&workspace).restore(&mut later, false);
    assert_eq!((later.screen, later.shared.theme.palette), (ScreenId::Train, Palette::Light));
    assert_eq!(Session::of(&later), Session::load(&workspace));
    assert_eq!(later.screens.train.view, app.screens.train.view);
    keys(&mut later, "n");
    assert!(shown(&later, 120, 40).contains("77"), "forms remember");
    // Named on the command line, the theme is not what it was last.
    let mut named = self::app();
    Session::load(&workspace).restore(&mut named, true);
    assert_eq!(named.shared.theme.palette, Palette::Dark);
    let file = folder.path().join("cache/workbench.json");
    for text in ["", "{", "[1]", "{\"screen\": 7}", "{\"screen\": \"Nowhere\", \"backbone\": 99, \"new\": 1}"] {
        std::fs::write(&file, text).unwrap();
        let mut app = self::app();
        Session::load(&workspace).restore(&mut app, false);
        assert_eq!(app.screen, ScreenId::Data, "{text}");
        shown(&app, 80, 24);
    }
}

#[test]
fn the_forms_of_what_the_workbench_does_itself_and_the_list_under_a_path_look_as_they_should() {
    let sizes = [(200, 60), (120, 40), (80, 24), (40, 12)];
    let forms = [
        ("fetch_data", FormKind::FetchData),
        ("fetch_weights", FormKind::FetchWeights),
        ("report", FormKind::Report),
        ("export_model", FormKind::ExportModel),
        ("export_features", FormKind::ExportFeatures),
        ("learning_curve", FormKind::Curve(Kind::DENSE)),
    ];
    for (name, kind) in forms {
        let mut app = app();
        app.shared.open_form(kind);
        let sizes = if name == "fetch_data" { &sizes[..] } else { &sizes[1..2] };
        for (width, height) in sizes {
            insta::assert_snapshot!(format!("form_{name}_{width}x{height}"), shown(&app, *width, *height));
        }
    }
    // A download at work, and the list of names under a path that is being typed.
    let mut app = app();
    let told = |news| Event::Job(JobReply::Task(TaskMessage { id: 1, news }));
    app.update(told(TaskEvent::Began("fetching congress".into())));
    let progress = Progress { done: 120, total: 541, unit: "portraits".into(), remaining: Some(42.0) };
    app.update(told(TaskEvent::Progress(progress)));
    app.shared.open_form(FormKind::Prepare);
    keys(&mut app, "csv:/photos/fa");
    let effects = press(&mut app, KeyCode::Tab);
    let text = "csv:/photos/fa".to_owned();
    assert_eq!(
        effects,
        [Effect::Job(Job::Complete { text: text.clone(), paths: Paths::Source, base: "/study".into() })]
    );
    let name = |text: &str| Name { text: text.to_owned() };
    let names = ["faces/", "fairface/", "family.csv", "holiday.jpg", ".fables"].map(name).to_vec();
    // An answer to what stood there before is none.
    let names = Names { head: "csv:/photos/".into(), names };
    app.update(Event::Job(JobReply::Completed { text: "csv:/pho".into(), names: Ok(names.clone()) }));
    assert!(app.completion().is_none());
    app.update(Event::Job(JobReply::Completed { text, names: Ok(names) }));
    press(&mut app, KeyCode::Down);
    for (width, height) in sizes {
        insta::assert_snapshot!(format!("completion_{width}x{height}"), shown(&app, width, height));
    }
    press(&mut app, KeyCode::Enter);
    assert!(shown(&app, 120, 40).contains("csv:/photos/faces/"));
    assert!(app.completion().is_none());
    // What is secret is neither shown nor remembered.
    app.shared.open_form(FormKind::FetchData);
    for _ in 0..3 {
        press(&mut app, KeyCode::Down);
    }
    keys(&mut app, "hunter2");
    let screen = shown(&app, 120, 40);
    assert!(screen.contains("•••••••") && !screen.contains("hunter2"), "{screen}");
    press(&mut app, KeyCode::Esc);
    assert!(!serde_json::to_string(&Session::of(&app)).unwrap().contains("hunter2"));
    // A file of somebody else's is asked about; the answer is the same order with leave to replace.
    let order = TaskOrder::new(Task::Report(WriteReport::default()));
    let replace = Box::new(TaskOrder { replace: true, ..order });
    let exists = Outcome::Exists { path: "/study/report/report.html".into(), order: replace.clone() };
    app.update(told(TaskEvent::Done(exists)));
    assert!(shown(&app, 120, 40).contains("Replace the file?"));
    assert_eq!(press(&mut app, KeyCode::Char('y')), [Effect::Job(Job::Task(replace))]);
}

#[test]
fn long_refusals_are_read_whole_and_names_that_begin_alike_are_told_apart() {
    let long = "Source adience:/data/a/very/long/way/down/the/tree/of/folders/that/somebody/made/over/many/years must be the \
                folder with fold_0_data.txt to fold_4_data.txt and one of the folders aligned and faces beside them; there is a \
                folder of that name one level higher, which holds them: take that one, or name another layout before the colon.";
    let words = |text: &str| {
        let kept = text.replace(['│', '╭', '╮', '╰', '╯', '─'], " ");
        kept.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let mut app = app();
    app.shared.open_form(FormKind::Prepare);
    let Some(Overlay::Form(form)) = &mut app.shared.overlay else { panic!("a form") };
    form.complain("source", long);
    for (width, height) in [(120, 40), (80, 24)] {
        let screen = words(&shown(&app, width, height));
        assert!(screen.contains("another layout before the colon."), "{screen}");
    }
    app.shared.overlay = None;
    app.shared.say(Tone::Bad, long);
    let screen = words(&shown(&app, 80, 24));
    assert!(screen.contains("another layout before the colon."), "{screen}");
    let names = [
        "coarse_tilt_aligned_face.291.drawing-a28977f1ac_o.jpg",
        "coarse_tilt_aligned_face.292.drawing-b28977f1ac_o.jpg",
    ];
    let [one, other] = names.map(|name| cut_middle(name, 30));
    assert!(one != other && one.starts_with("coarse") && one.ends_with("_o.jpg"), "{one} {other}");
    assert_eq!(one.chars().count(), 30);
    assert_eq!(cut_middle("short.jpg", 30), "short.jpg");
    assert_eq!(cut_middle("人物人物人物人物人物人物.jpg", 12).chars().last(), Some('g'));
}
