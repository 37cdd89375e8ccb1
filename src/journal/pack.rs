//! How bytes are kept: small ones as they are, others compressed, what may hold secrets sealed, and
//! large ones in files beside the database.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use zstd::bulk::Compressor;

use super::seal::Seal;

/// From this size on bytes are compressed.
pub const COMPRESSED: usize = 256;

/// From this size on they are where a run waits for it: to begin with the tables takes as long as a page on the disk.
pub const COMPRESSED_AT_ONCE: usize = 4 << 10;

/// From this size on they stand in a file of their own.
const LARGE: usize = 1 << 20;

/// How much of something large is compressed together.
const FRAME: usize = 4 << 20;

/// How hard is compressed: the fastest way, for a run may wait for it.
const LEVEL: i32 = 1;

/// The largest thing that is unpacked again, in bytes: an answer that a run could take fits.
const LARGEST: usize = 2 << 30;

const ZSTD: u8 = 1;
const SEALED: u8 = 2;
const FILE: u8 = 4;

/// Packs and unpacks the bytes of one state folder.
pub struct Packer {
    folder: PathBuf,
    seal: OnceLock<Result<Seal, String>>,
    /// Made once: it has large tables.
    compressor: Mutex<Compressor<'static>>,
}

impl Packer {
    /// A packer for the state folder `folder`.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), seal: OnceLock::new(), compressor: Mutex::default() }
    }

    fn seal(&self) -> Result<&Seal, String> {
        self.seal.get_or_init(|| Seal::open(&self.folder)).as_ref().map_err(Clone::clone)
    }

    /// Packs bytes that stand in one or more pieces, and compresses them if there are so many. Large ones go to `file`,
    /// if one is given: a run's id, and a name that is unique in it.
    ///
    /// # Errors
    /// A file that cannot be written, or a key that cannot be used.
    pub fn pack(
        &self,
        pieces: &[&[u8]],
        compressed: usize,
        sealed: bool,
        file: Option<(&str, &str)>,
    ) -> Result<Vec<u8>, String> {
        let length = pieces.iter().map(|piece| piece.len()).sum();
        let zipped = if length < compressed { None } else { Some(self.compress(pieces, length)) };
        let zipped = zipped.transpose().map_err(|error| error.to_string())?;
        let (mut bytes, mut flags) = match zipped.filter(|zipped| zipped.len() < length) {
            Some(zipped) => (zipped, ZSTD),
            None => (pieces.concat(), 0),
        };
        if sealed {
            bytes = self.seal()?.seal(bytes)?;
            flags |= SEALED;
        }
        if let Some((run, name)) = file.filter(|_| bytes.len() >= LARGE) {
            let folder = self.run_folder(run);
            self.write(&folder, name, &bytes)?;
            // With its hash, so that the chain of changes covers it.
            bytes = format!("{name}:{}", super::hex(&super::sha256(&bytes))).into_bytes();
            flags |= FILE;
        }
        bytes.insert(0, flags);
        Ok(bytes)
    }

    fn compress(&self, pieces: &[&[u8]], length: usize) -> io::Result<Vec<u8>> {
        let mut compressor = self.compressor.lock().unwrap_or_else(PoisonError::into_inner);
        compressor.set_compression_level(LEVEL)?;
        if length < LARGE {
            return match pieces {
                [whole] => compressor.compress(whole),
                pieces => compressor.compress(&pieces.concat()),
            };
        }
        // Frame by frame, which stand for one text when they follow each other: a large answer is not copied, no room
        // is made for its whole length, and a frame that lies there whole takes half the time of a stream.
        let mut zipped = Vec::new();
        for part in pieces.iter().flat_map(|piece| piece.chunks(FRAME)) {
            zipped.extend(compressor.compress(part)?);
        }
        Ok(zipped)
    }

    /// What was packed.
    ///
    /// # Errors
    /// What is damaged or gone.
    pub fn unpack(&self, packed: &[u8], run: &str) -> Result<Vec<u8>, String> {
        let (flags, rest) = packed.split_first().ok_or("an entry is empty")?;
        let mut bytes = if flags & FILE == 0 {
            rest.to_vec()
        } else {
            let text = std::str::from_utf8(rest).ok().filter(|name| !name.contains(['/', '.']));
            let (name, hash) = text.and_then(|text| text.split_once(':')).ok_or("an entry names no file")?;
            let path = self.run_folder(run).join(name);
            let read = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            if super::hex(&super::sha256(&read)) != hash {
                return Err(format!("{} was changed", path.display()));
            }
            read
        };
        if flags & SEALED != 0 {
            bytes = self.seal()?.open_sealed(&bytes)?;
        }
        if flags & ZSTD != 0 {
            bytes = unzip(&bytes)?;
        }
        Ok(bytes)
    }

    /// The folder of a run's large answers.
    pub fn run_folder(&self, run: &str) -> PathBuf {
        self.folder.join("answers").join(run)
    }

    fn write(&self, folder: &Path, name: &str, bytes: &[u8]) -> Result<(), String> {
        let path = folder.join(name);
        let write = || -> io::Result<()> {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            // The name has to be on the disk before the entry that tells it, and so has its folder's.
            keep_names(folder)?;
            folder.parent().map_or(Ok(()), keep_names)
        };
        write().map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// Makes the names in a folder durable.
pub(super) fn keep_names(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

fn unzip(bytes: &[u8]) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let mut whole = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(bytes).map_err(|error| error.to_string())?;
    // A damaged entry could claim any size.
    let read = decoder.take(LARGEST as u64).read_to_end(&mut whole);
    read.map_err(|error| format!("a compressed entry is damaged: {error}"))?;
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_every_size_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let packer = Packer::new(folder.path());
        let noise = |length: usize| (0..length).map(|_| fastrand::u8(..)).collect::<Vec<u8>>();
        for bytes in [Vec::new(), b"x".to_vec(), vec![7; 5_000], noise(3 << 20), vec![7; 2 * FRAME + 1]] {
            for sealed in [false, true] {
                let packed = packer.pack(&[&bytes], COMPRESSED, sealed, Some(("run", "1-a"))).unwrap();
                assert!(packed.len() <= LARGE + 100);
                assert_eq!(packer.unpack(&packed, "run").unwrap(), bytes);
            }
        }
    }

    #[test]
    fn a_large_answer_stands_beside_the_database_and_its_loss_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let packer = Packer::new(folder.path());
        let noise: Vec<u8> = (0..LARGE * 2).map(|_| fastrand::u8(..)).collect();
        let packed = packer.pack(&[&noise], COMPRESSED, false, Some(("run", "1-a"))).unwrap();
        let file = folder.path().join("answers/run/1-a");
        assert!(file.exists());
        fs::remove_file(file).unwrap();
        assert!(packer.unpack(&packed, "run").unwrap_err().contains("answers/run/1-a"));
    }
}
