//! What is alike in messages that differ in a number, an ID or a name only.

/// Stands for what differs.
const ANY: char = '…';
/// A run of hex digits is an ID from this length on.
const ID: usize = 8;

/// The message without its numbers, IDs and quoted words.
pub(super) fn of(message: &str) -> String {
    let mut pattern = String::with_capacity(message.len());
    let mut rest = message.trim();
    let mut before = ' ';
    while let Some(letter) = rest.chars().next() {
        let (taken, shown) = match letter {
            '"' | '`' | '\'' if !before.is_alphanumeric() && quoted(rest, letter).is_some() => {
                (quoted(rest, letter).unwrap_or_default(), Some(letter))
            }
            letter if letter.is_ascii_alphanumeric() => {
                word(rest, &mut pattern);
                let word = rest.len() - rest.trim_start_matches(is_of_word).len();
                before = 'x';
                rest = &rest[word..];
                continue;
            }
            letter => {
                pattern.push(letter);
                (letter.len_utf8(), None)
            }
        };
        if let Some(quote) = shown {
            pattern.extend([quote, ANY, quote]);
        }
        before = letter;
        rest = &rest[taken..];
    }
    pattern
}

/// The bytes of what begins with a quote, to its end.
fn quoted(text: &str, quote: char) -> Option<usize> {
    text[1..].find(quote).map(|end| end + 2)
}

/// What IDs, addresses and decimals are made of.
fn is_of_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | ':')
}

/// Writes the word that the text begins with: an ID as a whole is left out, else its numbers.
fn word(text: &str, pattern: &mut String) {
    let whole = &text[..text.len() - text.trim_start_matches(is_of_word).len()];
    let bare = whole.trim_end_matches(['.', ':', '-']);
    let is_id = bare.len() >= ID
        && bare.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        && bare.bytes().any(|byte| byte.is_ascii_digit());
    if is_id {
        pattern.push(ANY);
        pattern.push_str(&whole[bare.len()..]);
        return;
    }
    let mut letters = whole.char_indices().peekable();
    while let Some((_, letter)) = letters.next() {
        if !letter.is_ascii_digit() {
            pattern.push(letter);
            continue;
        }
        // Decimals, addresses and times are one number.
        while let Some((at, next)) = letters.peek().copied() {
            let digit_follows = || whole[at + next.len_utf8()..].starts_with(|after: char| after.is_ascii_digit());
            if next.is_ascii_digit() || (matches!(next, '.' | ':') && digit_follows()) {
                letters.next();
            } else {
                break;
            }
        }
        pattern.push(ANY);
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn like_messages_meet() {
        for (message, pattern) in [
            ("Database connection pool exhausted", "Database connection pool exhausted"),
            ("waited 12.5 ms for 127.0.0.1:5432.", "waited … ms for …."),
            ("no die `d20` nor \"d 6\" for 'you'", "no die `…` nor \"…\" for '…'"),
            ("it can't and won't", "it can't and won't"),
            ("trace 0af7651916cd43dd8448eb211c80319c: lost", "trace …: lost"),
            ("user 3f2b8c1e-90ab-4cde-8f01-23456789abcd left", "user … left"),
            ("worker-7 of die-service took 15ms", "worker-… of die-service took …ms"),
            ("facade deadbeef", "facade deadbeef"),
            ("'unclosed 1", "'unclosed …"),
            ("größer als 3 µs 🎲", "größer als … µs 🎲"),
            ("", ""),
        ] {
            assert_eq!(of(message), pattern);
        }
    }
}
