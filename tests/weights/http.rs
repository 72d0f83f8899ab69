//! Downloads from servers that behave and servers that do not.

use faceprobe::backbone::weights::Download;
use faceprobe::error::ErrorKind;
use faceprobe::monitor::{Monitor, Silent, Update};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What a connection gets: the stream, the whole content, and where the request wants to begin.
type Behaviour = Box<dyn Fn(&mut TcpStream, &[u8], Option<u64>) -> std::io::Result<()> + Send + Sync>;

/// A server on this machine; the n-th connection meets the n-th behaviour, and the last of them from then on.
pub struct Server {
    address: String,
    /// Where each request wanted to begin.
    asked: Arc<Mutex<Vec<Option<u64>>>>,
}

impl Server {
    pub fn new(content: Vec<u8>, behaviours: Vec<Behaviour>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, behaviours, content) = (Arc::clone(&asked), Arc::new(behaviours), Arc::new(content));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(mut stream), log) = (stream, Arc::clone(&log)) else { return };
                let (behaviours, content) = (Arc::clone(&behaviours), Arc::clone(&content));
                let from = wanted(&stream);
                let number = {
                    let mut log = log.lock().unwrap();
                    log.push(from);
                    log.len() - 1
                };
                std::thread::spawn(move || {
                    // A client that hangs up is its own affair.
                    let _ = behaviours[number.min(behaviours.len() - 1)](&mut stream, &content, from);
                });
            }
        });
        Self { address, asked }
    }

    pub fn url(&self) -> String {
        format!("http://{}/weights.bin", self.address)
    }

    fn asked(&self) -> Vec<Option<u64>> {
        self.asked.lock().unwrap().clone()
    }

    /// All that is asked for.
    pub fn whole() -> Behaviour {
        Box::new(|stream, content, from| {
            answer(stream, content, from, content.len() as u64)?;
            stream.write_all(&content[from.unwrap_or(0) as usize..])
        })
    }

    /// Some bytes of what is asked for, then the connection is gone.
    pub fn drop_after(count: usize) -> Behaviour {
        Box::new(move |stream, content, from| {
            answer(stream, content, from, content.len() as u64)?;
            let start = from.unwrap_or(0) as usize;
            stream.write_all(&content[start..(start + count).min(content.len())])
        })
    }

    /// Some bytes, then silence with the connection open.
    fn stall_after(count: usize) -> Behaviour {
        Box::new(move |stream, content, from| {
            answer(stream, content, from, content.len() as u64)?;
            stream.write_all(&content[..count])?;
            std::thread::sleep(Duration::from_secs(30));
            Ok(())
        })
    }

    /// Says that the file ends later than it does.
    fn exaggerate() -> Behaviour {
        Box::new(|stream, content, _| {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", content.len() + 1000)?;
            stream.write_all(content)
        })
    }

    /// Answers about so many bytes of the part that is asked for.
    fn half_range(count: usize) -> Behaviour {
        Box::new(move |stream, content, from| {
            let start = from.unwrap_or(0) as usize;
            let part = &content[start..(start + count).min(content.len())];
            write!(
                stream,
                "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes {start}-{}/{}\r\ncontent-length: {}\r\n\r\n",
                start + part.len() - 1,
                content.len(),
                part.len()
            )?;
            stream.write_all(part)
        })
    }

    fn raw(text: &'static str) -> Behaviour {
        Box::new(move |stream, _, _| stream.write_all(text.as_bytes()))
    }
}

/// Reads a request's head: where its range begins.
fn wanted(stream: &TcpStream) -> Option<u64> {
    let mut from = None;
    for line in BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok) {
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.to_lowercase().strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().ok();
        }
    }
    from
}

fn answer(stream: &mut TcpStream, content: &[u8], from: Option<u64>, total: u64) -> std::io::Result<()> {
    match from {
        None => write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {total}\r\n\r\n"),
        Some(from) if from >= content.len() as u64 => {
            write!(
                stream,
                "HTTP/1.1 416 Range Not Satisfiable\r\ncontent-range: bytes */{total}\r\ncontent-length: 0\r\n\r\n"
            )
        }
        Some(from) => write!(
            stream,
            "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes {from}-{}/{total}\r\ncontent-length: {}\r\n\r\n",
            total - 1,
            total - from
        ),
    }
}

fn content() -> Vec<u8> {
    (0..1_000_000_u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn download(server: &Server, partial: &Path) -> faceprobe::error::Result<bool> {
    Download { url: &server.url(), partial, patience: Duration::from_millis(400) }.run(&Silent)
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
fn what_an_earlier_attempt_left_is_gone_on_with_where_the_server_allows_it() {
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
        (Server::raw("HTTP/1.1 200 OK\r\ncontent-length: 1152921504606846976\r\n\r\nx"), "larger than any weights"),
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
    let error = Download { url: &url, partial: &partial, patience: Duration::from_secs(5) }.run(&Silent).unwrap_err();
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
fn a_stop_is_obeyed_and_keeps_what_came() {
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
    let error =
        Download { url: &server.url(), partial: &partial, patience: Duration::from_secs(5) }.run(&monitor).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped);
    let kept = std::fs::read(&partial).unwrap();
    assert!(!kept.is_empty() && kept.len() < all.len() && all.starts_with(&kept));
    let figures = monitor.figures.lock().unwrap();
    assert!(figures.iter().all(|&(done, total)| done > 0 && total == 1_000_000), "{figures:?}");
    download(&server, &partial).unwrap();
    assert!(std::fs::read(&partial).unwrap() == all);
    assert_eq!(server.asked()[1], Some(kept.len() as u64));
}
