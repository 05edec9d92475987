//! Notices to a webhook: one POST each, in order; 2xx takes it.

use bytes::Bytes;

use super::settings::Endpoint;
use super::sieve::Item;
use super::sink::{Fault, Sent, credentials};
use crate::http_client::Poster;
use crate::tls::TlsError;

/// A webhook.
#[derive(Debug)]
pub(super) struct Webhook {
    endpoint: Endpoint,
    poster: Poster,
}

impl Webhook {
    pub(super) fn new(endpoint: &Endpoint) -> Result<Self, TlsError> {
        let poster = Poster::new(endpoint.url.clone(), endpoint.ca_file.as_deref())?;
        Ok(Self { endpoint: endpoint.clone(), poster })
    }

    pub(super) async fn send(&mut self, items: &[Item]) -> Sent {
        for (taken, item) in items.iter().enumerate() {
            if let Err(fault) = self.post(item).await {
                return Sent { taken, rejected: 0, fault: Some(fault) };
            }
        }
        Sent::all(items.len())
    }

    async fn post(&mut self, item: &Item) -> Result<(), Fault> {
        let failed = |why| Fault { why, retry_after: None };
        let headers = credentials(&self.endpoint).map_err(failed)?;
        let reply = self.poster.post(&headers, Bytes::from(item.json.clone())).await.map_err(failed)?;
        if reply.status.is_success() {
            return Ok(());
        }
        let why = format!("{} answered with status {}", self.endpoint.url, reply.status);
        Err(Fault { why, retry_after: reply.retry_after })
    }
}
