//! Downloads from good and bad servers.

use super::server::{Behaviour, Server, answer};
use faceprobe_core::error::ErrorKind;
use faceprobe_core::monitor::{Monitor, Silent, Update};
use faceprobe_core::net::{Client, Download};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn content() -> Vec<u8> {
    (0..1_000_000_u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn download(server: &Server, partial: &Path) -> faceprobe_core::error::Result<bool> {
    let (client, url) = (Client::new(), server.url());
    Download { client: &client, url: &url, partial, patience: Duration::from_millis(400), most: 2 << 30 }.run(&Silent)
}

#[test]
fn lost_connections_go_on_where_they_stopped() {
    let all = content();
    for (what, behaviours, least) in [
        ("whole", vec![Server::whole()], 1),
        ("dropped twice", vec![Server::drop_after(300_000), Server::drop_after(200_000), Server::whole()], 3),
        ("silent half way", vec![Server::stall_after(500_000), Server::whole()], 2),
        ("half a range each", vec![Server::drop_after(100_000), Server::half_range(400_000)], 4),
        ("longer than it is", vec![Server::exaggerate(), Server::whole()], 2),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let partial = folder.path().join("partial");
        let server = Server::new(all.clone(), behaviours);
        download(&server, &partial).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(std::fs::read(&partial).unwrap() == all, "{what}");
        let asked = server.asked();
        assert!(
            asked.len() >= least && asked[0].is_none() && asked[1..].iter().all(Option::is_some),
            "{what}: {asked:?}"
        );
    }
}

#[test]
fn a_partial_download_is_resumed_if_the_server_allows_it() {
    let all = content();
    let folder = tempfile::tempdir().unwrap();
    let partial = folder.path().join("partial");
    for (what, before, behaviours, asked) in [
        ("a beginning", &all[..123_456], vec![Server::whole()], vec![Some(123_456)]),
        ("all of it", &all[..], vec![Server::whole()], vec![Some(1_000_000)]),
        // A server that knows no ranges sends everything.
        (
            "no ranges",
            &all[..1000],
            vec![Box::new(|s: &mut TcpStream, c: &[u8], _: Option<u64>| {
                answer(s, c, None, c.len() as u64)?;
                s.write_all(c)
            }) as Behaviour],
            vec![Some(1000)],
        ),
        // One that answers about another part is asked again for everything.
        (
            "another part",
            &all[..1000],
            vec![
                Server::raw(
                    "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 0-9/1000000\r\ncontent-length: 10\r\n\r\n0123456789",
                ),
                Server::whole(),
            ],
            vec![Some(1000), None],
        ),
    ] {
        std::fs::write(&partial, before).unwrap();
        let server = Server::new(all.clone(), behaviours);
        download(&server, &partial).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(std::fs::read(&partial).unwrap() == all, "{what}");
        assert_eq!(server.asked(), asked, "{what}");
    }
    // Longer than the file: not its beginning.
    std::fs::write(&partial, [&all[..], b"more"].concat()).unwrap();
    let server = Server::new(all.clone(), vec![Server::whole()]);
    download(&server, &partial).unwrap();
    assert!(std::fs::read(&partial).unwrap() == all);
    assert_eq!(server.asked(), [Some(1_000_004), None]);
}

#[test]
fn refusals_and_lies_end_in_a_sentence_soon() {
    let folder = tempfile::tempdir().unwrap();
    let partial = folder.path().join("partial");
    for (behaviour, part) in [
        (Server::raw("HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnope"), "404"),
        (Server::raw("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"), "503"),
        (
            Server::raw("HTTP/1.1 200 OK\r\ncontent-length: 1152921504606846976\r\n\r\nx"),
            "more than such a file can have",
        ),
        (
            Server::raw("HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 7-9/10\r\ncontent-length: 3\r\n\r\nabc"),
            "another part",
        ),
        (Server::raw("SSH-2.0-OpenSSH\r\n"), "no connection"),
        (Server::raw(""), "no connection"),
        (Server::stall_after(0), "sent nothing for 0.4 s"),
    ] {
        let server = Server::new(content(), vec![behaviour]);
        let began = Instant::now();
        let error = download(&server, &partial).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains(&server.url()) && !error.contains('\n'), "{part}: {error}");
        assert!(began.elapsed() < Duration::from_secs(20), "{part} took {:?}", began.elapsed());
    }
    let url = {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/", gone.local_addr().unwrap())
    };
    let client = Client::new();
    let patience = Duration::from_secs(5);
    let error = Download { client: &client, url: &url, partial: &partial, patience, most: 1 }.run(&Silent).unwrap_err();
    assert!(error.to_string().contains("refused") || error.to_string().contains("no connection"), "{error}");
}

/// Stops at the first word of progress.
#[derive(Default)]
struct Impatient {
    enough: AtomicBool,
    figures: Mutex<Vec<(u64, u64)>>,
}

impl Monitor for Impatient {
    fn update(&self, update: Update) {
        if let Update::Progress { done, total, .. } = update {
            self.figures.lock().unwrap().push((done, total));
            self.enough.store(true, Ordering::SeqCst);
        }
    }

    fn stopped(&self) -> bool {
        self.enough.load(Ordering::SeqCst)
    }
}

#[test]
fn a_stop_keeps_the_partial_download() {
    let all = content();
    let folder = tempfile::tempdir().unwrap();
    let partial = folder.path().join("partial");
    let slowly: Behaviour = Box::new(|stream, content, from| {
        answer(stream, content, from, content.len() as u64)?;
        for chunk in content[from.unwrap_or(0) as usize..].chunks(10_000) {
            stream.write_all(chunk)?;
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    });
    let server = Server::new(all.clone(), vec![slowly, Server::whole()]);
    let monitor = Impatient::default();
    let (client, url, patience) = (Client::new(), server.url(), Duration::from_secs(5));
    let error =
        Download { client: &client, url: &url, partial: &partial, patience, most: 2 << 30 }.run(&monitor).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped);
    let kept = std::fs::read(&partial).unwrap();
    assert!(!kept.is_empty() && kept.len() < all.len() && all.starts_with(&kept));
    let figures = monitor.figures.lock().unwrap();
    assert!(figures.iter().all(|&(done, total)| done > 0 && total == 1_000_000), "{figures:?}");
    download(&server, &partial).unwrap();
    assert!(std::fs::read(&partial).unwrap() == all);
    assert_eq!(server.asked()[1], Some(kept.len() as u64));
}
