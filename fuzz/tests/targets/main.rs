//! The fuzz targets: one module a kind of input. `seeded.rs` runs them, `tape.rs` turns bytes into choices.

/// Declares a target: a test of `$cases` seeded tapes, or under cargo-bolero a fuzz target of the engine chosen there.
macro_rules! target {
    ($name:ident, $cases:expr, $run:expr) => {
        #[test]
        fn $name() {
            let mut target = crate::seeded::Target::new($run);
            #[cfg(fuzzing)]
            bolero::check!().for_each(move |bytes: &[u8]| target.run(bytes));
            #[cfg(not(fuzzing))]
            bolero::TestTarget::new(crate::seeded::Seeded::new(
                concat!(module_path!(), "::", stringify!($name)),
                $cases,
            ))
            .for_each(move |bytes: &[u8]| target.run(bytes));
        }
    };
}

#[cfg(test)]
mod audit_log;
#[cfg(test)]
mod blobs;
#[cfg(test)]
mod bodies;
#[cfg(test)]
mod conditions;
#[cfg(test)]
mod forms;
#[cfg(test)]
mod identities;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod json;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod names;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod sealed;
#[cfg(test)]
mod seeded;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod tape;
#[cfg(test)]
mod trails;
