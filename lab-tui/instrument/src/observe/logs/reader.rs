//! Log lines page by page: those that are there, by time, then those that come in.

use super::{LogFilter, LogText};
use crate::observe::store::{Store, StoredLine};

/// What is left to be read of a question.
#[derive(Debug)]
pub struct LogReader {
    store: Store,
    filter: LogFilter,
    follow: bool,
    stage: Stage,
    /// The first line that had not come in when the question was asked.
    first: u64,
}

#[derive(Debug)]
enum Stage {
    /// The one trace that is asked for.
    Trace,
    /// By moment and number, behind this one.
    Kept(Option<(u64, u64)>),
    /// In the order in which they come in, from this number on.
    Coming(u64),
    Over,
}

impl LogReader {
    /// Reads what fits; what comes in later as well, where somebody wants to `follow`.
    pub fn new(store: Store, filter: LogFilter, follow: bool) -> Self {
        let stage = if filter.trace().is_some() { Stage::Trace } else { Stage::Kept(None) };
        let first = store.next_log();
        Self { store, filter, follow, stage, first }
    }

    /// The next lines, at least one; `None` when there are no more, which never happens to who follows.
    pub async fn next(&mut self) -> Option<Vec<LogText>> {
        loop {
            let page = self.page().await?;
            let fitting: Vec<LogText> = page.iter().filter(|line| self.filter.fits(line)).map(LogText::from).collect();
            if !fitting.is_empty() {
                return Some(fitting);
            }
            // A store full of what does not fit is looked through without keeping others from their turn.
            tokio::task::yield_now().await;
        }
    }

    /// Lines that may fit.
    async fn page(&mut self) -> Option<Vec<StoredLine>> {
        loop {
            match self.stage {
                Stage::Trace => {
                    self.stage = self.after_kept();
                    let mut lines = self.filter.trace().map(|id| self.store.logs_of_trace(id)).unwrap_or_default();
                    lines.retain(|line| line.number < self.first);
                    return Some(lines);
                }
                Stage::Kept(after) => {
                    let mut lines = self.store.logs_within(&(self.filter.since_unix_nano()..u64::MAX), after);
                    self.stage = match lines.last() {
                        Some(last) => Stage::Kept(Some((last.unix_nano, last.number))),
                        None => self.after_kept(),
                    };
                    lines.retain(|line| line.number < self.first);
                    return Some(lines);
                }
                Stage::Coming(from) => {
                    let came = self.store.log_came();
                    let mut came = std::pin::pin!(came.notified());
                    // From here on nothing comes in unheard.
                    came.as_mut().enable();
                    let lines = self.store.logs_from(from);
                    if let Some(last) = lines.last() {
                        self.stage = Stage::Coming(last.number + 1);
                        return Some(lines);
                    }
                    came.await;
                }
                Stage::Over => return None,
            }
        }
    }

    fn after_kept(&self) -> Stage {
        if self.follow { Stage::Coming(self.first) } else { Stage::Over }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::logs::LogQuestion;
    use crate::observe::store::DEFAULT_BYTES;

    fn line(second: u32, message: &str) -> String {
        format!(r#"{{"timestamp":"1970-01-01T00:00:{second:02}Z","message":"{message}"}}"#)
    }

    async fn read(reader: &mut LogReader) -> Vec<String> {
        let lines = reader.next().await.unwrap_or_default();
        lines.iter().map(|line| line.log_line().line["message"].as_str().unwrap().to_owned()).collect()
    }

    fn reader(store: &Store, question: &LogQuestion) -> LogReader {
        LogReader::new(store.clone(), question.filter().unwrap(), question.follow)
    }

    #[tokio::test]
    async fn what_is_kept_comes_by_time_and_what_comes_in_as_it_comes() {
        let store = Store::new(DEFAULT_BYTES);
        store.add_log("s", &line(9, "later"));
        store.add_log("s", &line(5, "earlier"));
        store.add_log("s", &line(1, "too early"));
        let mut once = reader(&store, &LogQuestion { since_unix_nano: 2_000_000_000, ..LogQuestion::default() });
        let mut follow = reader(&store, &LogQuestion { follow: true, ..LogQuestion::default() });
        store.add_log("s", &line(3, "while it was read"));
        assert_eq!(read(&mut once).await, ["earlier", "later"]);
        assert_eq!(once.next().await, None);
        assert_eq!(read(&mut follow).await, ["too early", "earlier", "later"]);
        assert_eq!(read(&mut follow).await, ["while it was read"]);
        let (heard, ()) = tokio::join!(read(&mut follow), async { store.add_log("s", &line(2, "at last")) });
        assert_eq!(heard, ["at last"]);
    }

    #[tokio::test]
    async fn more_than_a_page_is_read_to_its_end() {
        let store = Store::new(DEFAULT_BYTES);
        for number in 0..2_500 {
            store.add_log("s", &line(number % 60, &number.to_string()));
        }
        store.add_log("other", &line(30, "one"));
        let mut all = reader(&store, &LogQuestion::default());
        let mut read_so_far = 0;
        while let Some(page) = all.next().await {
            read_so_far += page.len();
        }
        assert_eq!(read_so_far, 2_501);
        let mut one = reader(&store, &LogQuestion { services: vec!["other".to_owned()], ..LogQuestion::default() });
        assert_eq!(read(&mut one).await, ["one"]);
        assert_eq!(one.next().await, None);
    }
}
