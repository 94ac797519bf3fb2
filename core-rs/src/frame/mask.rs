//! The masking of client frames (RFC 6455, section 5.3).

const WORD: usize = size_of::<u64>();

/// Unmasks `bytes` in place; they start `offset` bytes into the payload that `key` masks.
pub(super) fn unmask(bytes: &mut [u8], key: [u8; 4], offset: usize) {
    let mut rotated = key;
    rotated.rotate_left(offset % key.len());
    let half = u32::from_ne_bytes(rotated);
    let word = u64::from(half) << 32 | u64::from(half);

    let mut words = bytes.chunks_exact_mut(WORD);
    for chunk in &mut words {
        let masked = u64::from_ne_bytes(chunk.try_into().expect("chunks are a word long"));
        chunk.copy_from_slice(&(masked ^ word).to_ne_bytes());
    }
    for (byte, mask) in words.into_remainder().iter_mut().zip(rotated.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_unmask_as_single_bytes_do(
            bytes in prop::collection::vec(any::<u8>(), 0..100),
            key in any::<[u8; 4]>(),
            offset in 0usize..20,
        ) {
            let mut fast = bytes.clone();
            unmask(&mut fast, key, offset);
            let slow: Vec<u8> =
                bytes.iter().enumerate().map(|(i, byte)| byte ^ key[(offset + i) % 4]).collect();
            prop_assert_eq!(fast, slow);
        }
    }
}
