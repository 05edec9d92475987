//! Progress bars on standard error; none where that is no terminal.

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

/// A bar.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// Counts rows.
    pub(crate) fn rows() -> Self {
        Self::new("{bar:40} {pos}/{len} rows  {eta}")
    }

    /// Counts bytes.
    pub(crate) fn bytes() -> Self {
        Self::new("{bar:40} {bytes}/{total_bytes}  {eta}")
    }

    /// Counts ciphertexts.
    pub(crate) fn ciphertexts() -> Self {
        Self::new("{bar:40} {pos}/{len} ciphertexts  {eta}")
    }

    fn new(template: &str) -> Self {
        let bar = ProgressBar::new(0);
        // The templates above parse; were one not to, the default bar serves.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// How far.
    pub(crate) fn show(&self, done: u64, all: u64) {
        self.0.set_length(all);
        self.0.set_position(done);
    }

    /// Takes it away.
    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// A size for people.
pub(crate) fn size(bytes: u64) -> String {
    HumanBytes(bytes).to_string()
}
