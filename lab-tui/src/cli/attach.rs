//! Flags that say where a system is that runs already.

use anyhow::{Context as _, ensure};
use clap::Args;
use lab_facts::scenario::StackKind;
use lab_instrument::stack::attached::Options;

#[derive(Debug, Clone, Args)]
pub(crate) struct AttachFlags {
    /// Drive this service, which runs already; scenarios know it by NAME, and it should be the one in its telemetry. Means --stack attach
    #[arg(long = "service", value_name = "NAME=URL", env = "LAB_SERVICE", value_delimiter = ',', hide_env_values = true)]
    services: Vec<String>,
    /// Where such a service has its page of metrics for Prometheus, if that is not URL/metrics
    #[arg(long = "metrics", value_name = "NAME=URL", env = "LAB_METRICS", value_delimiter = ',', hide_env_values = true)]
    metrics: Vec<String>,
}

impl AttachFlags {
    /// Which stack the user insists on by naming services beside `stack`, and what is attached.
    ///
    /// # Errors
    /// When another stack was asked for, or a word cannot be.
    pub(crate) fn read(&self, stack: Option<StackKind>) -> anyhow::Result<(Option<StackKind>, Options)> {
        let options = Options::read(&pairs("service", &self.services)?, &pairs("metrics", &self.metrics)?)?;
        if options.services.is_empty() {
            return Ok((stack, options));
        }
        let stack = stack.unwrap_or(StackKind::Attach);
        let name = stack.name();
        ensure!(stack == StackKind::Attach, "--service is for what runs already, and the stack is `{name}`; leave one of the two out");
        Ok((Some(stack), options))
    }
}

/// A variable that is set to nothing counts as not set.
fn pairs(flag: &str, words: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    let pair = |word: &String| {
        // What it is instead is not shown: it may be an address with a password in it.
        let (name, url) = word.split_once('=').with_context(|| format!("--{flag}: write NAME=URL, such as api=http://10.0.0.5:8080"))?;
        Ok((name.to_owned(), url.to_owned()))
    };
    words.iter().filter(|word| !word.is_empty()).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(services: &[&str], stack: Option<StackKind>) -> Result<Option<StackKind>, String> {
        let services = services.iter().map(|word| (*word).to_owned()).collect();
        AttachFlags { services, metrics: vec![String::new()] }.read(stack).map(|(stack, _)| stack).map_err(|error| error.to_string())
    }

    #[test]
    fn a_service_means_the_stack_attach() {
        assert_eq!(read(&["a=http://h"], None), Ok(Some(StackKind::Attach)));
        assert_eq!(read(&["a=http://h"], Some(StackKind::Attach)), Ok(Some(StackKind::Attach)));
        assert_eq!(read(&[""], None), Ok(None), "as not set");
        assert_eq!(read(&[], Some(StackKind::Embedded)), Ok(Some(StackKind::Embedded)));
        let other = "--service is for what runs already, and the stack is `embedded`; leave one of the two out";
        assert_eq!(read(&["a=http://h"], Some(StackKind::Embedded)), Err(other.to_owned()));
        assert_eq!(read(&["http://me:secret@h"], None), Err("--service: write NAME=URL, such as api=http://10.0.0.5:8080".to_owned()));
    }
}
