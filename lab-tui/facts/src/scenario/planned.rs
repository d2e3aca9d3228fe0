//! A scenario with all that it takes to run it and to record what ran.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Places, Plan};

/// A scenario that was understood, with the name it goes by.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What reports and lists call it.
    pub name: String,
    /// As the user named it; `None` where it came with the lab.
    pub file: Option<String>,
    /// Where the folders of its programs begin: the file's own, or where the lab was started.
    pub folder: PathBuf,
    /// What it will do.
    pub plan: Arc<Plan>,
    /// What the plan was made of, for a recording.
    pub text: String,
    /// The name of a program that the user named beside it.
    pub beside: Option<String>,
    /// `--time-scale`, which the plan has been multiplied by.
    pub time_scale: Option<f64>,
}

impl Planned {
    /// Where its parts stand in its file; nothing where it has none that the user could look into.
    pub fn places(&self) -> Places {
        self.file.as_ref().map_or_else(Places::default, |_| Places::of(&self.text))
    }
}
