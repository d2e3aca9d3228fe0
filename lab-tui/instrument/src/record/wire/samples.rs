//! Times, each with how often it came.

use lab_facts::event::Samples;
use serde::{Deserialize, Serialize};

use super::Damage;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireSamples {
    values: Vec<(u32, u32)>,
    sum: u64,
    max: u32,
}

impl From<&Samples> for WireSamples {
    fn from(samples: &Samples) -> Self {
        Self { values: samples.pairs().to_vec(), sum: samples.sum(), max: samples.max() }
    }
}

impl WireSamples {
    pub(super) fn into_samples(self) -> Result<Samples, Damage> {
        Samples::from_parts(self.values, self.sum, self.max).ok_or("its values, their sum and the largest do not belong together")
    }
}
