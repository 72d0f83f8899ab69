//! A local server for downloads: well behaved, or stalling, dropping, lying and refusing.
//!
//! Shared by the tests of several crates, each of which uses a part of it.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a connection gets: the stream, the whole content, and where the request wants to begin.
pub type Behaviour = Box<dyn Fn(&mut TcpStream, &[u8], Option<u64>) -> std::io::Result<()> + Send + Sync>;

/// One request as it came.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub path: String,
    /// Where its range begins.
    pub from: Option<u64>,
    pub authorization: Option<String>,
    pub agent: Option<String>,
}

/// A file of a server; its n-th request meets the n-th behaviour, and the last of them from then on.
pub struct Page {
    content: Vec<u8>,
    behaviours: Vec<Behaviour>,
    count: AtomicUsize,
}

impl Page {
    pub fn new(content: impl Into<Vec<u8>>, behaviours: Vec<Behaviour>) -> Self {
        Self { content: content.into(), behaviours, count: AtomicUsize::new(0) }
    }

    /// A page that behaves.
    pub fn of(content: impl Into<Vec<u8>>) -> Self {
        Self::new(content, vec![Server::whole()])
    }
}

pub struct Server {
    address: String,
    log: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// One file, whatever is asked for.
    pub fn new(content: Vec<u8>, behaviours: Vec<Behaviour>) -> Self {
        Self::start(HashMap::from([(String::new(), Page::new(content, behaviours))]), None)
    }

    /// Pages by path; `wanted` is the `authorization` that each request must have.
    pub fn site(pages: Vec<(&str, Page)>, wanted: Option<&str>) -> Self {
        let pages = pages.into_iter().map(|(path, page)| (path.to_owned(), page)).collect();
        Self::start(pages, wanted.map(str::to_owned))
    }

    fn start(pages: HashMap<String, Page>, wanted: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (pages, requests) = (Arc::new(pages), Arc::clone(&log));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let (pages, requests, wanted) = (Arc::clone(&pages), Arc::clone(&requests), wanted.clone());
                std::thread::spawn(move || {
                    let Some(request) = head(&stream) else { return };
                    requests.lock().unwrap().push(request.clone());
                    // A client that hangs up is its own affair.
                    let _ = serve(&mut stream, &pages, &request, wanted.as_deref());
                });
            }
        });
        Self { address, log }
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn url(&self) -> String {
        format!("http://{}/weights.bin", self.address)
    }

    pub fn log(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }

    /// Where each request wanted to begin.
    pub fn asked(&self) -> Vec<Option<u64>> {
        self.log().iter().map(|request| request.from).collect()
    }

    /// Where each request for a page wanted to begin.
    pub fn asked_for(&self, path: &str) -> Vec<Option<u64>> {
        self.log().iter().filter(|request| request.path == path).map(|request| request.from).collect()
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
    pub fn stall_after(count: usize) -> Behaviour {
        Box::new(move |stream, content, from| {
            answer(stream, content, from, content.len() as u64)?;
            stream.write_all(&content[..count])?;
            std::thread::sleep(Duration::from_secs(30));
            Ok(())
        })
    }

    /// Says that the file ends later than it does.
    pub fn exaggerate() -> Behaviour {
        Box::new(|stream, content, _| {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", content.len() + 1000)?;
            stream.write_all(content)
        })
    }

    /// Answers about so many bytes of the part that is asked for.
    pub fn half_range(count: usize) -> Behaviour {
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

    pub fn raw(text: &'static str) -> Behaviour {
        Box::new(move |stream, _, _| stream.write_all(text.as_bytes()))
    }

    /// Says that the file ends sooner than it does.
    pub fn understate(by: usize) -> Behaviour {
        Box::new(move |stream, content, _| {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", content.len() - by)?;
            stream.write_all(content)
        })
    }

    /// All that is asked for, in small pieces with pauses.
    pub fn slowly(piece: usize, pause: Duration) -> Behaviour {
        Box::new(move |stream, content, from| {
            answer(stream, content, from, content.len() as u64)?;
            for chunk in content[from.unwrap_or(0) as usize..].chunks(piece) {
                stream.write_all(chunk)?;
                std::thread::sleep(pause);
            }
            Ok(())
        })
    }

    pub fn redirect(to: String) -> Behaviour {
        Box::new(move |stream, _, _| {
            write!(stream, "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
        })
    }
}

fn serve(
    stream: &mut TcpStream,
    pages: &HashMap<String, Page>,
    request: &Request,
    wanted: Option<&str>,
) -> std::io::Result<()> {
    if wanted.is_some() && wanted != request.authorization.as_deref() {
        return stream.write_all(
            b"HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic realm=\"faces\"\r\ncontent-length: 0\r\n\r\n",
        );
    }
    let Some(page) = pages.get(&request.path).or_else(|| pages.get("")) else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    };
    let number = page.count.fetch_add(1, Ordering::SeqCst);
    page.behaviours[number.min(page.behaviours.len() - 1)](stream, &page.content, request.from)
}

/// Reads a request's head.
fn head(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok);
    let mut request = Request { path: lines.next()?.split(' ').nth(1)?.to_owned(), ..Request::default() };
    for line in lines.take_while(|line| !line.is_empty()) {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim().to_owned();
        match name.to_lowercase().as_str() {
            "range" => request.from = value.trim_start_matches("bytes=").trim_end_matches('-').parse().ok(),
            "authorization" => request.authorization = Some(value),
            "user-agent" => request.agent = Some(value),
            _ => {}
        }
    }
    Some(request)
}

pub fn answer(stream: &mut TcpStream, content: &[u8], from: Option<u64>, total: u64) -> std::io::Result<()> {
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
