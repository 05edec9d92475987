//! The AWS SDK for Rust, unmodified: what it must see of a KMS, one module a subject.
//!
//! Endpoint, Region and credentials come from the environment, as for any program of the SDK's users
//! (`AWS_ENDPOINT_URL_KMS`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`). Prints `passed`, or says what
//! differed and exits with 1.
#![forbid(unsafe_code)]

mod aliases;
mod keys;
mod listing;
mod macs;
mod outcome;
mod refusals;
mod signatures;
mod symmetric;

use std::process::ExitCode;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig};
use aws_sdk_kms::Client;

use crate::outcome::{Outcome, within};

fn main() -> ExitCode {
    match run() {
        Ok(()) => {
            println!("passed");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let config = configuration().await;
        let client = Client::new(&config);
        keys::check(&client).await.map_err(within("keys"))?;
        symmetric::check(&client).await.map_err(within("symmetric"))?;
        signatures::check(&client).await.map_err(within("signatures"))?;
        macs::check(&client).await.map_err(within("macs"))?;
        aliases::check(&client).await.map_err(within("aliases"))?;
        refusals::check(&client, &config).await.map_err(within("refusals"))?;
        listing::check(&client).await.map_err(within("listing"))
    })
}

/// The SDK's own way through the environment, without retries: a first failure is a failure.
async fn configuration() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::disabled())
        .load()
        .await
}
