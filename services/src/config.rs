//! Flags and their environment twins, and what they become once they have been checked.
//!
//! clap checks the shape of numbers; what it must not echo (a database URL holds a password) or cannot see (a minimum
//! above its maximum) is checked here, before anything starts.

use std::time::Duration;

use clap::Args;
use sqlx::postgres::PgConnectOptions;

use crate::client::Upstream;

/// What every service can be told.
#[derive(Debug, Clone, Args)]
pub struct CommonArgs {
    /// How much to log: debug, info, warning or error, or directives as RUST_LOG takes them
    #[arg(long, env = "LOG_LEVEL", value_name = "LEVEL")]
    log_level: Option<String>,

    /// Treat the end of standard input as a request to stop: a child of the lab dies with it
    #[arg(long, hide = true)]
    exit_with_stdin: bool,
}

/// Flags of die-service.
#[derive(Debug, Clone, Args)]
pub struct DieServiceArgs {
    /// Address to listen on; port 0 picks a free one, which the log names
    #[arg(long, env = "LISTEN_ADDR", value_name = "HOST:PORT", default_value = "127.0.0.1:8109")]
    listen_addr: String,

    /// PostgreSQL to read the dice from
    #[arg(
        long,
        env = "DATABASE_URL",
        hide_env_values = true,
        hide_default_value = true,
        value_name = "URL",
        default_value = "postgresql://diceuser:dicepass@127.0.0.1:5432/dicedb"
    )]
    database_url: String,

    /// Connections that the pool keeps open
    #[arg(long, env = "DB_POOL_MIN", value_name = "N", default_value_t = 2)]
    db_pool_min: usize,

    /// Connections that the pool opens at most
    #[arg(long, env = "DB_POOL_MAX", value_name = "N", default_value_t = 10)]
    db_pool_max: usize,

    /// How long a request waits for a connection, in milliseconds
    #[arg(long, env = "DB_ACQUIRE_TIMEOUT_MS", value_name = "MS", default_value_t = 1000)]
    db_acquire_timeout_ms: u64,

    /// When PostgreSQL gives up on a statement, in milliseconds; 0 is never
    #[arg(long, env = "DB_STATEMENT_TIMEOUT_MS", value_name = "MS", default_value_t = 8000)]
    db_statement_timeout_ms: u64,

    /// Whether to bring the schema up to date at start
    #[arg(
        long,
        env = "DB_MIGRATE",
        value_name = "BOOL",
        default_value_t = true,
        action = clap::ArgAction::Set,
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    db_migrate: bool,

    /// Whether statements carry their trace in a comment, as sqlcommenter writes it; each is prepared anew then
    #[arg(
        long,
        env = "DB_SQLCOMMENTER",
        value_name = "BOOL",
        default_value_t = false,
        action = clap::ArgAction::Set,
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    db_sqlcommenter: bool,

    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// Flags of dice-roller.
#[derive(Debug, Clone, Args)]
pub struct DiceRollerArgs {
    /// Address to listen on; port 0 picks a free one, which the log names
    #[arg(long, env = "LISTEN_ADDR", value_name = "HOST:PORT", default_value = "127.0.0.1:8110")]
    listen_addr: String,

    /// Where die-service answers
    #[arg(long, env = "DIE_SERVICE_URL", value_name = "URL", default_value = "http://127.0.0.1:8109")]
    die_service_url: String,

    /// How long to wait for die-service, in milliseconds
    #[arg(long, env = "DIE_SERVICE_TIMEOUT_MS", value_name = "MS", default_value_t = 2000)]
    die_service_timeout_ms: u64,

    /// How long a roll takes, drawn evenly between two bounds in milliseconds, such as 0..1000
    #[arg(long, env = "ROLL_DELAY_MS", value_name = "LOW..HIGH", default_value = "0..0")]
    roll_delay_ms: String,

    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// Flags of frontend.
#[derive(Debug, Clone, Args)]
pub struct FrontendArgs {
    /// Address to listen on; port 0 picks a free one, which the log names
    #[arg(long, env = "LISTEN_ADDR", value_name = "HOST:PORT", default_value = "127.0.0.1:8111")]
    listen_addr: String,

    /// Where dice-roller answers
    #[arg(long, env = "DICE_ROLLER_URL", value_name = "URL", default_value = "http://127.0.0.1:8110")]
    dice_roller_url: String,

    /// Where die-service answers; the page lists its dice
    #[arg(long, env = "DIE_SERVICE_URL", value_name = "URL", default_value = "http://127.0.0.1:8109")]
    die_service_url: String,

    /// How long to wait for one roll, in milliseconds
    #[arg(long, env = "BACKEND_TIMEOUT_MS", value_name = "MS", default_value_t = 5000)]
    backend_timeout_ms: u64,

    /// How long to wait for a batch of rolls, in milliseconds
    #[arg(long, env = "BACKEND_ASYNC_TIMEOUT_MS", value_name = "MS", default_value_t = 10_000)]
    backend_async_timeout_ms: u64,

    /// Address of a trace for the page's link; {trace_id} is replaced
    #[arg(long, env = "TRACE_URL_TEMPLATE", value_name = "URL")]
    trace_url_template: Option<String>,

    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// What every service knows about itself once its flags are checked.
#[derive(Debug, Clone)]
pub(crate) struct Common {
    pub(crate) listen_addr: String,
    /// Directives for the log filter, as the user wrote them.
    pub(crate) log_level: String,
    pub(crate) exit_with_stdin: bool,
}

/// die-service, checked.
#[derive(Debug, Clone)]
pub(crate) struct DieServiceConfig {
    pub(crate) database: PgConnectOptions,
    pub(crate) pool_min: usize,
    pub(crate) pool_max: usize,
    pub(crate) acquire_timeout: Duration,
    pub(crate) statement_timeout: Duration,
    pub(crate) migrate: bool,
    pub(crate) sqlcommenter: bool,
}

/// dice-roller, checked.
#[derive(Debug, Clone)]
pub(crate) struct DiceRollerConfig {
    pub(crate) die_service: Upstream,
    pub(crate) die_service_timeout: Duration,
    /// Bounds of a roll's duration in milliseconds, both inclusive, the lower one first.
    pub(crate) roll_delay_ms: (u64, u64),
}

/// frontend, checked.
#[derive(Debug, Clone)]
pub(crate) struct FrontendConfig {
    pub(crate) dice_roller: Upstream,
    pub(crate) die_service: Upstream,
    pub(crate) backend_timeout: Duration,
    pub(crate) backend_async_timeout: Duration,
    pub(crate) trace_url_template: Option<String>,
}

impl CommonArgs {
    fn check(self, listen_addr: String) -> Result<Common, String> {
        let port = listen_addr.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
        if !matches!(port, Some(Ok(_))) {
            return Err(format!(
                "invalid value '{listen_addr}' for '--listen-addr <HOST:PORT>': write a host and a port, such as 127.0.0.1:8109"
            ));
        }
        let log_level = self
            .log_level
            .or_else(|| std::env::var("RUST_LOG").ok())
            .map(|level| level.trim().to_owned())
            .filter(|level| !level.is_empty())
            .unwrap_or_else(|| "info".to_owned());
        crate::logs::check_filter(&log_level).map_err(|error| format!("invalid value '{log_level}' for '--log-level <LEVEL>': {error}"))?;
        Ok(Common { listen_addr, log_level, exit_with_stdin: self.exit_with_stdin })
    }
}

impl DieServiceArgs {
    pub(crate) fn check(self) -> Result<(Common, DieServiceConfig), String> {
        // The URL itself stays out of the message: it may hold a password.
        let parsed = url::Url::parse(&self.database_url).map_err(|error| format!("invalid value for '--database-url <URL>': {error}"))?;
        if !matches!(parsed.scheme(), "postgres" | "postgresql") {
            return Err("invalid value for '--database-url <URL>': it must begin with postgresql://".to_owned());
        }
        let database: PgConnectOptions = self
            .database_url
            .parse()
            .map_err(|_| "invalid value for '--database-url <URL>': PostgreSQL options in it are not understood".to_owned())?;
        if self.db_pool_max == 0 {
            return Err("invalid value '0' for '--db-pool-max <N>': a pool needs at least one connection".to_owned());
        }
        if self.db_pool_min > self.db_pool_max {
            return Err(format!(
                "'--db-pool-min {}' is above '--db-pool-max {}': a pool cannot keep more connections than it may open",
                self.db_pool_min, self.db_pool_max
            ));
        }
        let config = DieServiceConfig {
            database,
            pool_min: self.db_pool_min,
            pool_max: self.db_pool_max,
            acquire_timeout: positive("--db-acquire-timeout-ms", self.db_acquire_timeout_ms)?,
            statement_timeout: Duration::from_millis(self.db_statement_timeout_ms),
            migrate: self.db_migrate,
            sqlcommenter: self.db_sqlcommenter,
        };
        Ok((self.common.check(self.listen_addr)?, config))
    }
}

impl DiceRollerArgs {
    pub(crate) fn check(self) -> Result<(Common, DiceRollerConfig), String> {
        let config = DiceRollerConfig {
            die_service: Upstream::parse("--die-service-url", &self.die_service_url)?,
            die_service_timeout: positive("--die-service-timeout-ms", self.die_service_timeout_ms)?,
            roll_delay_ms: bounds(&self.roll_delay_ms)?,
        };
        Ok((self.common.check(self.listen_addr)?, config))
    }
}

impl FrontendArgs {
    pub(crate) fn check(self) -> Result<(Common, FrontendConfig), String> {
        let trace_url_template = self.trace_url_template.filter(|template| !template.is_empty());
        if let Some(template) = &trace_url_template
            && !(template.starts_with("http://") || template.starts_with("https://"))
        {
            return Err(format!("invalid value '{template}' for '--trace-url-template <URL>': it must begin with http:// or https://"));
        }
        let config = FrontendConfig {
            dice_roller: Upstream::parse("--dice-roller-url", &self.dice_roller_url)?,
            die_service: Upstream::parse("--die-service-url", &self.die_service_url)?,
            backend_timeout: positive("--backend-timeout-ms", self.backend_timeout_ms)?,
            backend_async_timeout: positive("--backend-async-timeout-ms", self.backend_async_timeout_ms)?,
            trace_url_template,
        };
        Ok((self.common.check(self.listen_addr)?, config))
    }
}

fn positive(flag: &str, milliseconds: u64) -> Result<Duration, String> {
    if milliseconds == 0 {
        return Err(format!("invalid value '0' for '{flag} <MS>': nothing can be done in no time"));
    }
    Ok(Duration::from_millis(milliseconds))
}

/// Reads `LOW..HIGH`, both inclusive.
fn bounds(text: &str) -> Result<(u64, u64), String> {
    let refuse = |why: &str| Err(format!("invalid value '{text}' for '--roll-delay-ms <LOW..HIGH>': {why}"));
    let Some((low, high)) = text.split_once("..") else {
        return refuse("write two bounds in milliseconds, such as 0..1000");
    };
    match (low.trim().parse::<u64>(), high.trim().parse::<u64>()) {
        (Ok(low), Ok(high)) if low <= high => Ok((low, high)),
        (Ok(_), Ok(_)) => refuse("the first bound is above the second"),
        _ => refuse("write two bounds in milliseconds, such as 0..1000"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::ServeCommand;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(subcommand)]
        serve: ServeCommand,
    }

    fn refusal(arguments: &[&str]) -> String {
        let program = Program::try_parse_from([&["lab"], arguments].concat()).unwrap();
        match program.serve {
            ServeCommand::DieService(args) => args.check().map(drop),
            ServeCommand::DiceRoller(args) => args.check().map(drop),
            ServeCommand::Frontend(args) => args.check().map(drop),
        }
        .unwrap_err()
    }

    #[test]
    fn what_cannot_work_is_refused_in_one_sentence() {
        let said = refusal(&["die-service", "--db-pool-min", "5", "--db-pool-max", "4"]);
        assert!(said.contains("'--db-pool-min 5' is above '--db-pool-max 4'"), "{said}");
        assert!(refusal(&["dice-roller", "--die-service-url", "nonsense"]).contains("--die-service-url"));
        assert!(refusal(&["dice-roller", "--die-service-url", "https://example.org"]).contains("http://"));
        assert!(refusal(&["dice-roller", "--roll-delay-ms", "5..1"]).contains("above"));
        assert!(refusal(&["dice-roller", "--roll-delay-ms", "5"]).contains("0..1000"));
        assert!(refusal(&["frontend", "--listen-addr", "8111"]).contains("--listen-addr"));
        assert!(refusal(&["frontend", "--log-level", "services=loud"]).contains("--log-level"));
        assert!(refusal(&["frontend", "--log-level", "bogus"]).contains("'bogus' for '--log-level <LEVEL>': write off, error"));
        assert!(refusal(&["frontend", "--trace-url-template", "javascript:alert(1)"]).contains("http://"));
    }

    #[test]
    fn a_password_is_never_echoed() {
        for url in ["postgresql//diceuser:hunter2@host/db", "mysql://diceuser:hunter2@host/db"] {
            let said = refusal(&["die-service", "--database-url", url]);
            assert!(!said.contains("hunter2"), "{said}");
        }
        let help = Program::try_parse_from(["lab", "die-service", "--help"]).unwrap_err().to_string();
        assert!(!help.contains("dicepass"), "{help}");
    }

    #[test]
    fn the_shape_of_the_command_is_sound() {
        use clap::CommandFactory;
        Program::command().debug_assert();
    }
}
