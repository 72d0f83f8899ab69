//! What is to be predicted: files, folders, lists of paths, standard input; found while the first are being worked on.

use super::folder::{PassedOver, look_through};
use super::list::List;
use super::reading::{MOST_BYTES, reason};
use crate::error::{Error, Result};
use crate::imaging::sniff;
use crate::path_text::{meant, text_of};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel};
use std::time::Duration;

/// One input.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    File(PathBuf),
    /// An image in memory, with its name for the answer.
    Bytes {
        name: String,
        bytes: Vec<u8>,
    },
    /// An input that cannot be read, and why.
    Hopeless {
        name: String,
        reason: String,
    },
}

/// The separator of paths in a list: line end, or NUL as in `find -print0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// Empty lines are skipped, and so is a carriage return before the line end.
    Line,
    Nul,
}

/// Whether an item is available.
#[derive(Debug)]
pub enum Next {
    Item(Item),
    /// Another program may still write one.
    NotYet,
    End,
}

/// Maximum number of paths read ahead of a list; its reader then waits.
const READ_AHEAD: usize = 1024;

enum Source {
    Path(PathBuf),
    /// A list in a file, read on demand.
    Lines(Box<dyn Iterator<Item = Item> + Send>),
    /// A list that grows while it is read.
    Growing(Receiver<Item>),
}

/// Items in the order of their sources. A folder stands for its images, by name.
pub struct Inputs {
    sources: VecDeque<Source>,
    /// Of the folder that is at hand.
    found: VecDeque<PathBuf>,
    recursive: bool,
    /// What folders held besides, so far.
    passed: PassedOver,
}

impl Inputs {
    /// No sources yet. With `recursive`, folders stand for all images below them.
    pub fn new(recursive: bool) -> Self {
        Self { sources: VecDeque::new(), found: VecDeque::new(), recursive, passed: PassedOver::default() }
    }

    /// A file, or a folder for its images; also by the [text](crate::path_text) that an answer has for it.
    pub fn path(&mut self, path: &Path) {
        self.sources.push_back(Source::Path(meant(path).into_owned()));
    }

    /// Adds a file with a list of paths, relative to the current folder or else to the list's own.
    ///
    /// # Errors
    /// A list that cannot be opened.
    pub fn list(&mut self, path: &Path, separator: Separator) -> Result<()> {
        let refused = |error: std::io::Error| Error::file(path, format!("the list cannot be read: {}", reason(&error)));
        let file = File::open(path).map_err(refused)?;
        let kind = file.metadata().map_err(refused)?.file_type();
        if kind.is_dir() {
            return Err(Error::file(path, "is a folder, not a list of paths; name it without --list"));
        }
        let beside = path.parent().map(Path::to_owned);
        let lines = List::new(BufReader::new(file), text_of(path).into_owned(), separator, beside);
        self.sources.push_back(if kind.is_file() { Source::Lines(Box::new(lines)) } else { growing(lines) });
        Ok(())
    }

    /// Adds standard input: a list of paths, or the bytes of one image.
    pub fn standard_input(&mut self, separator: Separator) {
        // Even checking whether it is an image has to wait for the writer.
        let (send, receive) = sync_channel(READ_AHEAD);
        std::thread::spawn(move || {
            let mut reader = std::io::stdin().lock();
            let items: Box<dyn Iterator<Item = Item>> = match whole_image(&mut reader, separator) {
                Some(item) => Box::new(std::iter::once(item)),
                None => Box::new(List::new(reader, "standard input".into(), separator, None)),
            };
            for item in items {
                if send.send(item).is_err() {
                    return;
                }
            }
        });
        self.sources.push_back(Source::Growing(receive));
    }

    /// Whether there is exactly one item and it is known already.
    pub fn is_single(&self) -> bool {
        matches!(self.sources.front(), Some(Source::Path(path)) if self.sources.len() == 1 && !path.is_dir())
    }

    /// Finds all items that are known already, and tells their files: those named, of folders, and of lists that are files.
    /// What somebody may still write is found when its turn comes.
    pub fn look_ahead(&mut self, mut tell: impl FnMut(&Path)) {
        let (recursive, passed) = (self.recursive, &mut self.passed);
        let mut open = |item: Item| match item {
            Item::File(path) if path.is_dir() => match opened(&path, recursive, passed) {
                Ok(found) => found.into_iter().map(Item::File).collect(),
                Err(item) => vec![item],
            },
            item => vec![item],
        };
        for source in &mut self.sources {
            let items: Vec<Item> = match source {
                Source::Growing(_) => continue,
                Source::Path(path) => open(Item::File(std::mem::take(path))),
                Source::Lines(lines) => lines.flat_map(&mut open).collect(),
            };
            for item in &items {
                if let Item::File(path) = item {
                    tell(path);
                }
            }
            *source = Source::Lines(Box::new(items.into_iter()));
        }
    }

    /// What the folders that were opened hold besides images, to be told once.
    pub fn passed_over(&mut self) -> PassedOver {
        std::mem::take(&mut self.passed)
    }

    /// The next item, however long it takes; none at the end.
    pub fn wait(&mut self) -> Option<Item> {
        loop {
            match self.next(Duration::from_secs(3600)) {
                Next::Item(item) => return Some(item),
                Next::NotYet => {}
                Next::End => return None,
            }
        }
    }

    /// The next item. For a growing list, waits at most `patience`.
    pub fn next(&mut self, patience: Duration) -> Next {
        loop {
            if let Some(path) = self.found.pop_front() {
                return Next::Item(Item::File(path));
            }
            let item = match self.sources.front_mut() {
                None => return Next::End,
                Some(Source::Path(_)) => None,
                Some(Source::Lines(lines)) => lines.next(),
                Some(Source::Growing(items)) => match wait(items, patience) {
                    Ok(item) => item,
                    Err(()) => return Next::NotYet,
                },
            };
            let item = match item {
                Some(item) => item,
                None => match self.sources.pop_front() {
                    Some(Source::Path(path)) => Item::File(path),
                    _ => continue,
                },
            };
            match item {
                Item::File(path) if path.is_dir() => match opened(&path, self.recursive, &mut self.passed) {
                    Ok(found) => self.found.extend(found),
                    Err(item) => return Next::Item(item),
                },
                item => return Next::Item(item),
            }
        }
    }
}

/// The next item, none at the end, an error if there is none yet.
fn wait(items: &Receiver<Item>, patience: Duration) -> Result<Option<Item>, ()> {
    if patience.is_zero() {
        return match items.try_recv() {
            Ok(item) => Ok(Some(item)),
            Err(TryRecvError::Empty) => Err(()),
            Err(TryRecvError::Disconnected) => Ok(None),
        };
    }
    match items.recv_timeout(patience) {
        Ok(item) => Ok(Some(item)),
        Err(RecvTimeoutError::Timeout) => Err(()),
        Err(RecvTimeoutError::Disconnected) => Ok(None),
    }
}

fn growing(items: impl Iterator<Item = Item> + Send + 'static) -> Source {
    let (send, receive) = sync_channel(READ_AHEAD);
    std::thread::spawn(move || {
        for item in items {
            if send.send(item).is_err() {
                return;
            }
        }
    });
    Source::Growing(receive)
}

/// The bytes of an image on standard input, if it is one. A list of paths is text; images begin with other bytes.
fn whole_image(reader: &mut impl BufRead, separator: Separator) -> Option<Item> {
    let first = reader.fill_buf().ok()?;
    let first = &first[..first.len().min(32)];
    sniff::content(first)?;
    // Some formats begin with letters that a name could begin with too; these begin with bytes that text does not
    // contain.
    let certain = first.starts_with(b"\xFF\xD8\xFF") || first.starts_with(b"\x89PNG");
    let text = |&byte: &u8| byte >= b' ' || matches!(byte, b'\n' | b'\r' | b'\t');
    if !certain && (separator == Separator::Nul || first.iter().all(text)) {
        return None;
    }
    let name = "standard input".to_owned();
    let mut bytes = Vec::new();
    Some(match reader.take(MOST_BYTES + 1).read_to_end(&mut bytes) {
        Ok(count) if count as u64 > MOST_BYTES => {
            Item::Hopeless { name, reason: "is larger than 1 GiB, which no photograph is".into() }
        }
        Ok(_) => Item::Bytes { name, bytes },
        Err(error) => Item::Hopeless { name, reason: format!("cannot be read to its end ({error})") },
    })
}

/// The images of a folder, or the item that says why there are none; what else is in it goes into `passed`.
fn opened(folder: &Path, recursive: bool, passed: &mut PassedOver) -> Result<Vec<PathBuf>, Item> {
    let hopeless = |reason| Item::Hopeless { name: text_of(folder).into_owned(), reason };
    let mut found = look_through(folder, recursive).map_err(hopeless)?;
    let images = std::mem::take(&mut found.images);
    let folders = found.folders.len();
    let others = found.passed.count();
    passed.join(found.unanswered());
    if images.is_empty() {
        let hint = match (folders, others) {
            (1.., _) => format!("; there are {folders} folders in it, and --recursive looks into them"),
            (0, 1..) => format!("; there are {others} other files in it"),
            (0, 0) => String::new(),
        };
        return Err(hopeless(format!("is a folder without images (JPEG, PNG, WebP, BMP, TIFF, GIF){hint}")));
    }
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn an_image_on_standard_input_is_told_from_paths() {
        let is_image = |bytes: &[u8]| whole_image(&mut Cursor::new(bytes.to_vec()), Separator::Line).is_some();
        assert!(is_image(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"));
        assert!(is_image(b"\xFF\xD8\xFF\xE0\0\x10JFIF"));
        assert!(is_image(b"GIF89a\x01\0\x01\0"));
        for paths in ["BMW.jpg\nb.jpg\n", "RIFF.png", "GIF89a.gif\n", "II*.tif\n", "", "bilder/Köln.jpg\n"] {
            assert!(!is_image(paths.as_bytes()), "{paths:?}");
        }
        // An unsupported format is refused by its name, not as a list.
        assert!(is_image(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"));
    }
}
