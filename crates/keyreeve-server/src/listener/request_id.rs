//! Draws request ids: version 4 UUIDs from a buffer of random bytes a thread, so that an id costs no system call.
//! They name a request in answers and logs; nothing relies on their being secret.

use std::cell::RefCell;

use rustls::crypto::{SecureRandom, aws_lc_rs};
use uuid::{Builder, Uuid};

/// How many ids one draw from AWS-LC serves.
const IDS: usize = 64;
const ID_BYTES: usize = 16;

thread_local! {
    static POOL: RefCell<Vec<[u8; ID_BYTES]>> = const { RefCell::new(Vec::new()) };
}

/// A fresh request id.
pub(super) fn draw() -> Uuid {
    POOL.with_borrow_mut(|pool| match pool.pop() {
        Some(bytes) => Builder::from_random_bytes(bytes).into_uuid(),
        None => refill(pool),
    })
}

/// Fills the empty pool and returns one id more.
fn refill(pool: &mut Vec<[u8; ID_BYTES]>) -> Uuid {
    let random: &'static dyn SecureRandom = aws_lc_rs::default_provider().secure_random;
    let mut bytes = [0; IDS * ID_BYTES];
    if random.fill(&mut bytes).is_ok() {
        pool.extend(bytes.as_chunks().0);
    }
    // AWS-LC aborts rather than fail to draw, so this is also right if `fill` should ever report an error.
    Uuid::new_v4()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_4_and_do_not_repeat_across_refills() {
        let ids: std::collections::BTreeSet<_> = (0..3 * IDS).map(|_| draw()).collect();
        assert_eq!(ids.len(), 3 * IDS);
        assert!(ids.iter().all(|id| id.get_version_num() == 4));
    }
}
