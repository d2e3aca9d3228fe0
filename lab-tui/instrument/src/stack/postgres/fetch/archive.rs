//! Which archive is fetched, from where, and what it must be.

use std::borrow::Cow;
use std::env::consts::{ARCH, OS};

use anyhow::{Context, Result, ensure};
use url::Url;

use crate::stack::postgres::programs::OLDEST;

/// Prebuilt servers for many systems, by PostgreSQL's version and a number for the build, named after Rust's targets.
const RELEASES: &str = "https://github.com/theseus-rs/postgresql-binaries/releases/download";

/// The version that is fetched where none is named.
const PINNED: &str = "18.4.0";

/// SHA-256 of the pinned version's archives: whoever serves them, it is these or none.
const SUMS: [(&str, &str); 4] = [
    ("x86_64-unknown-linux-gnu", "65c06cf318b9a57525d842d658d6d18cd461d12b3a89b57d6d8ed7cccbe2db53"),
    ("aarch64-unknown-linux-gnu", "569984d426365c6ca3c197d2b3a999b73161ff1f3abc963824a8c3624620e5dd"),
    ("x86_64-apple-darwin", "cbc38067a795d10bbddc730e61c835df0b351c36a7bd2544d388790fcf50aa4d"),
    ("aarch64-apple-darwin", "1b68828f524b638a24918e258b173d0f16773547a0d3b83d9ba74473b61649f2"),
];

/// One archive.
#[derive(Debug, Clone)]
pub(super) struct Archive {
    pub(super) version: String,
    /// Without `.tar.gz`; also the name of the one folder inside.
    pub(super) name: String,
    pub(super) url: Url,
    /// Known beforehand; where it is not, a file beside the archive tells it.
    pub(super) sum: Option<&'static str>,
}

impl Archive {
    /// # Errors
    /// None is published for this system.
    pub(super) fn new(version: Option<&str>, mirror: Option<&Url>) -> Result<Self> {
        let target = target(OS, ARCH, cfg!(target_env = "musl"));
        let target = target.with_context(|| format!("no archive is published for {OS} on {ARCH}"))?;
        let version = &*whole(version.unwrap_or(PINNED));
        let name = format!("postgresql-{version}-{target}");
        let base = mirror.map_or(RELEASES, Url::as_str).trim_end_matches('/');
        let url = Url::parse(&format!("{base}/{version}/{name}.tar.gz")).context("the mirror's address cannot be used")?;
        let sum = SUMS.iter().find(|(known, _)| version == PINNED && *known == target).map(|(_, sum)| *sum);
        Ok(Self { version: version.to_owned(), name, url, sum })
    }

    /// The address of the file that holds the checksum.
    pub(super) fn sum_url(&self) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}.sha256", self.url.path()));
        url
    }
}

/// An address as it may be shown: a mirror's may hold a password.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail for addresses that can have neither.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

/// PostgreSQL's own versions have two numbers; the archives' third is that of the build.
fn whole(version: &str) -> Cow<'_, str> {
    if version.split('.').count() == 2 { format!("{version}.0").into() } else { version.into() }
}

/// # Errors
/// It is not two or three numbers, or is older than what the lab is tried with.
pub(super) fn check_version(version: &str) -> Result<()> {
    let parts: Vec<&str> = version.split('.').collect();
    let number = |part: &&str| !part.is_empty() && part.len() < 6 && part.bytes().all(|byte| byte.is_ascii_digit());
    ensure!(
        matches!(parts.len(), 2 | 3) && parts.iter().all(number),
        "`{version}` is no version of the published archives; write three numbers, such as {PINNED}"
    );
    let major: u32 = parts[0].parse()?;
    ensure!(major >= OLDEST, "the lab needs PostgreSQL {OLDEST} or newer, not {version}");
    Ok(())
}

fn target(os: &str, arch: &str, musl: bool) -> Option<&'static str> {
    match (os, arch, musl) {
        ("linux", "x86_64", false) => Some("x86_64-unknown-linux-gnu"),
        ("linux", "aarch64", false) => Some("aarch64-unknown-linux-gnu"),
        ("linux", "x86_64", true) => Some("x86_64-unknown-linux-musl"),
        ("linux", "aarch64", true) => Some("aarch64-unknown-linux-musl"),
        ("macos", "x86_64", _) => Some("x86_64-apple-darwin"),
        ("macos", "aarch64", _) => Some("aarch64-apple-darwin"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_that_of_the_release_or_of_the_mirror() {
        let github = Archive::new(None, None).unwrap();
        let (name, version) = (&github.name, &github.version);
        assert_eq!(
            github.url.as_str(),
            format!("https://github.com/theseus-rs/postgresql-binaries/releases/download/{version}/{name}.tar.gz")
        );
        let mirror = Url::parse("http://user:secret@mirror.example/pg/").unwrap();
        let mirrored = Archive::new(Some("17.6"), Some(&mirror)).unwrap();
        assert_eq!(mirrored.sum, None, "only the pinned version's are known");
        let name = &mirrored.name;
        assert_eq!(shown(&mirrored.sum_url()), format!("http://mirror.example/pg/17.6.0/{name}.tar.gz.sha256"));
    }

    #[test]
    fn a_mirror_of_the_pinned_version_is_held_to_its_checksum() {
        let mirror = Url::parse("http://mirror.example").unwrap();
        assert_eq!(Archive::new(Some(PINNED), Some(&mirror)).unwrap().sum, Archive::new(None, None).unwrap().sum);
        for (target, sum) in SUMS {
            assert!(sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit()), "{target}");
        }
    }

    #[test]
    fn a_version_is_three_numbers_and_no_path() {
        for good in ["18.4.0", "18.4", "13.22.1"] {
            check_version(good).unwrap();
        }
        for bad in ["18", "9.6", "../../x", "18.4.0/..", "18.4.0 ", "18.4.", "v18.4.0", "999999.0.0", "12.22.0"] {
            assert!(check_version(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn systems_without_an_archive_are_known() {
        assert_eq!(target("linux", "riscv64", false), None);
        assert_eq!(target("freebsd", "x86_64", false), None);
        assert_eq!(target("macos", "aarch64", false), Some("aarch64-apple-darwin"));
    }
}
