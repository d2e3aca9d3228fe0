//! Sizes in bytes, as users write them.

use lab_instrument::observe::store::DEFAULT_BYTES;

const LEAST: usize = 16 << 20;

const UNITS: [(&str, usize); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];

/// What the store may take, as in `512MiB`. A variable that is set to nothing counts as not set.
pub(super) fn store_bytes(text: &str) -> Result<usize, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(DEFAULT_BYTES);
    }
    let none = || format!("`{text}` is no size; write one such as 512MiB or 2GiB");
    let (number, unit) = UNITS.iter().find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, bytes))).unwrap_or((text, &1));
    let number: usize = number.trim_end().parse().map_err(|_| none())?;
    let bytes = number.checked_mul(*unit).ok_or_else(none)?;
    if bytes < LEAST {
        return Err(format!("`{text}` is too little for the traces of a run; write 16MiB or more"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_and_a_least() {
        for (text, bytes) in [("512MiB", 512 << 20), ("2GiB", 2 << 30), ("16 MiB", LEAST), ("16777216", LEAST), ("20000KiB", 20_480_000)] {
            assert_eq!(store_bytes(text), Ok(bytes));
        }
        assert_eq!(store_bytes(""), Ok(DEFAULT_BYTES));
        for (text, why) in [
            ("much", "is no size"),
            ("-1MiB", "is no size"),
            ("1.5GiB", "is no size"),
            ("512MB", "is no size"),
            ("99999999999999999999GiB", "is no size"),
            ("18014398509481984KiB", "is no size"),
            ("16383KiB", "write 16MiB or more"),
            ("0", "write 16MiB or more"),
        ] {
            assert!(store_bytes(text).unwrap_err().contains(why), "{text}");
        }
    }
}
