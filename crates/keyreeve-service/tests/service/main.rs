//! The service from outside: JSON in, JSON or an AWS error out, over the in-memory store and a settable clock.
//!
//! One binary, so that linking is paid once. `rig.rs` holds every answer and every error of every test against the
//! model of the API (`model.rs`); `kit.rs` knows one valid request for each operation.

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod aliases;
#[cfg(test)]
mod asymmetric;
#[cfg(test)]
mod audit_examples;
#[cfg(test)]
mod audit_identities;
#[cfg(test)]
mod audit_outbox;
#[cfg(test)]
mod audit_records;
#[cfg(test)]
mod audit_rig;
#[cfg(test)]
mod audit_scrub;
#[cfg(test)]
mod audit_scrub_race;
#[cfg(test)]
mod authorization_matrix;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod condition_cases;
#[cfg(test)]
mod condition_keys;
#[cfg(test)]
mod condition_keys_of_trust;
#[cfg(test)]
mod condition_values;
#[cfg(test)]
mod condition_world;
#[cfg(test)]
mod deletion;
#[cfg(test)]
mod domain_epochs;
#[cfg(test)]
mod dry_run;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod grant_decisions;
#[cfg(test)]
mod grants;
#[cfg(test)]
mod iam_access_keys;
#[cfg(test)]
mod iam_account;
#[cfg(test)]
mod iam_managed_policies;
#[cfg(test)]
mod iam_matrix;
#[cfg(test)]
mod iam_oidc;
#[cfg(test)]
mod iam_policies;
#[cfg(test)]
mod iam_roles;
#[cfg(test)]
mod iam_simulation;
#[cfg(test)]
mod iam_users;
#[cfg(test)]
mod import;
#[cfg(test)]
mod import_expiry;
#[cfg(test)]
mod import_races;
#[cfg(test)]
mod import_refusals;
#[cfg(test)]
mod import_replicas;
#[cfg(test)]
mod importing;
#[cfg(test)]
mod key_states;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod mac;
#[cfg(test)]
mod managed_keys;
#[cfg(test)]
mod meddling;
#[cfg(test)]
mod model;
#[cfg(test)]
mod model_inputs;
#[cfg(test)]
mod model_oracle;
#[cfg(test)]
mod model_oracle_iam;
#[cfg(test)]
mod mortal_store;
#[cfg(test)]
mod multi_region_deletion;
#[cfg(test)]
mod multi_region_import;
#[cfg(test)]
mod multi_region_kit;
#[cfg(test)]
mod multi_region_primary;
#[cfg(test)]
mod multi_region_replicas;
#[cfg(test)]
mod multi_region_use;
#[cfg(test)]
mod order_of_checks;
#[cfg(test)]
mod paging;
#[cfg(test)]
mod people;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod region_home;
#[cfg(test)]
mod region_returns;
#[cfg(test)]
mod regions;
#[cfg(test)]
mod regions_apart;
#[cfg(test)]
mod regions_damaged;
#[cfg(test)]
mod regions_hostile;
#[cfg(test)]
mod regions_killed;
#[cfg(test)]
mod regions_restored;
#[cfg(test)]
mod regions_scenarios;
#[cfg(test)]
mod regions_world;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod rotation_job;
#[cfg(test)]
mod serialization;
#[cfg(test)]
mod shaped;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod sts;
#[cfg(test)]
mod sts_rig;
#[cfg(test)]
mod symmetric;
#[cfg(test)]
mod tags;
#[cfg(test)]
mod tamper;
#[cfg(test)]
mod trails;
#[cfg(test)]
mod usage;
#[cfg(test)]
mod validation;
#[cfg(test)]
mod web_identity;
