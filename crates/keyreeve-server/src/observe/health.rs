//! The handler of the observation listener: is the process alive, may it get requests, what has it counted.
//! It is a plain HTTP listener on an address of its own; nothing on it is secret and nothing changes state.

use std::sync::Arc;

use hyper::{Method, StatusCode};
use uuid::Uuid;

use super::metrics::Metrics;
use crate::listener::{Answer, Handler, Http10, Incoming, Refusal};

const TEXT: &str = "text/plain; charset=utf-8";

/// The media type of the text that `prometheus-client` writes.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether the process may get requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It may.
    Ready,
    /// It may not, and this is why, one reason each: they are shown to whoever asks, so no secrets.
    NotReady(Vec<String>),
}

/// Whoever knows about readiness. Asked at each check: it must not block.
pub trait Ready: Send + Sync + 'static {
    /// The state now.
    fn readiness(&self) -> Readiness;
}

impl<F: Fn() -> Readiness + Send + Sync + 'static> Ready for F {
    fn readiness(&self) -> Readiness {
        self()
    }
}

/// Two that know: ready when both say so, else with the reasons of both.
impl<A: Ready, B: Ready> Ready for (A, B) {
    fn readiness(&self) -> Readiness {
        match (self.0.readiness(), self.1.readiness()) {
            (Readiness::NotReady(mut reasons), Readiness::NotReady(more)) => {
                reasons.extend(more);
                Readiness::NotReady(reasons)
            }
            (Readiness::Ready, other) | (other, Readiness::Ready) => other,
        }
    }
}

/// Answers `/health/live`, `/health/ready` and `/metrics`.
#[derive(Debug)]
pub struct Observation<R> {
    metrics: Arc<Metrics>,
    ready: R,
}

impl<R: Ready> Observation<R> {
    /// Observes these.
    pub fn new(metrics: Arc<Metrics>, ready: R) -> Self {
        Self { metrics, ready }
    }

    fn answer(&self, method: &Method, path: &str) -> Answer {
        if method != Method::GET && method != Method::HEAD && method != Method::OPTIONS {
            return Answer::new(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n");
        }
        match path {
            "/health/live" => Answer::new(StatusCode::OK, TEXT, "live\n"),
            "/health/ready" => match self.ready.readiness() {
                Readiness::Ready => Answer::new(StatusCode::OK, TEXT, "ready\n"),
                Readiness::NotReady(reasons) => {
                    Answer::new(StatusCode::SERVICE_UNAVAILABLE, TEXT, reasons.join("\n") + "\n")
                }
            },
            "/metrics" => match self.metrics.encode() {
                Ok(text) => Answer::new(StatusCode::OK, OPENMETRICS, text),
                Err(_) => {
                    Answer::new(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "a metric cannot be encoded\n")
                }
            },
            _ => Answer::new(StatusCode::NOT_FOUND, TEXT, "try /health/live, /health/ready, /metrics\n"),
        }
    }
}

impl<R: Ready> Handler for Observation<R> {
    async fn handle(&self, incoming: Incoming) -> Answer {
        self.answer(&incoming.method, incoming.target.path())
    }

    fn refuse(&self, refusal: Refusal, _: Uuid) -> Answer {
        Answer::new(refusal.status(), TEXT, refusal.label())
    }

    /// HAProxy's `option httpchk` checks health with HTTP/1.0.
    fn http_1_0(&self) -> Http10 {
        Http10::Served
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(readiness: Readiness, method: Method, path: &str, status: u16, body: &str) {
        let observation = Observation::new(Arc::new(Metrics::new()), move || readiness.clone());
        let answer = observation.answer(&method, path);
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        assert!(std::str::from_utf8(&answer.body).unwrap().contains(body), "{method} {path}: {answer:?}");
    }

    #[test]
    fn two_that_know_are_ready_together_and_give_the_reasons_of_both() {
        let says = |reasons: &[&str]| match reasons {
            [] => Readiness::Ready,
            reasons => Readiness::NotReady(reasons.iter().map(|reason| (*reason).to_owned()).collect()),
        };
        let rows: [(&[&str], &[&str], &[&str]); 4] =
            [(&[], &[], &[]), (&["a"], &[], &["a"]), (&[], &["b"], &["b"]), (&["a"], &["b"], &["a", "b"])];
        for (first, second, both) in rows {
            let (first, second) = (says(first), says(second));
            let pair = (move || first.clone(), move || second.clone());
            assert_eq!(pair.readiness(), says(both));
        }
    }

    #[test]
    fn each_path_answers_its_question() {
        let not_ready =
            || Readiness::NotReady(vec!["store is sealed".to_owned(), "audit is full".to_owned()]);
        check(Readiness::Ready, Method::GET, "/health/live", 200, "live");
        check(not_ready(), Method::GET, "/health/live", 200, "live");
        check(Readiness::Ready, Method::GET, "/health/ready", 200, "ready");
        check(not_ready(), Method::GET, "/health/ready", 503, "store is sealed\naudit is full\n");
        check(Readiness::Ready, Method::GET, "/metrics", 200, "# EOF");
        check(Readiness::Ready, Method::GET, "/", 404, "/metrics");
        check(Readiness::Ready, Method::POST, "/metrics", 405, "GET");
    }
}
