//! PostgreSQL where there is none: this machine's own, packed as the published archives are, comes from a server in the test.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use lab_instrument::stack::postgres::fetch::{Limits, Progress, Source};
use lab_instrument::stack::postgres::{NotFound, Programs};
use rustix::process::Signal;
use sha2::{Digest as _, Sha256};

use crate::common::{Ended, PATIENCE, Place, Up, alive, ended, family, signal, until};

/// No such version is published, so its checksum comes from the file beside the archive.
const VERSION: &str = "15.99.0";

/// What the server does with a request.
enum Answer {
    All(Arc<Vec<u8>>),
    /// The first half, then the end.
    Half(Arc<Vec<u8>>),
    /// The first half, then nothing more for as long as the server lives.
    HalfThenSilence(Arc<Vec<u8>>),
    Missing,
}

/// A file server that can do badly. It ends with the test.
struct Mirror {
    url: String,
    /// The paths asked for, in this order.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Mirror {
    fn serve(answer: impl Fn(&str) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&asked);
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let path = requested(&stream);
                let answer = answer(&path);
                list.lock().unwrap().push(path);
                let (status, body, sent) = match &answer {
                    Answer::All(body) => ("200 OK", body, body.len()),
                    Answer::Half(body) | Answer::HalfThenSilence(body) => ("200 OK", body, body.len() / 2),
                    Answer::Missing => ("404 Not Found", &Arc::new(Vec::new()), 0),
                };
                let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                // Whoever asked may be gone.
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body[..sent]));
                if matches!(answer, Answer::HalfThenSilence(_)) {
                    silent.push(stream);
                }
            }
        });
        Self { url, asked }
    }

    /// A file with its checksum beside it.
    fn of(archive: &Arc<Vec<u8>>) -> Self {
        let archive = Arc::clone(archive);
        Self::serve(move |path| Answer::All(if path.ends_with(".sha256") { sum_file(&archive) } else { Arc::clone(&archive) }))
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn requested(stream: &TcpStream) -> String {
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    lines.find(String::is_empty).unwrap();
    first.split(' ').nth(1).unwrap().to_owned()
}

/// As `sha256sum` writes it.
fn sum_file(archive: &[u8]) -> Arc<Vec<u8>> {
    let sum: String = Sha256::digest(archive).iter().map(|byte| format!("{byte:02x}")).collect();
    Arc::new(format!("{sum}  archive.tar.gz\n").into_bytes())
}

/// The name of the archive, and of the folder in it, on this system.
fn name(version: &str) -> String {
    let system = match std::env::consts::OS {
        "macos" => "apple-darwin",
        _ if cfg!(target_env = "musl") => "unknown-linux-musl",
        _ => "unknown-linux-gnu",
    };
    format!("postgresql-{version}-{}-{system}", std::env::consts::ARCH)
}

/// This machine's PostgreSQL as one folder with `bin/postgres` and `bin/initdb`. A server finds its files from where its program
/// really is, the way it was between the folders it was built for: so these keep their places below the folder that they share, and
/// the two programs are linked to.
static ARCHIVE: LazyLock<Arc<Vec<u8>>> = LazyLock::new(|| {
    let bin = Programs::find(None).unwrap().postgres.parent().unwrap().to_owned();
    let config = |what: &str| {
        let said = Command::new(bin.join("pg_config")).arg(what).output().unwrap();
        PathBuf::from(String::from_utf8(said.stdout).unwrap().trim())
    };
    let (share, lib) = (config("--sharedir"), config("--pkglibdir"));
    let common = bin.ancestors().find(|folder| share.starts_with(folder) && lib.starts_with(folder)).unwrap().to_owned();
    let root = PathBuf::from(name(VERSION));
    let inside = |path: &Path| root.join(path.strip_prefix(&common).unwrap());

    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::none()));
    for program in ["postgres", "initdb"] {
        tar.append_path_with_name(bin.join(program), inside(&bin).join(program)).unwrap();
        if inside(&bin) != root.join("bin") {
            let mut link = tar::Header::new_gnu();
            link.set_entry_type(tar::EntryType::Symlink);
            link.set_size(0);
            let target = Path::new("..").join(bin.strip_prefix(&common).unwrap()).join(program);
            tar.append_link(&mut link, root.join("bin").join(program), target).unwrap();
        }
    }
    for module in ["plpgsql", "dict_snowball", "pg_stat_statements"] {
        let file = ["so", "dylib"].iter().map(|ending| lib.join(format!("{module}.{ending}"))).find(|file| file.exists());
        if let Some(file) = file {
            tar.append_path_with_name(&file, inside(&file)).unwrap();
        }
    }
    tar.follow_symlinks(true);
    for entry in fs::read_dir(&share).unwrap().map(Result::unwrap) {
        let (path, is_folder) = (entry.path(), entry.path().is_dir());
        let wanted = ["extension", "timezone", "timezonesets", "tsearch_data"];
        if is_folder && wanted.iter().any(|name| path.ends_with(name)) {
            tar.append_dir_all(inside(&path), &path).unwrap();
        } else if !is_folder && path.exists() {
            tar.append_file(inside(&path), &mut File::open(&path).unwrap()).unwrap();
        }
    }
    Arc::new(tar.into_inner().unwrap().finish().unwrap())
});

/// What is in a cache.
fn kept(cache: &Path) -> Vec<String> {
    let entries = fs::read_dir(cache).into_iter().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// One sentence, exit code 100, and nothing of it in the cache.
fn assert_refused(place: &Place, ended: &Ended, sentence: &str) {
    assert_eq!(ended.code, Some(100), "{ended:?}");
    let last = ended.stderr.lines().last().unwrap();
    assert!(last.starts_with("lab: ") && last.contains(sentence), "expected {sentence:?}: {}", ended.stderr);
    assert!(ended.stderr.lines().filter(|line| line.starts_with("lab: ")).count() == 1, "{}", ended.stderr);
    assert!(last.contains("LAB_PG_MIRROR") && last.contains("LAB_PG_BIN"), "{last}");
    assert_eq!(kept(&place.path("cache")), [""; 0], "{sentence}");
    place.assert_empty();
}

#[tokio::test]
async fn the_first_run_fetches_and_those_after_it_do_not() {
    let place = Place::cold();
    let mirror = Mirror::of(&ARCHIVE);
    let flags = ["--pg-version", VERSION, "--pg-mirror", &format!("{}/pg/", mirror.url)];
    let first = place.run(&[&["run", "traffic", "--time-scale", "0.02"], &flags[..]].concat()).await;
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let archive = format!("/pg/{VERSION}/{}.tar.gz", name(VERSION));
    assert_eq!(mirror.asked(), [format!("{archive}.sha256"), archive.clone()]);
    let said = format!("fetching PostgreSQL {VERSION}, once ({}{archive}, {:.1} MB)", mirror.url, ARCHIVE.len() as f64 / 1e6);
    assert!(first.stderr.contains(&said), "{}", first.stderr);
    assert!(!first.stderr.contains('\x1b'), "nothing moves where there is no terminal: {:?}", first.stderr);

    // The server that runs is the one from the cache, which another start finds without asking anybody.
    let up: Up = place.up(&[&flags[..], &["--no-download"]].concat()).await;
    let family = family(up.pid());
    let fetched = place.path("cache").join(name(VERSION));
    let server = |(_, _, command): &&(u32, u64, String)| command.starts_with(&*fetched.to_string_lossy());
    assert!(family.iter().any(|process| server(&process)), "{family:?}");
    up.stop().await;
    assert_eq!(mirror.asked().len(), 2);
    assert_eq!(alive(&family), [""; 0]);
    place.assert_empty();
}

#[tokio::test]
async fn whatever_goes_wrong_is_one_sentence_and_leaves_nothing() {
    let archive = Arc::new(b"This is no archive of PostgreSQL.".repeat(10_000));
    let cut = Arc::clone(&archive);
    let cut =
        Mirror::serve(move |path| if path.ends_with(".sha256") { Answer::All(sum_file(&cut)) } else { Answer::Half(Arc::clone(&cut)) });
    let wrong = Arc::clone(&archive);
    let wrong =
        Mirror::serve(move |path| Answer::All(if path.ends_with(".sha256") { sum_file(b"something else") } else { Arc::clone(&wrong) }));
    let no_sum = Arc::clone(&archive);
    let no_sum = Mirror::serve(move |_| Answer::All(Arc::clone(&no_sum)));
    let missing = Mirror::serve(|_| Answer::Missing);
    let closed = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let file = format!("/{VERSION}/{}.tar.gz", name(VERSION));
    let sum = |bytes: &[u8]| String::from_utf8(sum_file(bytes)[..12].to_vec()).unwrap();
    for (url, sentence) in [
        (&cut.url, format!("the transfer from {}{file} was cut after 0.2 of 0.3 MB (", cut.url)),
        (
            &wrong.url,
            format!(
                "{}{file} is not the archive that it should be: its SHA-256 is {}… instead of {}…, and nothing of it was kept",
                wrong.url,
                sum(&archive),
                sum(b"something else")
            ),
        ),
        (&no_sum.url, format!("{}{file}.sha256 holds no SHA-256", no_sum.url)),
        (&missing.url, format!("{}{file}.sha256 answers 404 Not Found", missing.url)),
        (&closed, format!("{closed}{file}.sha256 cannot be reached (Connection refused")),
        (&Mirror::of(&archive).url, "the archive cannot be read".to_owned()),
    ] {
        let place = Place::cold();
        let ended = place.run(&["up", "--pg-version", VERSION, "--pg-mirror", url]).await;
        assert_refused(&place, &ended, &sentence);
    }
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_is_named() {
    let mut place = Place::cold();
    let file = place.write("file", "");
    // Nor is it for want of a right to pass.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    place.use_cache(file.join("cache"));
    let ended = place.run(&["up", "--pg-version", VERSION, "--pg-mirror", "http://127.0.0.1:9"]).await;
    assert_refused(
        &place,
        &ended,
        &format!("cannot make {}; set LAB_CACHE_DIR to a folder that can be written", file.join("cache").display()),
    );
}

#[tokio::test]
async fn what_the_user_wrote_is_checked_before_anything_starts() {
    let place = Place::cold();
    for (flags, sentence) in [
        (["--pg-version", "18"], "lab: `18` is no version of the published archives; write three numbers, such as "),
        (["--pg-version", "9.6.24"], "lab: the lab needs PostgreSQL 13 or newer, not 9.6.24"),
        (["--pg-mirror", "ftp://user:secret@mirror"], "lab: the mirror of PostgreSQL's archives must be an http:// or https:// address"),
        (["--pg-mirror", "mirror:secret"], "lab: the mirror of PostgreSQL's archives must be an http:// or https:// address"),
    ] {
        let ended = place.run(&[&["up"], &flags[..]].concat()).await;
        assert_eq!(ended.code, Some(104), "{flags:?}: {ended:?}");
        assert!(ended.stderr.starts_with(sentence) && !ended.stderr.contains("secret"), "{}", ended.stderr);
    }
    let ended = place.run(&["up", "--pg-version", VERSION, "--no-download"]).await;
    assert_eq!(ended.code, Some(100));
    assert!(ended.stderr.contains(&format!("PostgreSQL {VERSION} was not fetched before")), "{}", ended.stderr);
}

#[tokio::test]
async fn the_fetch_goes_through_the_proxy_that_the_environment_names() {
    let place = Place::cold();
    let proxy = Mirror::serve(|_| Answer::Missing);
    let mut lab = place.lab(&["up", "--pg-version", VERSION, "--pg-mirror", "http://user:secret@mirror.invalid"]);
    let ended = ended(lab.env("HTTP_PROXY", &proxy.url).spawn().unwrap()).await;
    let url = format!("http://mirror.invalid/{VERSION}/{}.tar.gz.sha256", name(VERSION));
    assert_refused(&place, &ended, &format!("{url} answers 404"));
    assert_eq!(proxy.asked(), [url]);
    assert!(!ended.stderr.contains("secret"), "{}", ended.stderr);
}

#[tokio::test]
async fn an_interrupted_fetch_leaves_nothing_and_a_killed_one_is_swept() {
    let place = Place::cold();
    let cache = place.path("cache");
    let stalled = Mirror::serve(|path| match path.ends_with(".sha256") {
        true => Answer::All(sum_file(&ARCHIVE)),
        false => Answer::HalfThenSilence(Arc::clone(&ARCHIVE)),
    });
    let under_way = || async {
        let half_made = kept(&cache).into_iter().find(|name| name.starts_with(".fetch-"));
        half_made.is_some_and(|name| fs::metadata(cache.join(name).join("archive.tar.gz")).is_ok_and(|file| file.len() > 1 << 20))
    };
    for (how, code) in [(Signal::INT, Some(105)), (Signal::TERM, Some(105)), (Signal::KILL, None)] {
        let lab = place.lab(&["up", "--pg-version", VERSION, "--pg-mirror", &stalled.url]).spawn().unwrap();
        until("half of the archive", PATIENCE, under_way).await;
        signal(lab.id().unwrap(), how);
        assert_eq!(ended(lab).await.code, code);
        assert_eq!(kept(&cache).is_empty(), how != Signal::KILL, "{:?}", kept(&cache));
    }

    // Two at once after that: one fetches, both run.
    let mirror = Mirror::of(&ARCHIVE);
    let run =
        || place.lab(&["run", "traffic", "--time-scale", "0.02", "--pg-version", VERSION, "--pg-mirror", &mirror.url]).spawn().unwrap();
    for lab in [run(), run()].map(ended) {
        let ended = lab.await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
    assert_eq!(mirror.asked().len(), 2, "{:?}", mirror.asked());
    let kept = kept(&cache);
    assert!(kept.iter().all(|name| name.starts_with("postgres")), "{kept:?}");
    place.assert_empty();
}

/// Collects nothing.
fn quiet(_: Progress) {}

#[tokio::test]
async fn without_programs_the_pinned_version_is_fetched_and_held_to_its_own_checksum() {
    let nowhere = || Programs::find(Some(Path::new("/nowhere"))).unwrap_err();
    let place = Place::cold();
    let archive = Arc::new(b"Somebody's own build.".to_vec());
    let mirror = Mirror::of(&archive);
    let source = Source { mirror: Some(mirror.url.parse().unwrap()), cache: Some(place.path("cache")), ..Source::default() };

    let found = Programs::find(None).unwrap();
    assert_eq!(source.or_fetched(Ok(found.clone()), &mut quiet).await.unwrap(), found);
    let forbidden = Source { no_download: true, ..source.clone() };
    let error = forbidden.or_fetched(Err(nowhere()), &mut quiet).await.unwrap_err();
    assert_eq!(error.downcast_ref::<NotFound>(), Some(&nowhere()));
    assert_eq!(mirror.asked(), [""; 0]);

    let error = source.or_fetched(Err(nowhere()), &mut quiet).await.unwrap_err().to_string();
    assert!(error.contains("is not the archive that it should be"), "{error}");
    if !cfg!(target_env = "musl") {
        let asked = mirror.asked();
        assert!(asked.len() == 1 && asked[0].ends_with(".tar.gz"), "a checksum beside the archive is not even asked for: {asked:?}");
    }
    assert_eq!(kept(&place.path("cache")), [""; 0]);
}

#[tokio::test]
async fn programs_that_do_not_run_here_are_kept_for_when_their_libraries_are_installed() {
    let place = Place::cold();
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::none()));
    for program in ["postgres", "initdb"] {
        let script = b"#!/bin/sh\necho 'libxml2.so.2: cannot open shared object file' >&2\nexit 127\n";
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o755);
        header.set_size(script.len() as u64);
        tar.append_data(&mut header, format!("{}/bin/{program}", name(VERSION)), &script[..]).unwrap();
    }
    let mirror = Mirror::of(&Arc::new(tar.into_inner().unwrap().finish().unwrap()));
    for _ in 0..2 {
        let ended = place.run(&["up", "--pg-version", VERSION, "--pg-mirror", &mirror.url]).await;
        assert_eq!(ended.code, Some(100), "{ended:?}");
        let last = ended.stderr.lines().last().unwrap();
        assert!(last.contains("what was fetched is of no use on this machine: ") && last.contains("libxml2.so.2: cannot open"), "{last}");
    }
    assert_eq!(mirror.asked().len(), 2, "fetched once: {:?}", mirror.asked());
}

#[tokio::test]
async fn a_transfer_that_stalls_is_given_up() {
    let place = Place::cold();
    let archive = Arc::new(vec![0; 4_000_000]);
    let stalled = Mirror::serve(move |_| Answer::HalfThenSilence(Arc::clone(&archive)));
    let source = Source {
        mirror: Some(stalled.url.parse().unwrap()),
        cache: Some(place.path("cache")),
        limits: Limits { silence: Duration::from_millis(300), ..Limits::default() },
        ..Source::default()
    };
    let nowhere = Programs::find(Some(Path::new("/nowhere"))).unwrap_err();
    let mut told = Vec::new();
    let error = source.or_fetched(Err(nowhere), &mut |progress| told.push(progress)).await.unwrap_err().to_string();
    assert!(error.contains("sent nothing for 0.3 s, after 2.0 of 4.0 MB"), "{error}");
    assert!(matches!(told.first(), Some(Progress::Started { bytes: Some(4_000_000), .. })), "{told:?}");
    assert_eq!(told.last(), Some(&Progress::Received { bytes: 2_000_000, of: Some(4_000_000) }));
    assert_eq!(kept(&place.path("cache")), [""; 0]);
}
