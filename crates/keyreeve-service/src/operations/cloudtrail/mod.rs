//! CloudTrail: one file a noun. Organisations, Insights, SNS, CloudWatch Logs and event data stores are not offered.

pub(crate) mod describe;
pub(crate) mod list_public_keys;
pub(crate) mod logging;
pub(crate) mod lookup_events;
pub(crate) mod status;
pub(crate) mod tags;
pub(crate) mod trail;

mod shapes;
