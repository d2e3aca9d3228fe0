//! Texts that many spans say, kept once: keys, names, and values that come again and again.
//!
//! A text is kept when it comes for the second time; until then, and where there is no room for it, it stays in the span that says it. So
//! a sender of ever new texts fills nothing but its own spans. Uses are counted, and the last one takes the text along.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::bytes::Said;
use super::marks::hash;

/// The number of a text that is kept once.
pub(super) type Symbol = u32;

/// Beyond this many bytes a text is no word that spans share.
const LONGEST: usize = 1024;

/// Shorter ones take no more room than a symbol does.
const SHORTEST: usize = 3;

/// What a text costs beside its own bytes: its places in the two tables, and what counts who holds it.
const COST: usize = 104;

#[derive(Debug)]
pub(super) struct Texts {
    /// How many bytes they may take.
    most: usize,
    bytes: usize,
    symbols: HashMap<Arc<str>, Symbol, RandomState>,
    /// By symbol.
    kept: Vec<Kept>,
    free: Vec<Symbol>,
    /// Traces of texts that came once, each in the place that its hash gives it.
    once: Box<[u32]>,
}

#[derive(Debug, Default)]
struct Kept {
    text: Option<Arc<str>>,
    uses: usize,
    /// What marks are made of.
    hash: u64,
}

/// The hash of a text, wherever it is kept.
pub(super) fn hash_of(said: Said<'_>, texts: &Texts) -> u64 {
    match said {
        Said::Symbol(symbol) => texts.hash(symbol),
        Said::Inline(text) => hash(text),
    }
}

impl Texts {
    /// Those of a store that keeps up to `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        // A sixteenth holds a quarter of a million words of a default store.
        let most = limit / 16;
        let once = vec![0; (most / 256).next_power_of_two().clamp(64, 1 << 14)].into_boxed_slice();
        Self { most, bytes: 0, symbols: HashMap::default(), kept: Vec::new(), free: Vec::new(), once }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The symbol of a text that is kept by now, one use more of it.
    pub(super) fn take(&mut self, text: &str) -> Option<Symbol> {
        if text.len() < SHORTEST || text.len() > LONGEST {
            return None;
        }
        if let Some(symbol) = self.symbols.get(text) {
            self.kept[*symbol as usize].uses += 1;
            return Some(*symbol);
        }
        self.came_before(text).then(|| self.insert(text))?
    }

    /// The same for a text of the lab's own, which is kept at once.
    pub(super) fn keep(&mut self, text: &str) -> Option<Symbol> {
        let known = self.symbols.contains_key(text) || text.len() < SHORTEST;
        if known { self.take(text) } else { self.insert(text) }
    }

    /// One use more of what is in use already.
    pub(super) fn again(&mut self, symbol: Symbol) {
        if let Some(kept) = self.kept.get_mut(symbol as usize) {
            kept.uses += 1;
        }
    }

    /// One use less.
    pub(super) fn give_back(&mut self, symbol: Symbol) {
        let Some(kept) = self.kept.get_mut(symbol as usize) else { return };
        kept.uses = kept.uses.saturating_sub(1);
        if kept.uses == 0
            && let Some(text) = kept.text.take()
        {
            self.symbols.remove(&text);
            self.bytes -= text.len() + COST;
            self.free.push(symbol);
        }
    }

    pub(super) fn text(&self, symbol: Symbol) -> &str {
        self.shared(symbol).map_or("", |text| text)
    }

    pub(super) fn hash(&self, symbol: Symbol) -> u64 {
        self.kept.get(symbol as usize).map_or(0, |kept| kept.hash)
    }

    pub(super) fn shared(&self, symbol: Symbol) -> Option<&Arc<str>> {
        self.kept.get(symbol as usize)?.text.as_ref()
    }

    /// The symbol of a text, if it is kept.
    pub(super) fn find(&self, text: &str) -> Option<Symbol> {
        self.symbols.get(text).copied()
    }

    fn insert(&mut self, text: &str) -> Option<Symbol> {
        let cost = text.len() + COST;
        if text.len() > LONGEST || self.bytes + cost > self.most {
            return None;
        }
        let next = Symbol::try_from(self.kept.len()).ok()?;
        let symbol = self.free.pop().unwrap_or(next);
        if symbol == next {
            self.kept.push(Kept::default());
        }
        let shared: Arc<str> = text.into();
        self.kept[symbol as usize] = Kept { text: Some(Arc::clone(&shared)), uses: 1, hash: hash(text) };
        self.symbols.insert(shared, symbol);
        self.bytes += cost;
        Some(symbol)
    }

    /// Whether a text came not long ago; from now on it did.
    fn came_before(&mut self, text: &str) -> bool {
        let hash = self.symbols.hasher().hash_one(text);
        // The high half tells it from others in the same place; zero is nobody.
        #[expect(clippy::cast_possible_truncation, reason = "a half of the hash")]
        let (place, mark) = (hash as usize % self.once.len(), ((hash >> 32) as u32).max(1));
        std::mem::replace(&mut self.once[place], mark) == mark
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_from_its_second_time_until_its_last_use() {
        let mut texts = Texts::new(1 << 20);
        assert_eq!((texts.take("GET /roll"), texts.bytes()), (None, 0));
        let symbol = texts.take("GET /roll").unwrap();
        assert_eq!((texts.take("GET /roll"), texts.text(symbol)), (Some(symbol), "GET /roll"));
        let bytes = texts.bytes();
        texts.give_back(symbol);
        assert_eq!(texts.bytes(), bytes);
        texts.give_back(symbol);
        assert_eq!((texts.bytes(), texts.find("GET /roll")), (0, None));
        assert_eq!(texts.keep("another"), Some(symbol), "its number is free again");
    }

    #[test]
    fn texts_keep_to_their_bound() {
        let mut texts = Texts::new(1 << 20);
        for number in 0..10_000 {
            let text = format!("a value that comes twice {number}");
            let _ = (texts.take(&text), texts.take(&text));
        }
        let long = "x".repeat(LONGEST + 1);
        assert_eq!((texts.take(&long), texts.take(&long)), (None, None));
        assert!(texts.bytes() <= (1 << 20) / 16);
        assert_eq!((texts.keep("one of our own"), texts.find("one of our own")), (None, None), "full is full");
    }
}
