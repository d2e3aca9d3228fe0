//! The shades of a heat map: by the logarithm of the count, so that a single slow request is seen beside a thousand fast ones.

/// What so many shades stand for, where the fullest cell has `most` requests.
#[derive(Debug, Clone, Copy)]
pub struct Shades {
    most: u64,
    count: u32,
}

impl Shades {
    /// One shade and one request at the least.
    pub fn new(most: u64, count: u32) -> Self {
        Self { most: most.max(1), count: count.max(1) }
    }

    /// The shade of a cell with that many requests, of which there is one: from 0.
    pub fn of(self, count: u64) -> usize {
        let shade = (1..self.count).find(|shade| count <= self.upper(*shade)).unwrap_or(self.count);
        (shade - 1) as usize
    }

    /// The shades that stand for something, each with its counts, such as `4–10`.
    pub fn key(self) -> Vec<(usize, String)> {
        let mut from = 1;
        let mut entries = Vec::new();
        for shade in 1..=self.count {
            let to = if shade == self.count { self.most } else { self.upper(shade) };
            if to >= from {
                entries.push(((shade - 1) as usize, if from == to { from.to_string() } else { format!("{from}–{to}") }));
                from = to + 1;
            }
        }
        entries
    }

    /// The most requests that a shade, counted from 1, stands for.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts stay far below 2^52")]
    fn upper(self, shade: u32) -> u64 {
        (self.most as f64).powf(f64::from(shade) / f64::from(self.count)).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_requests_are_seen_beside_many() {
        let shades = Shades::new(1000, 6);
        assert_eq!([1, 3, 10, 31, 32, 100, 101, 317, 1000].map(|count| shades.of(count)), [0, 0, 1, 2, 2, 3, 4, 5, 5]);
        assert_eq!(Shades::new(1, 6).of(1), 0);
        let key: Vec<String> = shades.key().into_iter().map(|(_, counts)| counts).collect();
        assert_eq!(key, ["1–3", "4–10", "11–32", "33–100", "101–316", "317–1000"]);
    }
}
