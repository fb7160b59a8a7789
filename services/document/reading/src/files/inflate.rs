//! How much packed data unpacks to: unpacked into nothing, in a few KiB of memory.

use flate2::{Decompress, FlushDecompress, Status};

/// Up to here a file may unpack to any number of times its size, as a scan of empty paper does: 32 MiB, A4 in colour at
/// 300 dots an inch.
const SMALL_BYTES: u64 = 32 << 20;

/// Beyond [`SMALL_BYTES`] a file may unpack to this many times its size. Scans of written paper come to less than 50.
const MAX_EXPANSION: u64 = 250;

/// All that is unpacked of one file, 1 GiB: 50 pages of A4 in gray at 300 dots an inch, twice.
const MAX_BYTES: u64 = 1 << 30;

/// Data that is packed in packed data is followed down to this depth; what is deeper meets the limits of the sandbox.
const MAX_DEPTH: u32 = 4;

const BUFFER_BYTES: usize = 16 << 10;

/// What the packed data of one file came to so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// The bytes of the outermost packed data.
    packed: u64,
    /// The bytes that came out, at all depths.
    unpacked: u64,
}

impl Tally {
    /// Whether it is more than a document needs.
    pub(super) fn is_too_much(self) -> bool {
        let far_more = self.unpacked > SMALL_BYTES && self.unpacked > self.packed * MAX_EXPANSION;
        far_more || self.packed + self.unpacked > MAX_BYTES
    }

    /// Unpacks what begins at the start of `data`, to its end, to the first byte that is wrong, or until it is too much.
    pub(super) fn add(&mut self, data: &[u8]) {
        if !begins(data) {
            return;
        }
        let mut layer = Layer::new(0);
        // To begin costs time and memory too, also where nothing comes out.
        self.unpacked += BUFFER_BYTES as u64;
        // In pieces, so that `packed` never runs far ahead of `unpacked`.
        for mut piece in data.chunks(1 << 10) {
            let mut state = State::Wanting;
            while !piece.is_empty() || state == State::Full {
                let taken;
                (taken, state) = layer.take(piece, self);
                self.packed += taken as u64;
                piece = &piece[taken..];
                if state == State::Over || self.is_too_much() {
                    return;
                }
            }
        }
    }
}

/// Whether data begins like zlib's (RFC 1950): method 8, and a header that is a multiple of 31.
fn begins(data: &[u8]) -> bool {
    matches!(data, [method, flags, ..] if method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// More data is needed.
    Wanting,
    /// More may come out without more data.
    Full,
    Over,
}

/// What comes out of a layer.
enum Inside {
    NotSeen,
    Plain,
    Packed(Box<Layer>),
}

/// One depth of packing.
struct Layer {
    inflater: Decompress,
    depth: u32,
    inside: Inside,
}

impl Layer {
    fn new(depth: u32) -> Self {
        Self {
            inflater: Decompress::new(true),
            depth,
            inside: Inside::NotSeen,
        }
    }

    /// Unpacks one buffer full at most; how many bytes of `data` that took.
    fn take(&mut self, data: &[u8], tally: &mut Tally) -> (usize, State) {
        let mut buffer = [0; BUFFER_BYTES];
        let (before_in, before_out) = (self.inflater.total_in(), self.inflater.total_out());
        let result = self.inflater.decompress(data, &mut buffer, FlushDecompress::None);
        let taken = (self.inflater.total_in() - before_in) as usize;
        let made = (self.inflater.total_out() - before_out) as usize;
        tally.unpacked += made as u64;
        self.look_inside(&buffer[..made], tally);
        let state = match result {
            Ok(Status::Ok | Status::BufError) if made == BUFFER_BYTES => State::Full,
            // No progress though there is data would be no progress for ever.
            Ok(Status::Ok | Status::BufError) if taken + made > 0 || data.is_empty() => State::Wanting,
            Ok(_) | Err(_) => State::Over,
        };
        (taken, state)
    }

    fn look_inside(&mut self, mut made: &[u8], tally: &mut Tally) {
        if matches!(self.inside, Inside::NotSeen) && !made.is_empty() {
            let depth = self.depth + 1;
            self.inside = if depth < MAX_DEPTH && begins(made) {
                Inside::Packed(Box::new(Self::new(depth)))
            } else {
                Inside::Plain
            };
        }
        let mut state = State::Wanting;
        while let Inside::Packed(layer) = &mut self.inside
            && (!made.is_empty() || state == State::Full)
            && !tally.is_too_much()
        {
            let taken;
            (taken, state) = layer.take(made, tally);
            made = &made[taken..];
            if state == State::Over {
                self.inside = Inside::Plain;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::ZlibEncoder};
    use std::io::Write;

    fn pack(data: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).expect("into memory");
        encoder.finish().expect("into memory")
    }

    fn tally(data: &[u8]) -> Tally {
        let mut tally = Tally::default();
        tally.add(data);
        tally
    }

    #[test]
    fn what_comes_out_is_counted_at_every_depth() {
        let plain = vec![7; 3 << 20];
        let once = pack(&plain);
        let twice = pack(&once);
        assert_eq!(tally(&plain), Tally::default());
        // What begins is charged a buffer.
        let begun = BUFFER_BYTES as u64;
        assert_eq!(tally(&once).unpacked, begun + plain.len() as u64);
        assert_eq!(tally(&twice).unpacked, begun + (plain.len() + once.len()) as u64);
        assert_eq!(tally(&twice).packed, twice.len() as u64);
        assert_eq!(tally(&once[..once.len() / 2]).packed, once.len() as u64 / 2);
    }

    #[test]
    fn a_bomb_in_a_bomb_is_found_out_long_before_its_end() {
        let one = pack(&vec![0; 24 << 20]);
        let inner = one.repeat(64);
        // Only the first of several packed pieces in a row belongs to a stream, so this one ends after 24 MiB.
        assert!(!tally(&pack(&inner)).is_too_much());
        let blank = pack(&vec![0; 200 << 20]);
        for bomb in [blank.clone(), pack(&blank), pack(&pack(&blank))] {
            let tally = tally(&bomb);
            assert!(tally.is_too_much());
            assert!(tally.unpacked < SMALL_BYTES + (4 << 20), "{tally:?}");
        }
    }
}
