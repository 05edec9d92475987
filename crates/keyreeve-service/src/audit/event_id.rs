//! Draws ids of events: version 4 UUIDs from random bytes that a thread draws for many at once, as each draw of its own is a
//! system call. They name events; nothing relies on their being secret.

use std::cell::RefCell;

use uuid::{Builder, Uuid};

/// How many ids one draw serves.
const IDS: usize = 64;
const ID_BYTES: usize = 16;

thread_local! {
    static POOL: RefCell<Vec<[u8; ID_BYTES]>> = const { RefCell::new(Vec::new()) };
}

/// A fresh id.
pub(super) fn draw() -> Uuid {
    POOL.with_borrow_mut(|pool| {
        if pool.is_empty() {
            let mut bytes = [0; IDS * ID_BYTES];
            if keyreeve_crypto::random::fill(&mut bytes).is_ok() {
                pool.extend(bytes.as_chunks().0);
            }
        }
        pool.pop().map_or_else(Uuid::new_v4, |bytes| Builder::from_random_bytes(bytes).into_uuid())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_ids_are_alike_also_beyond_one_draw() {
        let ids: HashSet<Uuid> = (0..3 * IDS).map(|_| draw()).collect();
        assert_eq!(ids.len(), 3 * IDS);
        assert!(ids.iter().all(|id| id.get_version_num() == 4));
    }
}
