//! `lab compare`, and `--baseline` of `lab run`.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;
use clap::builder::{FalseyValueParser, OsStringValueParser, TypedValueParser as _};
use lab_facts::exit::Exit;
use lab_instrument::compare::{self, Compared, Comparison, Series};
use lab_instrument::out;
use lab_instrument::record::Header;

use super::Failure;
use super::replay;

#[derive(Debug, Args)]
pub(crate) struct CompareFlags {
    /// The run that was before: an ID that `lab runs` lists, `last`, or the path of a recording or of a file of --events
    #[arg(value_name = "BASELINE")]
    baseline: PathBuf,
    /// The run that is now
    #[arg(value_name = "RUN")]
    current: PathBuf,
    /// Write the comparison as JSON; `-` for standard output in place of the text
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    json: Option<PathBuf>,
    /// Write it as Markdown for a pull request; `-` for standard output in place of the text
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    markdown: Option<PathBuf>,
    #[command(flatten)]
    limits: Limits,
}

#[derive(Debug, Args)]
pub(crate) struct BaselineFlags {
    /// Compare the run with a recorded one at its end, without a screen: an ID that `lab runs` lists, `last`, or a path
    #[arg(long, value_name = "RUN", env = "LAB_BASELINE", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    baseline: Option<PathBuf>,
    #[command(flatten)]
    limits: Limits,
}

#[derive(Debug, Args)]
struct Limits {
    /// What a figure may move by, of its baseline, before it counts as changed
    #[arg(long, value_name = "PERCENT", env = "LAB_NOISE_THRESHOLD", default_value = "5%", value_parser = percent)]
    noise_threshold: f64,
    /// Exit with 99 when a figure is worse than the baseline's
    #[arg(long, env = "LAB_FAIL_ON_REGRESSION", value_parser = FalseyValueParser::new())]
    fail_on_regression: bool,
}

/// The run that was before.
pub(crate) struct Baseline {
    name: String,
    header: Header,
    series: Series,
    limits: Limits,
}

impl BaselineFlags {
    /// Reads the baseline before anything starts. A variable that is set to nothing counts as not set.
    pub(super) fn open(self, runs: usize) -> Result<Option<Baseline>, Failure> {
        let bad = |error| Failure::new(Exit::BadInput, error);
        let Some(path) = self.baseline.filter(|path| !path.as_os_str().is_empty()) else {
            return match self.limits.fail_on_regression {
                true => Err(bad(anyhow!("--fail-on-regression needs a run to compare with: name it with --baseline"))),
                false => Ok(None),
            };
        };
        if runs > 1 {
            return Err(bad(anyhow!("--baseline is for one run, and {runs} were asked for; run them one by one")));
        }
        Baseline::read(&path, self.limits).map(Some)
    }
}

impl Baseline {
    fn read(path: &Path, limits: Limits) -> Result<Self, Failure> {
        let (name, header, series) = read(path)?;
        Ok(Self { name, header, series, limits })
    }

    pub(super) fn against(&self, current: &Compared<'_>) -> Comparison {
        let baseline = Compared { name: self.name.clone(), header: &self.header, series: &self.series };
        compare::compare(&baseline, current, self.limits.noise_threshold)
    }

    pub(super) fn fails_on_regression(&self) -> bool {
        self.limits.fail_on_regression
    }
}

pub(crate) fn compare(flags: CompareFlags) -> Result<Exit, Failure> {
    let bad = |error| Failure::new(Exit::BadInput, error);
    if let (Some(json), Some(markdown)) = (&flags.json, &flags.markdown)
        && json == markdown
    {
        return Err(bad(anyhow!("--json and --markdown cannot both be written to {}; name another file for one of them", json.display())));
    }
    let baseline = Baseline::read(&flags.baseline, flags.limits)?;
    let (name, header, series) = read(&flags.current)?;
    let comparison = baseline.against(&Compared { name, header: &header, series: &series });
    let mut on_stdout = None;
    let json = || Ok::<_, anyhow::Error>(serde_json::to_string_pretty(&comparison)? + "\n");
    let markdown = || Ok(compare::markdown(&comparison));
    for (path, text) in [(flags.json, &json as &dyn Fn() -> anyhow::Result<String>), (flags.markdown, &markdown)] {
        let Some(path) = path else { continue };
        let text = text().map_err(bad)?;
        match path.as_os_str() == "-" {
            true => on_stdout = Some(text),
            false => write(&path, &text).with_context(|| format!("cannot write {}", path.display())).map_err(bad)?,
        }
    }
    out::result(&on_stdout.unwrap_or_else(|| compare::text(&comparison))).map_err(Failure::unwritable)?;
    Ok(if baseline.fails_on_regression() { comparison.exit() } else { Exit::Kept })
}

/// The name that a run goes by, and what it is.
fn read(path: &Path) -> Result<(String, Header, Series), Failure> {
    let (name, recording) = replay::find_named(path)?;
    let series = Series::of(&recording);
    Ok((name, recording.header, series))
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// A share of 1.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').map(str::trim).and_then(|number| number.parse::<f64>().ok());
    match number {
        Some(percent) if (0.0..=1000.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err("write a percentage from 0% to 1000%, such as 5%".to_owned()),
    }
}
