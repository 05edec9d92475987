//! What operators do about other Regions: introductions, trust, status, and what two operator keys confirm.

pub(crate) mod add_operator_key;
pub(crate) mod force_promote;
pub(crate) mod init_region;
pub(crate) mod list_operator_keys;
pub(crate) mod list_regions;
pub(crate) mod region_status;
pub(crate) mod remove_operator_key;
pub(crate) mod request_confirmation;
pub(crate) mod take_home;
pub(crate) mod trust_region;
pub(crate) mod untrust_region;

use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;

use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::{Kind, Member, Structure};
use crate::regions::{Action, Confirmation, Confirmed, Signature};

/// The name of a Region; whether it is one is seen later, so that the refusal is a sentence.
static REGION: Kind = text(64);
/// The name of an operator key.
static NAME: Kind = text(256);
/// 64 hexadecimal digits.
static FINGERPRINT: Kind = text(128);
/// A request or an introduction: JSON in a text.
static DOCUMENT: Kind = text(16_384);
static SIGNATURE: Kind = text(256);
static SIGNATURES: Kind = Kind::List { element: &SIGNED, min: 0, max: 16 };
static SIGNED: Kind = Kind::Structure(&Structure {
    members: &[Member::required("Fingerprint", &FINGERPRINT), Member::required("Signature", &SIGNATURE)],
});
static PUBLIC_KEY: Kind = Kind::Blob { min: 1, max: 1024 };

const fn text(max: usize) -> Kind {
    Kind::Text { min: 1, max, pattern: None }
}

fn refused(sentence: impl ToString) -> KmsError {
    KmsError::Refused(sentence.to_string())
}

/// A Region that somebody named.
fn region(name: &str) -> Result<Region, KmsError> {
    Region::parse(name).ok_or_else(|| refused(format!("`{name}` has not the form of a Region's name")))
}

/// The Region that the command is for.
fn own_region<'a>(desk: &'a Desk<'_>) -> Result<&'a Region, KmsError> {
    let own = &desk.caller.region;
    if desk.service.regions().is_local(own) {
        return Ok(own);
    }
    Err(refused(format!("the Region {own} is not served here")))
}

/// The Region that the command is for, and where others find it.
fn site<'a>(desk: &'a Desk<'_>) -> Result<(&'a Region, &'a str), KmsError> {
    let own = own_region(desk)?;
    let endpoint = desk.service.regions().endpoint().ok_or_else(|| {
        refused(
            "this server does not speak with other Regions: set region.listen and region.endpoint in its configuration \
             and restart it (`keyreeve dev` has every Region in one process and needs none of this)",
        )
    })?;
    Ok((own, endpoint))
}

/// What two operators confirmed: the request as text, and their signatures.
pub(crate) struct Signed {
    request: String,
    signatures: Vec<Signature>,
}

impl Signed {
    fn read(input: &mut Input<'_>) -> Result<Option<Self>, KmsError> {
        let mut signatures = Vec::new();
        for mut element in input.structures("Signatures") {
            signatures.push(Signature {
                fingerprint: element.required_text("Fingerprint")?,
                signature: element.required_text("Signature")?,
            });
        }
        Ok(input.text("Request").map(|request| Self { request, signatures }))
    }

    fn confirmation(&self) -> Result<Confirmation, KmsError> {
        Confirmation::parse(&self.request).map_err(refused)
    }

    async fn check(&self, desk: &Desk<'_>) -> Result<Confirmed, KmsError> {
        own_region(desk)?;
        let request = self.confirmation()?;
        desk.service.regions().confirmed(desk, &request, &self.signatures).await
    }
}

/// A request for something else than the command does.
fn other_action(action: &Action) -> KmsError {
    let what = match action {
        Action::ForcePromote { .. } => "to force a promotion (`keyreeve region force-promote`)",
        Action::TakeHome { .. } => "to take the home of the identities (`keyreeve region take-home`)",
        Action::AddOperatorKey { .. } => "to add an operator key (`keyreeve region operator-key add`)",
        Action::RemoveOperatorKey { .. } => {
            "to remove an operator key (`keyreeve region operator-key remove`)"
        }
    };
    refused(format!("this request is one {what}"))
}
