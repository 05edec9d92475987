//! Answers, parsed no further than the load needs: the status, and where the answer ends.

use crate::Failure;

const STATUS_OK: &[u8] = b"HTTP/1.1 200 ";
const END_OF_HEAD: &[u8] = b"\r\n\r\n";
const CONTENT_LENGTH: &[u8] = b"content-length:";
/// How much of an unexpected answer is shown.
const SHOWN_BYTES: usize = 600;

/// An answer with status 200, complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Where the body begins.
    pub(crate) body_at: usize,
    /// Bytes of the whole answer.
    pub(crate) total: usize,
}

/// The extent of the answer at the start of `bytes`; `None` while it is incomplete.
///
/// # Errors
/// Any status but 200, or no `content-length`: shows the answer.
pub(crate) fn extent(bytes: &[u8]) -> Result<Option<Extent>, Failure> {
    if bytes.len() >= STATUS_OK.len() && !bytes.starts_with(STATUS_OK) {
        return Err(unexpected(bytes));
    }
    let Some(head_len) = bytes.windows(END_OF_HEAD.len()).position(|window| window == END_OF_HEAD) else {
        return Ok(None);
    };
    let (head, _) = bytes.split_at(head_len);
    let body_len = content_length(head).ok_or_else(|| unexpected(bytes))?;
    let body_at = head_len + END_OF_HEAD.len();
    let total = body_at.checked_add(body_len).ok_or_else(|| unexpected(bytes))?;
    Ok((bytes.len() >= total).then_some(Extent { body_at, total }))
}

fn content_length(head: &[u8]) -> Option<usize> {
    let value = head.split(|byte| *byte == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked(CONTENT_LENGTH.len())?;
        name.eq_ignore_ascii_case(CONTENT_LENGTH).then_some(value)
    })?;
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

fn unexpected(bytes: &[u8]) -> Failure {
    let shown = bytes.get(..SHOWN_BYTES).unwrap_or(bytes);
    format!("the server did not answer 200:\n{}", String::from_utf8_lossy(shown)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ndate: x\r\nContent-Length: 2\r\nx-amzn-requestid: y\r\n\r\n{}";

    #[test]
    fn an_answer_is_complete_at_its_last_byte_and_not_before() {
        let complete = Extent { body_at: ANSWER.len() - 2, total: ANSWER.len() };
        for len in 0..ANSWER.len() {
            assert_eq!(extent(&ANSWER[..len]).unwrap(), None, "{len}");
        }
        assert_eq!(extent(ANSWER).unwrap(), Some(complete));
        assert_eq!(extent(&[ANSWER, b"HTTP/1.1 500"].concat()).unwrap(), Some(complete));
    }

    #[test]
    fn everything_but_200_with_a_length_is_refused() {
        for answer in [
            &b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 2000 OK",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n",
        ] {
            assert!(extent(answer).is_err(), "{}", String::from_utf8_lossy(answer));
        }
    }
}
