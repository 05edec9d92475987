//! IAM, STS and CloudTrail against their models: inputs, and that every operation of the models has a row or a reason. Answers and
//! errors are held against the models wherever a test calls (`model.rs`).

use keyreeve_service::catalogue::{Api, CATALOGUE, Row};
use serde_json::Value;

use crate::model::{CLOUDTRAIL_MODEL, IAM_MODEL, STS_MODEL};
use crate::model_inputs::{compare, without_row};

/// Operations without a row: SAML, tokens of other kinds, AWS Organizations, and federation tokens.
const STS_NOT_OFFERED: &[&str] = &[
    "AssumeRoleWithSAML",
    "AssumeRoot",
    "DecodeAuthorizationMessage",
    "GetDelegatedAccessToken",
    "GetFederationToken",
    "GetWebIdentityToken",
];

fn rows(api: Api) -> impl Iterator<Item = &'static Row> {
    CATALOGUE.iter().filter(move |row| row.api == api)
}

fn models() -> [(Api, &'static Value); 3] {
    [(Api::Iam, &IAM_MODEL), (Api::Sts, &STS_MODEL), (Api::CloudTrail, &CLOUDTRAIL_MODEL)]
}

#[test]
fn every_operation_of_the_models_has_a_row_or_a_reason() {
    assert!(
        without_row(&IAM_MODEL, rows(Api::Iam)).is_empty(),
        "{:?}",
        without_row(&IAM_MODEL, rows(Api::Iam))
    );
    assert!(without_row(&CLOUDTRAIL_MODEL, rows(Api::CloudTrail)).is_empty());
    assert_eq!(without_row(&STS_MODEL, rows(Api::Sts)), STS_NOT_OFFERED.iter().copied().collect());
}

#[test]
fn every_row_has_the_members_of_its_modelled_input() {
    for (api, model) in models() {
        rows(api).for_each(|row| compare(model, row));
    }
}

#[test]
fn what_the_model_leaves_unsigned_is_unsigned() {
    for (api, model) in models() {
        for row in rows(api) {
            assert_eq!(row.signed, model["operations"][row.name]["authtype"] != "none", "{}", row.name);
        }
    }
}

/// The name of an action is that of the operation, but for what an operation asks besides.
#[test]
fn the_first_action_has_the_name_of_the_operation() {
    for (api, service) in [(Api::Iam, "iam"), (Api::CloudTrail, "cloudtrail")] {
        for row in rows(api) {
            assert_eq!(row.actions.first().copied(), Some(format!("{service}:{}", row.name).as_str()));
        }
    }
}
