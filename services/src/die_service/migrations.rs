//! The schema, as the files in `migrations/` say it.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Number, description and statements of each; the first two are the file's name.
const FILES: [(i64, &str, &str); 2] = [
    (1, "die specifications", include_str!("../../../migrations/0001_die_specifications.sql")),
    (2, "standard dice", include_str!("../../../migrations/0002_standard_dice.sql")),
];

pub(super) fn all() -> Migrator {
    let migration = |(version, description, statements): (i64, &'static str, &'static str)| {
        Migration::new(version, description.into(), MigrationType::Simple, statements.into_sql_str(), false)
    };
    Migrator::with_migrations(FILES.into_iter().map(migration).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// A file that is not in the list would never be run, and one under another name would be refused by databases that have it already.
    #[tokio::test]
    async fn every_file_is_there_as_sqlx_would_read_it() {
        let told = |migrator: &Migrator| -> Vec<_> {
            migrator.iter().map(|one| (one.version, one.description.clone(), one.migration_type, one.checksum.clone())).collect()
        };
        let folder = Migrator::new(Path::new("../migrations")).await.unwrap();
        assert_eq!(told(&all()), told(&folder));
    }
}
