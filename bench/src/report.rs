//! What is printed: a table for people, JSON for programs.

use serde_json::{Value, json};

use crate::cli::Run;
use crate::figures::{Series, Spread, Window};
use crate::run::Measured;
use crate::served::Served;

const HEADINGS: [&str; 6] =
    ["", "CPU us/request", "requests/s", "cores busy", "echo/this", "raw AWS-LC/this"];
/// What stands where there is nothing to say.
const NOTHING: &str = "-";

/// The table, and notes on how to read it.
pub(crate) fn table(measured: &Measured, options: &Run) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned), row(&measured.echo, None, None)];
    rows.extend(measured.operations.iter().map(|(workload, series)| {
        let raw = measured.raw_of(workload).and_then(|raw| series.ratio_to(raw));
        row(series, series.ratio_to(&measured.echo), raw)
    }));
    rows.extend(measured.raw.iter().map(|(_, series)| row(series, None, None)));
    let mut text = aligned(&rows);
    if let Some(served) = &measured.served {
        text.push('\n');
        text.push_str(&served.table());
    }
    text.push_str(&notes(measured, options));
    text
}

fn row(series: &Series, echo: Option<Spread>, raw: Option<Spread>) -> [String; HEADINGS.len()] {
    let cell = |spread, decimals| cell(spread, decimals);
    [
        series.title.to_owned(),
        cell(series.spread(Window::cpu_us), 1),
        cell(series.spread(Window::per_second), 0),
        cell(series.spread(Window::cores), 2),
        cell(echo, 2),
        cell(raw, 2),
    ]
}

/// `median (min-max)`.
pub(crate) fn cell(spread: Option<Spread>, decimals: usize) -> String {
    spread.map_or_else(
        || NOTHING.to_owned(),
        |Spread { min, median, max }| format!("{median:.decimals$} ({min:.decimals$}-{max:.decimals$})"),
    )
}

fn aligned(rows: &[[String; HEADINGS.len()]]) -> String {
    let mut widths = [0; HEADINGS.len()];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (index, (width, cell)) in widths.iter().zip(row).enumerate() {
            let cell = if index == 0 {
                format!("{cell:<width$}")
            } else {
                format!("  {cell:>width$}", width = *width)
            };
            line.push_str(&cell);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn notes(measured: &Measured, options: &Run) -> String {
    let mut text = format!(
        "\nMedian (least-greatest) of {} rounds of {} s windows, {} connections; {}.\n\
         CPU is the server's, all threads, user and system. A ratio divides the CPU of the echo (or of raw AWS-LC) by this \
         one's in the same round: 1.00 costs no more. Fewer cores busy than the server has: the load set the requests/s.",
        options.rounds,
        options.seconds.as_secs_f64(),
        options.connections,
        placement(measured),
    );
    if let Some(echo) = measured.echo.spread(Window::cpu_us) {
        let Spread { min, median, max } = echo;
        text.push_str(&format!(
            "\nHow noisy: the same echo cost {min:.1} us at least, {median:.1} in the middle, {max:.1} at most ({:.2}x).",
            max / min
        ));
    }
    if cfg!(debug_assertions) {
        text.push_str("\nNOT OPTIMISED: this program was built without --release; the figures mean nothing.");
    }
    text
}

fn placement(measured: &Measured) -> String {
    measured.pins.as_ref().map_or_else(
        || "server and load share all cores".to_owned(),
        |pins| format!("server on core {}, load on {}", pins.server, pins.load),
    )
}

/// Every window, and what the table says of them.
pub(crate) fn json(measured: &Measured, options: &Run) -> String {
    let operations = measured.operations.iter().map(|(workload, series)| {
        json!({
            "figures": series_json(workload.name, series),
            "echo_ratio": spread_json(series.ratio_to(&measured.echo)),
            "raw_ratio": spread_json(measured.raw_of(workload).and_then(|raw| series.ratio_to(raw))),
        })
    });
    let raw = measured.raw.iter().map(|(_, series)| series_json(series.title, series));
    let value = json!({
        "rounds": options.rounds,
        "window_s": options.seconds.as_secs_f64(),
        "connections": options.connections,
        "server_core": measured.pins.as_ref().map(|pins| &pins.server),
        "load_cores": measured.pins.as_ref().map(|pins| &pins.load),
        "optimised": !cfg!(debug_assertions),
        "echo": series_json("echo", &measured.echo),
        "operations": operations.collect::<Vec<_>>(),
        "raw": raw.collect::<Vec<_>>(),
        "audit": measured.served.as_ref().map(Served::json),
    });
    format!("{value:#}")
}

fn series_json(name: &str, series: &Series) -> Value {
    let windows = series.windows.iter().map(|window| {
        let (wall, cpu) = (window.wall().as_secs_f64(), window.cpu().as_secs_f64());
        json!({ "completed": window.completed(), "wall_s": wall, "cpu_s": cpu })
    });
    json!({
        "name": name,
        "cpu_us": spread_json(series.spread(Window::cpu_us)),
        "per_second": spread_json(series.spread(Window::per_second)),
        "cores_busy": spread_json(series.spread(Window::cores)),
        "windows": windows.collect::<Vec<_>>(),
    })
}

pub(crate) fn spread_json(spread: Option<Spread>) -> Value {
    spread.map_or(
        Value::Null,
        |Spread { min, median, max }| json!({ "min": min, "median": median, "max": max }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_clean() {
        let row = |cells: [&str; 6]| cells.map(str::to_owned);
        let rows = [row(["", "a", "bb", "c", "d", "e"]), row(["title", "10.0", "1", "-", "", ""])];
        assert_eq!(aligned(&rows), "          a  bb  c  d  e\ntitle  10.0   1  -\n");
    }

    #[test]
    fn a_cell_has_the_median_and_the_range_or_nothing() {
        let spread = Spread { min: 7.36, median: 8.04, max: 11.2 };
        assert_eq!(cell(Some(spread), 1), "8.0 (7.4-11.2)");
        assert_eq!(cell(None, 1), "-");
    }
}
