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
mod concurrency;
#[cfg(test)]
mod deletion;
#[cfg(test)]
mod dry_run;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod key_states;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod mac;
#[cfg(test)]
mod managed_keys;
#[cfg(test)]
mod model;
#[cfg(test)]
mod model_oracle;
#[cfg(test)]
mod order_of_checks;
#[cfg(test)]
mod paging;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod serialization;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod symmetric;
#[cfg(test)]
mod tags;
#[cfg(test)]
mod tamper;
#[cfg(test)]
mod validation;
