use super::{Listener, archive, gzip};
use faceprobe_core::dataset::fetch::unpack::{Limits, unpack};
use std::fs;
use std::path::Path;
use tar::{Builder, EntryType, Header};

const LIMITS: Limits = Limits { entries: 20, file: 1 << 20, total: 3 << 20 };

/// Unpacks into a folder inside of another, which must have nothing else in it afterwards.
fn open(bytes: &[u8]) -> Result<u64, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.tar.gz");
    fs::write(&file, bytes).unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    let into = folder.path().join("in/side");
    let result = unpack(&file, &into, &LIMITS, &Listener::default()).map_err(|error| error.to_string());
    let beside = fs::read_dir(folder.path().join("in")).unwrap().count();
    assert_eq!(beside, usize::from(result.is_ok()), "a refused archive leaves nothing");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is written beside the folder");
    if let Err(reason) = &result {
        assert!(!reason.contains('\n') && reason.len() < 800, "{reason:?}");
    }
    result
}

/// An archive with one entry whose name and target are written into the header as they are.
fn entry(kind: EntryType, name: &[u8], target: &[u8], content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.as_old_mut().linkname[..target.len()].copy_from_slice(target);
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(0o777);
    header.set_cksum();
    let mut tar = Builder::new(Vec::new());
    tar.append(&header, content).unwrap();
    gzip(&tar.into_inner().unwrap())
}

#[test]
fn good_archives_are_unpacked_as_they_are() {
    let long = format!("faces/{}/b.jpg", "x".repeat(150));
    assert_eq!(open(&archive(&[("faces/a.jpg", b"a"), (&long, b"b"), ("./c.jpg", b"")])), Ok(3));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.tar.gz");
    fs::write(&file, archive(&[("faces/1@N1/a.jpg", b"first"), (&long, b"second")])).unwrap();
    let into = folder.path().join("out");
    fs::create_dir_all(into.join("left over")).unwrap();
    unpack(&file, &into, &LIMITS, &Listener::default()).unwrap();
    assert_eq!(fs::read(into.join("faces/1@N1/a.jpg")).unwrap(), b"first");
    assert_eq!(fs::read(into.join(&long)).unwrap(), b"second");
    assert!(!into.join("left over").exists());
    // Two gzip members behind each other are one archive, as `cat` makes them.
    let tar = {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&archive(&[("a", b"1")])[..]), &mut bytes)
            .unwrap();
        bytes
    };
    assert_eq!(open(&[gzip(&tar[..600]), gzip(&tar[600..])].concat()), Ok(1));
}

#[test]
fn nothing_leaves_the_folder() {
    let (file, link, symlink) = (EntryType::Regular, EntryType::Link, EntryType::Symlink);
    for (bytes, part) in [
        (entry(file, b"../evil", b"", b"x"), "leaves the folder"),
        (entry(file, b"a/../../evil", b"", b"x"), "leaves the folder"),
        (entry(file, b"/tmp/evil-faceprobe", b"", b"x"), "leaves the folder"),
        (entry(EntryType::Directory, b"../evil", b"", b""), "leaves the folder"),
        (entry(symlink, b"a", b"/etc", b""), "symbolic link"),
        (entry(symlink, b"a", b"..", b""), "symbolic link"),
        (entry(link, b"a", b"/etc/passwd", b""), "hard link"),
        (entry(EntryType::Fifo, b"a", b"", b""), "pipe"),
        (entry(EntryType::Char, b"a", b"", b""), "device"),
        (entry(EntryType::GNUSparse, b"a", b"", b""), ""),
        (entry(file, b"\xff\xfe", b"", b"x"), "no file name"),
        (entry(file, b"d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d", b"", b"x"), "too many folders"),
        (entry(file, &[b'n'; 100], b"", b"x"), ""),
    ] {
        let result = open(&bytes);
        match part {
            "" => {}
            part => assert!(result.as_ref().is_err_and(|reason| reason.contains(part)), "{part}: {result:?}"),
        }
    }
    assert!(!Path::new("/tmp/evil-faceprobe").exists());
    // A link first, then a file through it: the first is refused already.
    let mut tar = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_entry_type(symlink);
    header.set_size(0);
    tar.append_link(&mut header, "faces", "/tmp").unwrap();
    let mut header = Header::new_gnu();
    header.set_size(1);
    tar.append_data(&mut header, "faces/evil-faceprobe", &b"x"[..]).unwrap();
    assert!(open(&gzip(&tar.into_inner().unwrap())).unwrap_err().contains("symbolic link"));
    assert!(!Path::new("/tmp/evil-faceprobe").exists());
    // A name that a long-name record makes absolute.
    let mut tar = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..13].copy_from_slice(b"././@LongLink");
    header.set_entry_type(EntryType::GNULongName);
    let name = b"/tmp/evil-faceprobe\0";
    header.set_size(name.len() as u64);
    header.set_cksum();
    tar.append(&header, &name[..]).unwrap();
    let mut header = Header::new_gnu();
    header.set_path("harmless").unwrap();
    header.set_size(1);
    header.set_cksum();
    tar.append(&header, &b"x"[..]).unwrap();
    assert!(open(&gzip(&tar.into_inner().unwrap())).unwrap_err().contains("leaves the folder"));
}

#[test]
fn bombs_are_defused() {
    let zeros = vec![0; 2 << 20];
    assert!(open(&archive(&[("big", &zeros)])).unwrap_err().contains("larger than"));
    let part = &zeros[..1 << 20];
    let many = [("a", part), ("b", part), ("c", part), ("d", part)];
    assert!(open(&archive(&many)).unwrap_err().contains("larger than"));
    let names: Vec<String> = (0..30).map(|number| format!("f{number}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    assert!(open(&archive(&files)).unwrap_err().contains("more than 20 files"));
    // A name of two gigabytes would be read into memory before anything can look at it.
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..13].copy_from_slice(b"././@LongLink");
    header.set_entry_type(EntryType::GNULongName);
    header.set_size(2 << 30);
    header.set_cksum();
    let name = [&header.as_bytes()[..], &vec![b'n'; 8 << 20]].concat();
    let reason = open(&gzip(&name)).unwrap_err();
    assert!(reason.contains("more between its files"), "{reason}");
}

#[test]
fn damage_is_noticed() {
    let good = archive(&[("a.jpg", &super::noise(50_000)), ("b.jpg", b"b")]);
    assert_eq!(open(&good), Ok(2));
    for cut in [0, 5, 100, 20_000, good.len() - 1] {
        assert!(open(&good[..cut]).is_err(), "cut at {cut}");
    }
    let mut changed = good.clone();
    changed[25_000] ^= 1;
    assert!(open(&changed).unwrap_err().contains("cannot be unpacked"));
    assert!(open(b"<html>").unwrap_err().contains("cannot be unpacked"));
    assert!(open(&gzip(b"")).unwrap_err().contains("no files"));
}
