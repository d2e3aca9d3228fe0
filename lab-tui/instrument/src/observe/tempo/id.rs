//! Trace IDs as Tempo reads them: hex digits of either case, short ones filled with zeros on the left.

use lab_facts::event::TraceId;

use super::refused::Refused;

/// # Errors
/// It is none, in Tempo's words.
pub(super) fn read(text: &str) -> Result<TraceId, Refused> {
    if let Some((at, other)) = text.chars().enumerate().find(|(_, character)| !character.is_ascii_hexdigit()) {
        let why = format!("trace IDs can only contain hex characters: invalid character '{other}' at position {}", at + 1);
        return Err(Refused::bad(why));
    }
    if text.len() > 32 {
        return Err(Refused::bad("trace IDs can't be larger than 128 bits"));
    }
    // An ID of zeros alone is one of a trace that nobody has.
    u128::from_str_radix(text, 16).map(|id| TraceId(id.to_be_bytes())).map_err(|_| Refused::bad("trace ID is required"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_are_filled_and_what_is_none_is_refused() {
        assert_eq!(read("a1").unwrap().to_string(), "000000000000000000000000000000a1");
        assert_eq!(read("0AF7651916CD43DD8448EB211C80319C").unwrap().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(read("0").unwrap(), TraceId([0; 16]));
        for (text, why) in [
            ("xyz", "trace IDs can only contain hex characters: invalid character 'x' at position 1"),
            ("ab-é", "trace IDs can only contain hex characters: invalid character '-' at position 3"),
            ("", "trace ID is required"),
            ("000000000000000000000000000000001", "trace IDs can't be larger than 128 bits"),
        ] {
            assert_eq!(read(text).unwrap_err(), Refused::bad(why));
        }
    }
}
