//! An error of the database as text.

use std::error::Error;

/// What went wrong, in the database's own words. The line of PostgreSQL's source that sqlx adds means nothing to a reader;
/// the SQLSTATE does.
pub(super) fn complaint(error: &(dyn Error + 'static)) -> String {
    let mut cause = Some(error);
    while let Some(one) = cause {
        let sqlx = one.downcast_ref::<sqlx::Error>();
        if let Some(database) = sqlx.and_then(sqlx::Error::as_database_error) {
            let code = database.code().map(|code| format!(" (SQLSTATE {code})")).unwrap_or_default();
            // Whoever wrapped it has put its text at the end of a longer one.
            let whole = error.to_string();
            let before = whole.strip_suffix(&one.to_string()).unwrap_or_default();
            return format!("{before}{}{code}", database.message());
        }
        cause = one.source();
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::fmt;

    use sqlx::error::{DatabaseError, ErrorKind};
    use sqlx::migrate::MigrateError;

    use super::*;

    /// As PostgreSQL's errors are, which cannot be made.
    #[derive(Debug)]
    struct Refusal;

    impl fmt::Display for Refusal {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("relation \"nope\" does not exist at line 433")
        }
    }

    impl Error for Refusal {}

    impl DatabaseError for Refusal {
        fn message(&self) -> &str {
            "relation \"nope\" does not exist"
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some("42P01".into())
        }

        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    #[test]
    fn no_line_of_postgresqls_own_source_is_told() {
        let refused = || sqlx::Error::Database(Box::new(Refusal));
        assert_eq!(complaint(&refused()), "relation \"nope\" does not exist (SQLSTATE 42P01)");
        let wrapped = MigrateError::Execute(refused());
        assert_eq!(complaint(&wrapped), "while executing migrations: relation \"nope\" does not exist (SQLSTATE 42P01)");
        assert_eq!(complaint(&sqlx::Error::PoolTimedOut), sqlx::Error::PoolTimedOut.to_string());
    }
}
