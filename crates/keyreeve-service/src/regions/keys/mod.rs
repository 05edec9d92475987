//! Multi-Region keys between Regions: what is asked and answered, and the job that drives it. What is kept is
//! `key_access/multi_region/`.

mod answers;
mod ask;
mod drive;
mod pace;
mod pull;
mod stuck;
mod vouch;

pub(crate) use ask::KeyThere;
pub(super) use pace::Pace;
pub(super) use pull::Unknown;
pub(super) use stuck::Stuck;

#[cfg(test)]
mod tests;
