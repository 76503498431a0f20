//! The base64 form of a payload, which is the whole message of a journal commit.
//!
//! Standard alphabet, padding, one line, no other bytes. A message that deviates is malformed as a
//! whole: no part of its payload is returned.

use super::old_format;
use base64_simd::{AsOut, STANDARD};
use data_encoding::{BASE64, DecodeKind};
use gitmind_memory::{MemoryError, Vec};

/// Largest length of a decoded payload, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 65_536;
/// Largest length of a message that holds a payload, in bytes.
pub const MESSAGE_BYTES_MAX: usize = PAYLOAD_BYTES_MAX.div_ceil(3) * 4;

/// Why a message has no payload, or a payload no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The payload exceeds, or would exceed, [`PAYLOAD_BYTES_MAX`].
    #[error("the message has {len} characters, the limit is {PAYLOAD_BYTES_MAX} bytes in base64")]
    TooLong {
        /// Length of the message in bytes.
        len: usize,
    },
    /// The message is not base64.
    #[error("the message is not base64: {problem} at byte {position}")]
    NotBase64 {
        /// Offset of the first invalid byte, in bytes.
        position: usize,
        /// What is wrong there.
        problem: &'static str,
    },
    /// An allocation failed.
    #[error("no memory for a payload: {0}")]
    Memory(#[from] MemoryError),
}

/// Decodes `message` into `payload`, which is cleared first.
///
/// A message ends at its first NUL, as in the C tool. An empty message is an empty payload. The
/// edges of a message of June 2025 are converted to today's form.
///
/// ```
/// use gitmind_memory::{self as memory, Alloc, System};
/// let system = System::new();
/// let mut payload = memory::Vec::new(Alloc::new(&system));
/// gitmind_journal::decode_message(b"oA==", &mut payload)?;
/// assert_eq!(*payload, [0xa0]);
/// assert!(gitmind_journal::decode_message(b"oA==\n", &mut payload).is_err());
/// # Ok::<(), gitmind_journal::MessageError>(())
/// ```
///
/// # Errors
/// When the message is too long or not base64, or an allocation fails; `payload` is then empty.
pub fn decode_message(message: &[u8], payload: &mut Vec<'_, u8>) -> Result<(), MessageError> {
    payload.clear();
    let end = memchr::memchr(0, message).unwrap_or(message.len());
    let message = &message[..end];
    let is_old = old_format::is_old(message);
    if message.len() > if is_old { PAYLOAD_BYTES_MAX } else { MESSAGE_BYTES_MAX } {
        return Err(MessageError::TooLong { len: message.len() });
    }
    let bytes_max = match is_old {
        true => old_format::decoded_len(message),
        false => BASE64.decode_len(message.len()).map_err(not_base64)?,
    };
    payload.try_resize_zeroed(bytes_max)?;
    if is_old {
        old_format::transcode(message, payload);
        return Ok(());
    }
    // The SIMD decoder does not say what is wrong: after an error, the scalar one finds out.
    let decoded = STANDARD.decode(message, payload.as_out()).map(|payload| payload.len());
    if let Some(len) = decoded.ok().filter(|len| *len <= PAYLOAD_BYTES_MAX) {
        payload.truncate(len);
        return Ok(());
    }
    let decoded = match BASE64.decode_mut(message, payload) {
        Ok(len) if len > PAYLOAD_BYTES_MAX => Err(MessageError::TooLong { len: message.len() }),
        Ok(len) if len + padding_at_the_end(message) < bytes_max => Err(after_padding(message)),
        Ok(len) => Ok(len),
        Err(partial) => Err(not_base64(partial.error)),
    };
    payload.truncate(*decoded.as_ref().unwrap_or(&0));
    decoded.map(drop)
}

fn padding_at_the_end(message: &[u8]) -> usize {
    message.iter().rev().take_while(|&&byte| byte == b'=').count()
}

/// The error for bytes after the padding: the scalar decoder accepts concatenated messages.
fn after_padding(message: &[u8]) -> MessageError {
    let position = message.iter().position(|&byte| byte == b'=').unwrap_or(message.len());
    MessageError::NotBase64 { position, problem: "more follows the padding" }
}

fn not_base64(error: data_encoding::DecodeError) -> MessageError {
    let problem = match error.kind {
        DecodeKind::Length => "its length is not a multiple of four",
        DecodeKind::Symbol => "not a character of the standard alphabet",
        DecodeKind::Trailing => "unused bits are not zero",
        DecodeKind::Padding => "wrong padding",
    };
    MessageError::NotBase64 { position: error.position, problem }
}

/// Appends the message that holds `payload` to `out`.
///
/// # Errors
/// When the payload is over [`PAYLOAD_BYTES_MAX`] or an allocation fails; `out` is then unchanged.
pub fn encode_message(payload: &[u8], out: &mut Vec<'_, u8>) -> Result<(), MessageError> {
    let len = BASE64.encode_len(payload.len());
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(MessageError::TooLong { len });
    }
    let start = out.len();
    out.try_resize_zeroed(start + len)?;
    BASE64.encode_mut(payload, &mut out[start..]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::{Alloc, System};
    use proptest::prelude::*;
    use std::vec::Vec;

    fn decoded(message: &[u8]) -> Result<Vec<u8>, MessageError> {
        let system = System::new();
        let mut payload = super::Vec::new(Alloc::new(&system));
        payload.try_extend_from_slice(&[1, 2, 3])?;
        decode_message(message, &mut payload).map(|()| payload.to_vec())
    }

    fn encoded(payload: &[u8]) -> Result<Vec<u8>, MessageError> {
        let system = System::new();
        let mut message = super::Vec::new(Alloc::new(&system));
        let outcome = encode_message(payload, &mut message);
        assert!(outcome.is_ok() || message.is_empty(), "a failure leaves it as it was");
        outcome.map(|()| message.to_vec())
    }

    proptest! {
        #[test]
        fn an_encoded_payload_decodes_to_itself(
            payload in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let message = encoded(&payload).expect("it is short");
            prop_assert_eq!(decoded(&message), Ok(payload));
        }

        #[test]
        fn every_accepted_message_is_the_canonical_one_of_its_payload(
            message in "[A-Za-z0-9+/=\n -_]{0,24}|([A-Z]{4}|[A-Z]{2}[AEIM]=|[A-Z][AQgw]==){0,4}",
        ) {
            if let Ok(payload) = decoded(message.as_bytes()) {
                let again = encoded(&payload).expect("it is short");
                prop_assert_eq!(again, message.as_bytes());
            }
        }
    }

    proptest! {
        /// The SIMD decoder has separate code paths for long messages.
        #[test]
        fn the_simd_decoder_accepts_the_same_messages_as_the_scalar_one(
            payload in prop::collection::vec(any::<u8>(), 0..200),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut message = encoded(&payload).expect("it is short");
            if !message.is_empty() {
                let at = at.index(message.len());
                message[at] = byte;
            }
            let strict = BASE64.decode(&message).ok();
            let strict = strict.filter(|payload| BASE64.encode(payload).as_bytes() == message);
            let mut buffer = vec![0; message.len()];
            let simd = STANDARD.decode(&message, buffer.as_out()).ok();
            prop_assert_eq!(simd.as_deref(), strict.as_deref());
        }
    }

    #[test]
    fn concatenated_messages_are_malformed() {
        for (message, position) in [("oA==oA==", 2), ("oA==oKCg", 2), ("oKCgoKA=oA==", 7)] {
            let problem = "more follows the padding";
            let malformed = Err(MessageError::NotBase64 { position, problem });
            assert_eq!(decoded(message.as_bytes()), malformed, "{message}");
        }
    }

    #[test]
    fn a_payload_of_the_largest_length_is_accepted_and_one_byte_more_is_not() {
        let mut message = encoded(&[0; PAYLOAD_BYTES_MAX]).expect("the limit itself");
        assert_eq!(message.len(), MESSAGE_BYTES_MAX);
        assert_eq!(decoded(&message).map(|payload| payload.len()), Ok(PAYLOAD_BYTES_MAX));
        for end in [b"A=", b"AA"] {
            message.truncate(MESSAGE_BYTES_MAX - 2);
            message.extend_from_slice(end);
            assert_eq!(decoded(&message), Err(MessageError::TooLong { len: MESSAGE_BYTES_MAX }));
        }
        message.extend_from_slice(b"AAAA");
        let len = message.len();
        assert_eq!(decoded(&message), Err(MessageError::TooLong { len }));
        assert!(encoded(&[0; PAYLOAD_BYTES_MAX + 1]).is_err());
    }

    #[test]
    fn a_message_ends_at_its_first_nul() {
        assert_eq!(decoded(b"oA==\0 anything"), Ok(vec![0xa0]));
        assert_eq!(decoded(b"\0"), Ok(vec![]));
    }
}
