//! What a person sees: log lines and errors on standard error, answers on standard output.

use std::error::Error;
use std::io::{IsTerminal as _, Write as _};

use tracing_subscriber::EnvFilter;

/// Logs to standard error; `RUST_LOG` chooses what.
pub(crate) fn start_log() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,keyreeve=info,keyreeve_server=info"));
    let color = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(color).init();
}

/// Prints an answer. That nobody reads it any more is no error.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Prints an error with its causes.
pub(crate) fn error(error: &(dyn Error + 'static)) {
    let mut text = format!("keyreeve: {error}");
    let mut cause = error.source();
    while let Some(source) = cause {
        let more = source.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = source.source();
    }
    let _ = writeln!(std::io::stderr(), "{text}");
}
