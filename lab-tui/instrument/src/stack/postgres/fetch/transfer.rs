//! The way of an archive from its address into a file, hashed as it comes.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, bail, ensure};
use reqwest::{Client, Response};
use sha2::{Digest, Sha256};
use url::Url;

use super::archive::{Archive, shown};
use super::{Progress, innermost};
use crate::http;

/// Several times what the largest archive has.
const LARGEST: u64 = 512 << 20;
/// A checksum, a file's name and a line's end.
const LARGEST_SUM: usize = 4096;

/// How long the other side may be silent.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until it is connected, names and encryption included.
    pub connect: Duration,
    /// Between two parts of what it sends.
    pub silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(15), silence: Duration::from_secs(30) }
    }
}

/// Brings the archive into a new file. The file may be half there when this fails.
///
/// # Errors
/// One sentence: no way there, another answer than the archive, a cut or stalled transfer, a full disk, another checksum.
pub(super) async fn fetch(archive: &Archive, to: &Path, limits: Limits, told: &mut dyn FnMut(Progress)) -> Result<()> {
    let client = http::outward(&archive.url).connect_timeout(limits.connect).read_timeout(limits.silence).build();
    let client =
        client.map_err(|error| anyhow!("no encrypted connection can be made ({}; is ca-certificates installed?)", innermost(&error)))?;
    // First: where it is missing, the long way was not for nothing.
    let wanted = match archive.sum {
        Some(sum) => sum.to_owned(),
        None => published_sum(&client, &archive.sum_url(), limits).await?,
    };
    let from = shown(&archive.url);
    let mut answer = get(&client, &archive.url, limits).await?;
    let of = answer.content_length();
    told(Progress::Started { version: archive.version.clone(), from: from.clone(), bytes: of });
    let cannot_write = || format!("cannot write {}; free some space, or set LAB_CACHE_DIR to a folder elsewhere", to.display());
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).with_context(cannot_write)?;
    let (mut sum, mut bytes) = (Sha256::new(), 0);
    loop {
        let part = match answer.chunk().await {
            Ok(Some(part)) => part,
            Ok(None) => break,
            Err(error) if error.is_timeout() => {
                bail!("{from} sent nothing for {} s, after {}", seconds(limits.silence), megabytes(bytes, of))
            }
            Err(error) => bail!("the transfer from {from} was cut after {} ({})", megabytes(bytes, of), innermost(&error)),
        };
        bytes += part.len() as u64;
        ensure!(bytes <= LARGEST, "{from} is larger than any archive of PostgreSQL");
        sum.update(&part);
        // A few KiB into the page cache: shorter than the way to another thread.
        file.write_all(&part).with_context(cannot_write)?;
        told(Progress::Received { bytes, of });
    }
    let found = sum.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    ensure!(
        found == wanted,
        "{from} is not the archive that it should be: its SHA-256 is {}… instead of {}…, and nothing of it was kept",
        &found[..12],
        &wanted[..12]
    );
    Ok(())
}

/// What the file beside the archive says: 64 hexadecimal digits, then perhaps a name.
async fn published_sum(client: &Client, url: &Url, limits: Limits) -> Result<String> {
    let mut answer = get(client, url, limits).await?;
    let mut text = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| anyhow!("{} did not come through ({})", shown(url), innermost(&error)))? {
        text.extend_from_slice(&part);
        if text.len() > LARGEST_SUM {
            break;
        }
    }
    let text = String::from_utf8_lossy(&text);
    let sum = text.split_whitespace().next().unwrap_or_default().to_lowercase();
    ensure!(sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit()), "{} holds no SHA-256", shown(url));
    Ok(sum)
}

async fn get(client: &Client, url: &Url, limits: Limits) -> Result<Response> {
    let answer = client.get(url.clone()).send().await.map_err(|error| unreachable(url, &error, limits))?;
    ensure!(answer.status().is_success(), "{} answers {}", shown(url), answer.status());
    Ok(answer)
}

fn unreachable(url: &Url, error: &reqwest::Error, limits: Limits) -> Error {
    let why = match (error.is_timeout(), error.is_connect()) {
        (true, true) => format!("no connection within {} s", seconds(limits.connect)),
        (true, false) => format!("no answer within {} s", seconds(limits.silence)),
        _ => innermost(error),
    };
    let proxies = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    let proxy = proxies.iter().find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    let proxy = proxy.map_or(String::new(), |name| format!("; {name} names a proxy"));
    anyhow!("{} cannot be reached ({why}{proxy})", shown(url))
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

fn megabytes(bytes: u64, of: Option<u64>) -> String {
    let million = |bytes: u64| bytes as f64 / 1e6;
    match of {
        Some(of) => format!("{:.1} of {:.1} MB", million(bytes), million(of)),
        None => format!("{:.1} MB", million(bytes)),
    }
}
