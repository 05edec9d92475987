//! What is sent, and where to.

use std::path::PathBuf;

use crate::http_client::{Url, UrlFault};

/// What a stream sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Every record.
    Records,
    /// What EventBridge would tell.
    Notices,
}

/// Where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Lines of JSON to standard output.
    Stdout,
    /// Lines of JSON to a Unix socket on which a collector listens.
    Unix(PathBuf),
    /// OpenTelemetry logs.
    Otlp(Endpoint),
    /// One POST a notice.
    Webhook(Endpoint),
}

/// A receiver that speaks HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Where.
    pub url: Url,
    /// A file with `Name: value` lines, one header each; read anew for each request.
    pub headers_file: Option<PathBuf>,
    /// A file with a bearer token; read anew for each request.
    pub token_file: Option<PathBuf>,
    /// Authorities that its certificate may have, beside those of the system.
    pub ca_file: Option<PathBuf>,
}

/// One stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedSettings {
    /// Unique among those of its content: its place is kept under it, and metrics have it as a label.
    pub name: String,
    /// What.
    pub content: Content,
    /// Where to.
    pub target: Target,
    /// Whether a new stream begins with all that the log has; else with what comes next.
    pub from_beginning: bool,
}

impl Content {
    /// `stream` or `notices`, as the configuration has it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Records => "stream",
            Self::Notices => "notices",
        }
    }
}

impl Target {
    /// The word for it, as the configuration has it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Unix(_) => "unix",
            Self::Otlp(_) => "otlp",
            Self::Webhook(_) => "webhook",
        }
    }
}

impl Endpoint {
    /// Without credentials.
    pub const fn new(url: Url) -> Self {
        Self { url, headers_file: None, token_file: None, ca_file: None }
    }
}

impl FeedSettings {
    /// The name with what is sent: unique among all.
    pub fn full_name(&self) -> String {
        format!("{}-{}", self.content.word(), self.name)
    }

    /// From one text: `stdout`, `unix:/path`, or the URL of an OTLP receiver or of a webhook.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(content: Content, text: &str) -> Result<Self, UrlFault> {
        let target = match (text.strip_prefix("unix:"), content) {
            (Some(path), _) if !path.is_empty() => Target::Unix(path.into()),
            (None, Content::Records) if text == "stdout" => Target::Stdout,
            (_, Content::Records) => Target::Otlp(Endpoint::new(Url::parse(text)?)),
            (_, Content::Notices) => Target::Webhook(Endpoint::new(Url::parse(text)?)),
        };
        Ok(Self { name: target.kind().to_owned(), content, target, from_beginning: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_says_where_to() {
        use Content::{Notices, Records};
        for (content, text, kind) in [
            (Records, "stdout", Some("stdout")),
            (Records, "unix:/run/x.sock", Some("unix")),
            (Records, "http://127.0.0.1:4318", Some("otlp")),
            (Records, "http://collector:4318", None),
            (Records, "unix:", None),
            (Notices, "https://hooks.example/kms", Some("webhook")),
            (Notices, "unix:/run/x.sock", Some("unix")),
            (Notices, "stdout", None),
        ] {
            let found = FeedSettings::parse(content, text);
            assert_eq!(found.as_ref().map(|found| found.target.kind()).ok(), kind, "{text}");
        }
    }
}
