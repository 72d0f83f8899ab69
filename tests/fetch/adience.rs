use super::server::{Page, Server};
use super::{Listener, archive, faceprobe, killed_when, noise, text};
use faceprobe_core::dataset::fetch::adience::{self, Part, Request};
use faceprobe_core::net::Client;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const FOLD: &str = "user_id\toriginal_image\tface_id\tage\tgender\n1@N1\ta.jpg\t1\t(25, 32)\tf\n";
/// `me:s3cret`.
const BASIC: &str = "Basic bWU6czNjcmV0";

/// Paths of the label files.
fn labels() -> Vec<String> {
    (0..5).map(|fold| format!("/fold_{fold}_data.txt")).collect()
}

fn images() -> Vec<u8> {
    archive(&[("aligned/1@N1/landmark_aligned_face.1.a.jpg", &noise(300_000)), ("aligned/1@N1/b.jpg", b"b")])
}

/// A mirror with good labels and an archive that behaves as told.
fn mirror(aligned: Page, wanted: Option<&str>) -> Server {
    let names = labels();
    let mut pages: Vec<(&str, Page)> = names.iter().map(|name| (name.as_str(), Page::of(FOLD))).collect();
    pages.push(("/aligned.tar.gz", aligned));
    Server::site(pages, wanted)
}

fn fetch(
    server: &Server,
    folder: &Path,
    parts: &[Part],
) -> (faceprobe_core::error::Result<Vec<adience::FetchReport>>, String) {
    let listener = Listener::default();
    let (client, address) = (Client::new(), server.base());
    let patience = Duration::from_millis(400);
    let request = Request { address: &address, parts, folder, client: &client, patience };
    let accounts = adience::fetch(&request, &listener);
    (accounts, listener.text())
}

/// Names in a folder, hidden ones too.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn servers_that_misbehave_still_give_the_right_bytes() {
    for (what, behaviours) in [
        ("behaves", vec![Server::whole()]),
        ("drops", vec![Server::drop_after(100_000), Server::drop_after(50_000), Server::whole()]),
        ("stalls", vec![Server::stall_after(120_000), Server::whole()]),
        ("half a range", vec![Server::drop_after(10_000), Server::half_range(200_000)]),
        ("exaggerates", vec![Server::exaggerate(), Server::whole()]),
        ("redirects", vec![Server::redirect("/aligned.tar.gz".into()), Server::whole()]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = mirror(Page::new(images(), behaviours), None);
        let (accounts, notes) = fetch(&server, folder.path(), &[Part::Aligned, Part::Labels]);
        let accounts = accounts.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(accounts.len(), 6, "{what}");
        assert_eq!(accounts[5].images, Some(2));
        let face = fs::read(folder.path().join("aligned/1@N1/landmark_aligned_face.1.a.jpg")).unwrap();
        assert!(face == noise(300_000), "{what}");
        assert_eq!(fs::read_to_string(folder.path().join("fold_3_data.txt")).unwrap(), FOLD);
        let expected: Vec<String> = labels().iter().map(|name| name[1..].to_owned()).collect();
        assert_eq!(names(folder.path()), [vec!["aligned".to_owned()], expected].concat(), "{what}");
        // These are not the authors' bytes, and both sums are told.
        let warned = notes.lines().find(|line| line.contains("aligned.tar.gz has MD5")).unwrap_or_default();
        assert!(warned.contains("bf8336d576433f0143828925eadbe23f") && warned.contains("warning"), "{notes}");

        // Nothing is asked for twice.
        let before = server.log().len();
        fetch(&server, folder.path(), &[Part::Aligned, Part::Labels]).0.unwrap();
        let again: Vec<String> = server.log()[before..].iter().map(|request| request.path.clone()).collect();
        assert!(again.iter().all(|path| path.contains("frontal")), "{again:?}");
    }
}

#[test]
fn refusals_lies_and_damage_end_in_one_sentence() {
    let half = images()[..150_000].to_vec();
    for (what, page, part) in [
        ("404", Page::new("", vec![Server::raw("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")]), "404"),
        ("500", Page::new("", vec![Server::raw("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n")]), "500"),
        ("a page", Page::of("<html>Please register</html>"), "cannot be unpacked"),
        ("half", Page::of(half), "cannot be unpacked"),
        ("understates", Page::new(images(), vec![Server::understate(1000)]), "cannot be unpacked"),
        ("silent", Page::new(images(), vec![Server::stall_after(0)]), "sent nothing"),
        (
            "huge",
            Page::new("", vec![Server::raw("HTTP/1.1 200 OK\r\ncontent-length: 9999999999999\r\n\r\n")]),
            "claims",
        ),
        ("no server", Page::new("", vec![Server::raw("SSH-2.0\r\n")]), "no connection"),
        ("a loop", Page::new("", vec![Server::redirect("/aligned.tar.gz".into())]), "no connection"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = mirror(page, None);
        let began = Instant::now();
        let error = fetch(&server, folder.path(), &[Part::Aligned]).0.unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("aligned.tar.gz") && !error.contains('\n'), "{what}: {error}");
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        let left = names(folder.path());
        assert!(!left.iter().any(|name| name == "aligned" || name.starts_with(".unpack")), "{what}: {left:?}");
    }
    for (content, part) in [(&FOLD[..30], "middle of a line"), ("<html>\n", "user_id")] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::site(vec![("/fold_0_data.txt", Page::of(content))], None);
        let error = fetch(&server, folder.path(), &[Part::Labels]).0.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
        assert_eq!(names(folder.path()), [""; 0], "what is wrong is not kept");
    }
}

#[test]
fn a_partial_download_of_another_copy_is_not_mixed_in() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".partial-aligned.tar.gz"), noise(1000)).unwrap();
    fs::write(folder.path().join(".partial-fold_2_data.txt"), "user_id\tsomething else\n").unwrap();
    fs::create_dir(folder.path().join(".unpacking-aligned")).unwrap();
    fs::write(folder.path().join(".unpacking-aligned/old"), "x").unwrap();
    let server = mirror(Page::of(images()), None);
    fetch(&server, folder.path(), &[Part::Labels, Part::Aligned]).0.unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("fold_2_data.txt")).unwrap(), FOLD);
    assert_eq!(server.asked_for("/aligned.tar.gz"), [Some(1000), None]);
    assert_eq!(names(&folder.path().join("aligned")), ["1@N1"]);
}

#[test]
fn the_password_is_sent_and_never_seen() {
    let server = mirror(Page::of(images()), Some(BASIC));
    let base = server.base();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let run = |extra: &[&str], variables: &[(&str, &str)], input: &str| {
        let mut args = vec!["data", "fetch", "adience", "--mirror", &base];
        args.extend(extra);
        let output = faceprobe(at, &args, variables, input);
        let all = text(&output.stdout) + &text(&output.stderr);
        assert!(!all.contains("s3cret") && !all.contains("bWU6"), "{all}");
        (output.status.code(), all)
    };
    let (code, said) = run(&[], &[], "");
    assert!(code == Some(1) && said.contains("asks for a user name and password (401"), "{said}");
    let wrong = [("FACEPROBE_ADIENCE_USER", "me"), ("FACEPROBE_ADIENCE_PASSWORD", "s3cret-not")];
    let (code, said) = run(&[], &wrong, "");
    assert!(code == Some(1) && said.contains("does not accept this user name and password"), "{said}");
    let (code, said) = run(&["--user", "me"], &[], "");
    assert!(code == Some(2) && said.contains("--password-stdin"), "{said}");
    let with_name = base.replace("http://", "http://me:s3cret@");
    let output = faceprobe(at, &["data", "fetch", "adience", "--mirror", &with_name], &[], "");
    let said = text(&output.stderr);
    assert!(output.status.code() == Some(2) && !said.contains("s3cret"), "{said}");
    // The authors' own server asks everyone.
    let output = faceprobe(at, &["data", "fetch", "adience"], &[], "");
    assert!(output.status.code() == Some(2) && text(&output.stderr).contains("FACEPROBE_ADIENCE_USER"));

    let (code, said) = run(&["--user", "me", "--password-stdin", "--json"], &[], "s3cret\n");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("known_md5"), "{said}");
    let right = [("FACEPROBE_ADIENCE_USER", "me"), ("FACEPROBE_ADIENCE_PASSWORD", "s3cret")];
    let (code, said) = run(&[], &right, "");
    assert!(code == Some(0) && said.contains("data prepare --source adience:"), "{said}");
    assert!(server.log().iter().all(|request| request.agent.as_deref().unwrap_or("").starts_with("faceprobe/")));
    // Nothing on disk has it either.
    let grep = Command::new("grep").args(["-r", "-e", "s3cret", "-e", "bWU6"]).arg(at).output().unwrap();
    assert!(grep.stdout.is_empty(), "{}", text(&grep.stdout));
}

#[test]
fn a_redirect_to_another_host_does_not_get_the_password() {
    let other = Server::new(FOLD.into(), vec![Server::whole()]);
    let elsewhere = other.base().replace("127.0.0.1", "localhost") + "/fold";
    let server =
        Server::site(vec![("/fold_0_data.txt", Page::new("", vec![Server::redirect(elsewhere)]))], Some(BASIC));
    let folder = tempfile::tempdir().unwrap();
    let client = Client::new().with_password("me", "s3cret").unwrap();
    let (address, patience) = (server.base(), Duration::from_secs(2));
    let request =
        Request { address: &address, parts: &[Part::Labels], folder: folder.path(), client: &client, patience };
    let _ = adience::fetch(&request, &Listener::default());
    assert_eq!(server.log()[0].authorization.as_deref(), Some(BASIC));
    assert!(other.log().iter().all(|request| request.authorization.is_none()), "{:?}", other.log());
}

#[test]
fn a_kill_in_the_middle_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("data/adience");
    let slow = || Server::slowly(4_000, Duration::from_millis(15));
    let server = mirror(Page::new(images(), vec![slow(), slow(), Server::whole()]), None);
    let partial = to.join(".partial-aligned.tar.gz");
    let size = || fs::metadata(&partial).map_or(0, |data| data.len());
    for _ in 0..2 {
        let before = size();
        let enough = || size() >= before + 40_000;
        killed_when(enough, folder.path(), &["data", "fetch", "adience", "--mirror", &server.base()]);
        assert!(size() >= before + 40_000);
    }
    let there = size();
    let output = faceprobe(folder.path(), &["data", "fetch", "adience", "--mirror", &server.base()], &[], "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(server.asked_for("/aligned.tar.gz").last(), Some(&Some(there)), "it goes on where it was killed");
    assert!(fs::read(to.join("aligned/1@N1/landmark_aligned_face.1.a.jpg")).unwrap() == noise(300_000));
    assert_eq!(names(&to).len(), 6);
}
