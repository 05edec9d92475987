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

/// Says something beside the answer, which may go into a file.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Asks on a terminal whether to go on; who pipes something in has decided.
pub(crate) fn agreed(question: &str) -> std::io::Result<bool> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Ok(true);
    }
    let mut out = std::io::stderr();
    write!(out, "{question} [y/N] ").and_then(|()| out.flush())?;
    let mut answer = String::new();
    input.read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
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

/// The day of a point in time in seconds since the epoch, as the API writes it: `2026-03-01`.
pub(crate) fn day(seconds: Option<&serde_json::Value>) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole seconds are wanted; a cast from f64 saturates"
    )]
    let second = seconds.and_then(serde_json::Value::as_f64).map(|seconds| seconds as i64);
    let time = second.and_then(|second| jiff::Timestamp::from_second(second).ok());
    time.map(|time| time.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
}

/// A point in time in seconds since the epoch, as the API writes it: `2026-03-01 12:30:00 UTC`.
pub(crate) fn instant(seconds: Option<&serde_json::Value>) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole seconds are wanted; a cast from f64 saturates"
    )]
    let second = seconds.and_then(serde_json::Value::as_f64).map(|seconds| seconds as i64);
    second.map(second_of_time).unwrap_or_default()
}

/// The same of a timestamp.
pub(crate) fn moment(time: keyreeve_model::timestamp::Timestamp) -> String {
    second_of_time(time.as_seconds())
}

fn second_of_time(second: i64) -> String {
    let time = jiff::Timestamp::from_second(second).ok();
    time.map(|time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default()
}
