//! Frames on the pipe between the service and an interpreter: a length, a kind, a number, a head of JSON, and
//! a body of bytes as they are.
//!
//! Both ends are the same program file, so that a frame has no version. Neither end believes the other: a
//! length is bounded, and room is taken only for what has really come.

use std::io::{self, Read, Write};

use bytes::Bytes;

/// The longest frame.
pub const LONGEST: u32 = 1 << 30;

/// What stands before head and body: the length of all that follows it, kind, number, length of the head.
const PREFIX: usize = 17;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: u8,
    /// Which question it is, or answers; 0 where there is none.
    pub number: u64,
    /// JSON.
    pub head: Vec<u8>,
    /// Bytes that go along.
    pub body: Bytes,
}

/// Why no frame came.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The other end is gone.
    #[error("the pipe was closed")]
    Closed,
    /// What came is no frame.
    #[error("what came over the pipe is no frame: {0}")]
    Garbage(String),
    /// The pipe cannot be used.
    #[error("the pipe cannot be used: {0}")]
    Pipe(#[from] io::Error),
}

/// Writes a frame.
///
/// # Errors
/// The frame is too long, or the pipe cannot be written to.
pub fn write(to: &mut impl Write, frame: &Frame) -> io::Result<()> {
    let rest = PREFIX - 4 + frame.head.len() + frame.body.len();
    let rest = u32::try_from(rest).ok().filter(|rest| *rest <= LONGEST);
    let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "a frame would be longer than 1 GB");
    let (rest, head) = (rest.ok_or_else(too_long)?, u32::try_from(frame.head.len()).map_err(|_| too_long())?);
    let mut first = Vec::with_capacity(PREFIX + frame.head.len());
    first.extend_from_slice(&rest.to_be_bytes());
    first.push(frame.kind);
    first.extend_from_slice(&frame.number.to_be_bytes());
    first.extend_from_slice(&head.to_be_bytes());
    first.extend_from_slice(&frame.head);
    to.write_all(&first)?;
    if !frame.body.is_empty() {
        to.write_all(&frame.body)?;
    }
    to.flush()
}

/// Reads the next frame.
///
/// # Errors
/// There is none, or what came is none.
pub fn read(from: &mut impl Read) -> Result<Frame, FrameError> {
    let mut prefix = [0; PREFIX];
    let mut have = 0;
    while have < PREFIX {
        match from.read(prefix.get_mut(have..).unwrap_or_default()) {
            Ok(0) if have == 0 => return Err(FrameError::Closed),
            Ok(0) => return Err(FrameError::Garbage("it breaks off".into())),
            Ok(read) => have += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // A process that is killed leaves what it has not read.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Err(FrameError::Closed),
            Err(error) => return Err(error.into()),
        }
    }
    let [r0, r1, r2, r3, kind, n0, n1, n2, n3, n4, n5, n6, n7, h0, h1, h2, h3] = prefix;
    let rest = u32::from_be_bytes([r0, r1, r2, r3]);
    let head = u32::from_be_bytes([h0, h1, h2, h3]);
    let number = u64::from_be_bytes([n0, n1, n2, n3, n4, n5, n6, n7]);
    if rest > LONGEST {
        return Err(FrameError::Garbage(format!("it would be {rest} bytes long")));
    }
    let both = u64::from(rest).checked_sub(PREFIX as u64 - 4).filter(|both| u64::from(head) <= *both);
    let Some(both) = both else { return Err(FrameError::Garbage("its lengths contradict each other".into())) };
    let mut read = |length: u64| -> Result<Vec<u8>, FrameError> {
        // Room grows with what comes, whatever the length says.
        let mut bytes = Vec::new();
        from.by_ref().take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(FrameError::Garbage("it breaks off".into())) }
    };
    let head_bytes = read(u64::from(head))?;
    let body = read(both - u64::from(head))?.into();
    Ok(Frame { kind, number, head: head_bytes, body })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames() -> impl Strategy<Value = Frame> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..200);
        (any::<u8>(), any::<u64>(), bytes(), bytes()).prop_map(|(kind, number, head, body)| Frame {
            kind,
            number,
            head,
            body: body.into(),
        })
    }

    /// Gives what it has in pieces of one to three bytes.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            let length = (self.1 % 3 + 1).min(into.len());
            self.0.read(into.get_mut(..length).unwrap())
        }
    }

    proptest! {
        #[test]
        fn frames_come_as_they_went_however_they_trickle(sent in prop::collection::vec(frames(), 0..5)) {
            let mut pipe = Vec::new();
            for frame in &sent {
                write(&mut pipe, frame).unwrap();
            }
            let mut trickle = Trickle(&pipe, 0);
            for frame in &sent {
                prop_assert_eq!(&read(&mut trickle).unwrap(), frame);
            }
            prop_assert!(matches!(read(&mut trickle), Err(FrameError::Closed)));
        }

        #[test]
        fn any_bytes_are_a_frame_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut rest = bytes.as_slice();
            while let Ok(frame) = read(&mut rest) {
                prop_assert!(frame.head.len() + frame.body.len() <= bytes.len());
            }
        }

        #[test]
        fn a_frame_that_breaks_off_is_refused(frame in frames(), kept in 0.0_f64..1.0) {
            let mut pipe = Vec::new();
            write(&mut pipe, &frame).unwrap();
            let kept = (pipe.len() as f64 * kept) as usize;
            let cut = pipe.get(..kept).unwrap();
            prop_assert!(read(&mut &*cut).is_err());
        }
    }

    #[test]
    fn a_length_alone_takes_no_room() {
        let mut prefix = Vec::new();
        prefix.extend_from_slice(&(LONGEST - 1).to_be_bytes());
        prefix.extend_from_slice(&[1; 9]);
        prefix.extend_from_slice(&(LONGEST / 2).to_be_bytes());
        assert!(matches!(read(&mut prefix.as_slice()), Err(FrameError::Garbage(_))));
        prefix.splice(..4, u32::MAX.to_be_bytes());
        assert!(matches!(read(&mut prefix.as_slice()), Err(FrameError::Garbage(_))));
    }
}
