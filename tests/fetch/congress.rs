use super::server::{Behaviour, Page, Server};
use super::{Listener, faceprobe, killed_when, portrait, text};
use faceprobe_core::dataset::fetch::congress::{self, FetchReport, Request};
use faceprobe_core::net::Client;
use faceprobe_core::outputs::Outputs;
use faceprobe_core::workspace::Workspace;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Members `A000000`, `A000001` and so on, every other of them a woman, and one of whom nothing is known.
fn list(count: usize) -> String {
    let member = |number: usize| {
        let gender = if number.is_multiple_of(2) { "F" } else { "M" };
        format!(
            r#"{{"id":{{"bioguide":"A{number:06}","lis":"S1"}},"bio":{{"gender":"{gender}","birthday":"1950-01-01"}}}}"#
        )
    };
    let mut members: Vec<String> = (0..count).map(member).collect();
    members.push(r#"{"id":{"bioguide":"Z000001"},"bio":{}}"#.into());
    members.push(r#"{"id":{"bioguide":"../../x"},"bio":{"gender":"F"}}"#.into());
    format!("[{}]", members.join(","))
}

fn path(number: usize) -> String {
    format!("/225x275/A{number:06}.jpg")
}

/// A server with the list and the portraits that `page` gives.
fn server(count: usize, page: impl Fn(usize) -> Option<Page>) -> Server {
    let paths: Vec<String> = (0..count).map(path).collect();
    let mut pages = vec![("/legislators-current.json", Page::new(list(count), vec![Server::whole()]))];
    pages.extend(paths.iter().enumerate().filter_map(|(number, path)| Some((path.as_str(), page(number)?))));
    Server::site(pages, None)
}

fn fetch(server: &Server, folder: &Path) -> faceprobe_core::error::Result<FetchReport> {
    let (base, client) = (server.base(), Client::new());
    let request = Request {
        legislators: &format!("{base}/legislators-current.json"),
        portraits: &base,
        folder,
        client: &client,
        pause: Duration::from_millis(1),
        patience: Duration::from_millis(400),
    };
    let workspace = Workspace::open(folder)?;
    congress::fetch(&request, &mut Outputs::new(&workspace, false), &Listener::default())
}

#[test]
fn portraits_come_through_a_bad_server_two_at_a_time() {
    let now = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let counted = |inner: Behaviour| -> Behaviour {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        Box::new(move |stream, content, from| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(5));
            let done = inner(stream, content, from);
            now.fetch_sub(1, Ordering::SeqCst);
            done
        })
    };
    let server = server(20, |number| {
        let behaviours = match number {
            0 => return None,
            1 => vec![Server::drop_after(300), Server::whole()],
            2 => vec![Server::drop_after(50), Server::half_range(400)],
            3 => vec![Server::raw("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"), Server::whole()],
            4 => vec![Server::exaggerate(), Server::whole()],
            5 => vec![Server::understate(100), Server::whole()],
            _ => vec![Server::whole()],
        };
        Some(Page::new(portrait(number as u8), behaviours.into_iter().map(&counted).collect()))
    });
    let folder = tempfile::tempdir().unwrap();
    let account = fetch(&server, folder.path()).unwrap();
    assert_eq!((account.members, account.fetched, account.female, account.male), (20, 19, 9, 10));
    assert_eq!(account.missing, ["A000000"]);
    assert!(most.load(Ordering::SeqCst) <= 2);
    for number in 1..20 {
        let file = folder.path().join(&path(number)[1..]);
        assert!(fs::read(&file).unwrap() == portrait(number as u8), "{}", file.display());
    }
    let labels = fs::read_to_string(folder.path().join("labels.csv")).unwrap();
    assert!(labels.starts_with("path,label,subject\n225x275/A000001.jpg,male,A000001\n"), "{labels}");
    assert_eq!(labels.lines().count(), 20);

    // Once more: only what is missing is asked for.
    let before = server.log().len();
    let account = fetch(&server, folder.path()).unwrap();
    assert_eq!((account.fetched, account.there_before), (0, 19));
    assert!(server.log()[before..].iter().all(|request| request.path == path(0)));
}

#[test]
fn a_server_that_gives_up_is_left_alone_and_the_rest_is_kept() {
    let server = server(40, |number| {
        let broken = Server::raw("HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n");
        Some(Page::new(portrait(1), vec![if number < 10 { Server::whole() } else { broken }]))
    });
    let folder = tempfile::tempdir().unwrap();
    let error = fetch(&server, folder.path()).unwrap_err().to_string();
    assert!(error.contains("10 of 40 portraits") && error.contains("429") && error.contains("again"), "{error}");
    assert!(server.log().len() < 40, "{} requests", server.log().len());

    let nothing = Server::site(vec![], None);
    let folder = tempfile::tempdir().unwrap();
    let error = fetch(&nothing, folder.path()).unwrap_err().to_string();
    assert!(error.contains("legislators-current.json") && error.contains("404"), "{error}");
    let page = Server::site(vec![("/legislators-current.json", Page::of("<html>"))], None);
    let error = fetch(&page, folder.path()).unwrap_err().to_string();
    assert!(error.contains("is not the list of legislators"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_killed_download_resumes_and_the_result_is_a_source() {
    let server = server(30, |number| Some(Page::of(portrait(number as u8))));
    let folder = tempfile::tempdir().unwrap();
    let portraits = folder.path().join("data/congress/225x275");
    let there = || fs::read_dir(&portraits).map_or(0, |entries| entries.count());
    killed_when(|| there() >= 6, folder.path(), &["data", "fetch", "congress", "--mirror", &server.base()]);
    assert!((6..30).contains(&there()));
    assert!(!folder.path().join("data/congress/labels.csv").exists());
    let output = faceprobe(folder.path(), &["data", "fetch", "congress", "--mirror", &server.base()], &[], "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let asked = server.log().iter().filter(|request| request.path.ends_with(".jpg")).count();
    assert!(asked <= 32, "{asked} requests for 30 portraits");
    let source = format!("csv:{}", folder.path().join("data/congress/labels.csv").display());
    let output =
        faceprobe(folder.path(), &["data", "prepare", "--source", &source, "--name", "congress", "--json"], &[], "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains(r#""subjects": 30"#), "{}", text(&output.stdout));
}

#[test]
fn labels_of_the_users_own_are_kept() {
    let server = server(4, |number| Some(Page::of(portrait(number as u8))));
    let folder = tempfile::tempdir().unwrap();
    let labels = folder.path().join("album/labels.csv");
    fs::create_dir(folder.path().join("album")).unwrap();
    fs::write(&labels, "path,label\nmine.jpg,female\n").unwrap();
    let to = folder.path().join("album").display().to_string();
    let args = ["data", "fetch", "congress", "--mirror", &server.base(), "--to", &to];
    let refused = faceprobe(folder.path(), &args, &[], "");
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("labels.csv: exists and was not made here"), "{}", text(&refused.stderr));
    assert!(server.log().is_empty(), "nothing was asked for");
    assert!(fs::read_to_string(&labels).unwrap().contains("mine.jpg"));
    for more in [&["--force"][..], &[]] {
        let output = faceprobe(folder.path(), &[&args[..], more].concat(), &[], "");
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    assert!(fs::read_to_string(&labels).unwrap().contains("A000001"));
}
