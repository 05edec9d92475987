//! Unsigned numbers in as few bytes as they need: seven bits a byte, the lowest first, LEB128 as in DWARF 5 §7.6.

/// The most bytes of a number.
pub(super) const BYTES_MAX: usize = 10;

/// Appends a number.
pub(super) fn write(mut number: u64, bytes: &mut Vec<u8>) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// Reads a number at the beginning; the rest is behind it. `None` when it does not end, or is too large.
pub(super) fn read(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (at, byte) in bytes.iter().enumerate().take(BYTES_MAX) {
        let part = u64::from(byte & 0x7f);
        let shift = 7 * u32::try_from(at).ok()?;
        number |= part.checked_shl(shift).filter(|shifted| shifted >> shift == part)?;
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_and_endless_ones_do_not() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            write(number, &mut bytes);
            let len = bytes.len();
            bytes.push(9);
            assert_eq!(read(&bytes), Some((number, &[9][..])));
            assert_eq!(read(&bytes[..len - 1]), None);
        }
        assert_eq!(read(&[0xff; 12]), None);
    }
}
