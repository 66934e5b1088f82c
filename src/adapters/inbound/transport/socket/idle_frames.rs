//! Counts the frames that bring a client's messages no further: pings, pongs, empty fragments.
//!
//! A frame costs the server about the same whatever it holds, so a client that sends nothing else
//! must be slowed down. Short fragments count in part; otherwise a message in pieces of one byte
//! would get around the limit.

/// After how many frames without any progress there is a pause.
const MAX_FRAMES: usize = 32;

/// A fragment of this many bytes counts as no frame at all, and a longer one makes up for others.
const FULL_FRAGMENT: usize = 64;

/// The balance of the frames since the last message or pause.
#[derive(Debug, Default)]
pub(super) struct IdleFrames {
    /// How many bytes of payload these frames have brought less than full fragments would have.
    missing: usize,
}

impl IdleFrames {
    /// Counts a frame that completes no message and brings `bytes` of one. Returns whether there
    /// have been so many that it is time for a pause; the count then starts again.
    pub(super) fn is_too_many(&mut self, bytes: usize) -> bool {
        self.missing = (self.missing + FULL_FRAGMENT).saturating_sub(bytes);
        let too_many = self.missing >= MAX_FRAMES * FULL_FRAGMENT;
        if too_many {
            self.missing = 0;
        }
        too_many
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of these frames, sent again and again, come before the first pause.
    fn until_pause(frames: &[usize]) -> Option<usize> {
        let mut idle_frames = IdleFrames::default();
        let mut frames = frames.iter().cycle().take(100_000);
        frames.position(|bytes| idle_frames.is_too_many(*bytes))
    }

    #[test]
    fn the_thirty_second_frame_without_progress_is_one_too_many_each_time() {
        let mut idle_frames = IdleFrames::default();
        for round in 0..3 {
            for frame in 1..=32 {
                assert_eq!(idle_frames.is_too_many(0), frame == 32, "{round}, {frame}");
            }
        }
    }

    #[test]
    fn short_fragments_count_in_part_and_longer_ones_not_at_all() {
        assert_eq!(until_pause(&[1]), Some(32));
        assert_eq!(until_pause(&[32]), Some(63));
        assert_eq!(until_pause(&[63]), Some(2_047));
        assert_eq!(until_pause(&[64]), None);
    }

    #[test]
    fn the_average_of_the_fragments_counts() {
        assert_eq!(until_pause(&[0, 128]), None);
        assert!(until_pause(&[0, 0, 128]).is_some());
    }
}
