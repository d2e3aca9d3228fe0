//! Numbers and texts in as few bytes as they need, one behind the other.

use super::texts::Symbol;

/// Seven bits a byte, the lowest first; the eighth says that more follow.
pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7f) as u8);
}

/// Small numbers of either sign are short.
pub(super) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_number(out, (number << 1 ^ number >> 63).cast_unsigned());
}

/// With their length before them.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// A text as it is kept: once for all, or right here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said<'b> {
    Symbol(Symbol),
    Inline(&'b str),
}

/// Takes bytes apart again. Where there are none left it gives zeros and nothings.
#[derive(Debug, Clone)]
pub(super) struct Reader<'b> {
    left: &'b [u8],
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { left: bytes }
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, left)) = self.left.split_first() else { return 0 };
        self.left = left;
        *first
    }

    pub(super) fn number(&mut self) -> u64 {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 || shift > 63 {
                return number;
            }
        }
    }

    pub(super) fn signed(&mut self) -> i64 {
        let number = self.number();
        (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
    }

    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        let Some((first, left)) = self.left.split_first_chunk() else { return [0; N] };
        self.left = left;
        *first
    }

    pub(super) fn bytes(&mut self) -> &'b [u8] {
        let length = self.number();
        self.take(length)
    }

    pub(super) fn said(&mut self) -> Said<'b> {
        let number = self.number();
        if number & 1 == 0 {
            return Said::Symbol(Symbol::try_from(number >> 1).unwrap_or(Symbol::MAX));
        }
        // They were texts when they were put here.
        Said::Inline(std::str::from_utf8(self.take(number >> 1)).unwrap_or_default())
    }

    fn take(&mut self, length: u64) -> &'b [u8] {
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(self.left.len());
        let (taken, left) = self.left.split_at(length);
        self.left = left;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_bytes_come_back() {
        let mut out = Vec::new();
        let numbers = [0, 1, 127, 128, 300, 1 << 35, u64::MAX];
        let signed = [0, 1, -1, 63, -64, 64, i64::MAX, i64::MIN];
        numbers.iter().for_each(|number| put_number(&mut out, *number));
        signed.iter().for_each(|number| put_signed(&mut out, *number));
        put_bytes(&mut out, b"abc");
        let mut reader = Reader::new(&out);
        assert_eq!(numbers.map(|_| reader.number()), numbers);
        assert_eq!(signed.map(|_| reader.signed()), signed);
        assert_eq!((reader.bytes(), reader.number(), reader.bytes()), (&b"abc"[..], 0, &b""[..]));
    }
}
