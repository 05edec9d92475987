//! `VerifyAudit`: what vouches for the audit log outside of its files (the head that was committed last, the keys that
//! sign), and whether the store agrees with it. `keyreeve audit verify --store` holds the files against the answer.

use keyreeve_audit::SignedHead;
use keyreeve_model::error::KmsError;
use serde::Serialize;

use crate::audit::Published;
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::Structure;
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;
use crate::reply::{Blob, Epoch};

pub(crate) static INPUT: Structure = Structure { members: &[] };

pub(crate) struct VerifyAudit;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    /// The head that was committed last.
    head: Option<SignedHead>,
    /// As ListPublicKeys answers them.
    public_key_list: Vec<KeyView>,
    /// One sentence for each row that disagrees with the log.
    disagreements: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyView {
    value: Blob<Vec<u8>>,
    validity_start_time: Epoch,
    validity_end_time: Epoch,
    fingerprint: String,
}

impl Operation for VerifyAudit {
    type Request = ();
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(_: &mut Input<'_>, _: &Desk<'_>) -> Result<(), KmsError> {
        Ok(())
    }

    fn names((): &()) {}

    async fn run<'a>(desk: &'a Desk<'a>, (): &'a (), _: AuthorizedCall<Self>) -> Result<Reply, KmsError> {
        let (service, home) = (desk.service, &desk.caller.region);
        // The head that was committed before: what was removed from the log since is missing from it.
        let head = service.committed_head().await?;
        service.commit_head(home).await?;
        let findings = service.scrub(home).await?;
        let view = |Published { key, from, until }| KeyView {
            value: Blob(key.pkcs1),
            validity_start_time: Epoch(from),
            validity_end_time: Epoch(until),
            fingerprint: key.fingerprint,
        };
        Ok(Reply {
            head,
            public_key_list: service.published_keys().await?.into_iter().map(view).collect(),
            disagreements: findings.iter().map(crate::audit::Finding::sentence).collect(),
        })
    }
}
