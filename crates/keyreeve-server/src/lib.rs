//! The doors of Keyreeve: everything that touches a socket, configuration or the wall clock. What a request means is
//! decided in `keyreeve-service`.

#![forbid(unsafe_code)]

pub mod admin_client;
pub mod audit;
pub mod backup;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod deployment;
pub mod dev;
pub mod doors;
mod hardening;
pub mod http_client;
pub mod limits;
pub mod listener;
pub mod observe;
pub mod oidc;
pub mod operator_key;
pub mod regions;
pub mod reporting;
mod retention;
pub mod seed;
pub mod serve;
pub mod serving;
pub mod streams;
pub mod tls;
