//! Whether a service would take an environment, asked before anything starts.

use clap::{ArgMatches, Command, FromArgMatches as _, Subcommand as _};

use crate::ServeCommand;

/// Says in one sentence why the service of that name would refuse to start with these variables, of which the last of a name counts.
/// This process' own environment plays no part.
pub fn check(service: &str, env: &[(String, String)]) -> Result<(), String> {
    let given = |name: &str| env.iter().rfind(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let mut arguments = vec!["serve".to_owned(), service.to_owned()];
    let command = ServeCommand::augment_subcommands(Command::new("serve")).mut_subcommand(service, |flags| {
        for flag in flags.get_arguments() {
            let value = flag.get_env().and_then(|name| given(name.to_str()?));
            // Where a service would look for RUST_LOG, here is nothing to look at.
            let value = value.or_else(|| (flag.get_id() == "log_level").then_some("info"));
            arguments.extend(flag.get_long().zip(value).map(|(long, value)| format!("--{long}={value}")));
        }
        flags.mut_args(|flag| flag.env(None::<&str>))
    });
    let refused = |error: clap::Error| {
        let text = error.to_string();
        let sentence = text.lines().next().unwrap_or_default();
        sentence.strip_prefix("error: ").unwrap_or(sentence).to_owned()
    };
    let matches: ArgMatches = command.try_get_matches_from(arguments).map_err(refused)?;
    match ServeCommand::from_arg_matches(&matches).map_err(refused)? {
        ServeCommand::DieService(args) => args.check().map(drop),
        ServeCommand::DiceRoller(args) => args.check().map(drop),
        ServeCommand::Frontend(args) => args.check().map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_service_says_beforehand_what_it_would_refuse() {
        let ask = |service: &str, name: &str, value: &str| check(service, &[(name.to_owned(), value.to_owned())]);
        assert_eq!(ask("die-service", "DB_POOL_MAX", "4"), Ok(()));
        assert_eq!(ask("frontend", "DB_POOL_MAX", "abc"), Ok(()), "none of its own");
        for (service, name, value, sentence) in [
            ("die-service", "DB_POOL_MAX", "abc", "invalid value 'abc' for '--db-pool-max <N>': invalid digit found in string"),
            ("die-service", "DB_POOL_MAX", "1", "'--db-pool-min 2' is above '--db-pool-max 1'"),
            ("dice-roller", "ROLL_DELAY_MS", "9..1", "the first bound is above the second"),
            ("frontend", "LOG_LEVEL", "bogus", "invalid value 'bogus' for '--log-level <LEVEL>'"),
        ] {
            let said = ask(service, name, value).unwrap_err();
            assert!(said.contains(sentence) && said.lines().count() == 1, "{said}");
        }
    }
}
