//! `keyreeve dev`: what it prints is what a newcomer pastes next.

use std::fmt::Write as _;
use std::net::SocketAddr;

use keyreeve_model::region::{AccountId, Region};
use keyreeve_server::delivery::Destination;
use keyreeve_server::deployment::{AuditSettings, Durability, Mode};
use keyreeve_server::dev::{self, DevOptions, DevReady, DevTls};
use keyreeve_server::doors::TrustedProxies;
use keyreeve_server::seed::SeedFile;
use keyreeve_server::streams::{Content, FeedSettings};

use super::Failure;
use crate::cli::Dev;
use crate::terminal;

pub(crate) fn run(arguments: Dev) -> Result<(), Failure> {
    let seed = match &arguments.seed {
        Some(path) => Some(SeedFile {
            path: path.clone(),
            region: Region::parse(&arguments.seed_region).ok_or("--seed-region: no such Region")?,
            account: AccountId::parse(&arguments.seed_account)
                .ok_or("--seed-account: 12 digits are needed")?,
        }),
        None => None,
    };
    let tls = match (arguments.tls_cert, arguments.tls_key) {
        (Some(certificate), Some(key)) => DevTls::Files { certificate, key },
        _ if arguments.tls => DevTls::PrivateCa(arguments.tls_name),
        _ => DevTls::Off,
    };
    let trusted_proxies = TrustedProxies::parse(arguments.trusted_proxy.iter().map(String::as_str))
        .map_err(|problem| format!("--trusted-proxy: {problem}"))?;
    let mut feeds = targets(Content::Records, "--audit-stream", &arguments.audit_stream)?;
    feeds.extend(targets(Content::Notices, "--audit-notices", &arguments.audit_notices)?);
    let destination = |text: &String| {
        Destination::parse(text).map_err(|fault| format!("--audit-destination: `{text}` is {fault}"))
    };
    let destinations = arguments.audit_destination.iter().map(destination).collect::<Result<_, _>>()?;
    let durability = if arguments.audit_buffered { Durability::Buffered } else { Durability::Durable };
    let options = DevOptions {
        data: (!arguments.ephemeral).then_some(arguments.data),
        listen: SocketAddr::new(arguments.listen, arguments.port),
        clock: arguments.clock,
        tls,
        observe: arguments.observe,
        trusted_proxies,
        oidc_ca: arguments.oidc_ca,
        seed,
        destinations,
        audit: AuditSettings { durability, ..AuditSettings::of(Mode::Dev) },
        feeds,
    };
    dev::run(&options, |ready| terminal::print(&welcome(ready)))?;
    Ok(())
}

/// One stream for each text; their kinds, numbered where one comes again, are their names.
fn targets(content: Content, flag: &str, texts: &[String]) -> Result<Vec<FeedSettings>, Failure> {
    let mut feeds: Vec<FeedSettings> = Vec::new();
    for text in texts {
        let mut feed =
            FeedSettings::parse(content, text).map_err(|fault| format!("{flag}: `{text}` is {fault}"))?;
        let twins = feeds.iter().filter(|other| other.target.kind() == feed.target.kind()).count();
        if twins > 0 {
            feed.name = format!("{}-{}", feed.name, twins + 1);
        }
        feeds.push(feed);
    }
    Ok(feeds)
}

fn welcome(ready: &DevReady) -> String {
    let mut text = String::from("Keyreeve is ready. In another terminal:\n\n");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  export AWS_ENDPOINT_URL_KMS={}", ready.endpoint);
    text.push_str(
        "  export AWS_ENDPOINT_URL_IAM=$AWS_ENDPOINT_URL_KMS AWS_ENDPOINT_URL_STS=$AWS_ENDPOINT_URL_KMS\n\
         \x20 export AWS_ENDPOINT_URL_CLOUDTRAIL=$AWS_ENDPOINT_URL_KMS\n",
    );
    if let Some(ca) = &ready.ca {
        let _ = writeln!(text, "  export AWS_CA_BUNDLE={}", ca.display());
    }
    let _ = writeln!(text, "  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY={}", ready.secret);
    // Version 1 of the AWS CLI reads the second name only.
    text.push_str("  export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1\n");
    let _ = writeln!(text, "  aws kms create-key --description 'my first key'\n");
    match &ready.data {
        Some(folder) => {
            let _ = writeln!(text, "Keys are kept, sealed, in {}.", folder.display());
        }
        None => text.push_str("Keys are kept in memory: they are gone when this stops.\n"),
    }
    if let Some(observe) = ready.observe {
        let _ = writeln!(text, "Health and metrics: http://{observe}/health/ready http://{observe}/metrics");
    }
    text.push_str(
        "Signatures, key policies, IAM policies and grants decide every request, as on AWS, and every call is recorded:\n\
         aws cloudtrail lookup-events shows it. Stop with Ctrl-C.",
    );
    text
}
