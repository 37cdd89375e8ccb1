//! Sealing: what may hold secrets is encrypted at rest, with a key in the state folder.
//!
//! It protects a copied database and a backup of it, not against whoever can read the whole state
//! folder: that is the project's owner, who has the secrets anyway.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

use super::pack::keep_names;

/// The length of a key, in bytes.
const LENGTH: usize = 32;

/// The key of a state folder.
pub struct Seal {
    key: LessSafeKey,
    random: SystemRandom,
}

impl Seal {
    /// The key in `folder`, made if there is none yet.
    ///
    /// # Errors
    /// The file cannot be read or made, or is no key.
    pub fn open(folder: &Path) -> Result<Self, String> {
        let path = folder.join("journal.key");
        let wrong = |cause: String| format!("the journal's key {} cannot be used: {cause}", path.display());
        let random = SystemRandom::new();
        let mut bytes = [0_u8; LENGTH];
        random.fill(&mut bytes).map_err(|_| wrong("the system gives no random numbers".into()))?;
        // Written aside and linked into place: two processes at once end with one whole key.
        let aside = folder.join(format!(".journal.key.{}", std::process::id()));
        let mut options = fs::OpenOptions::new();
        match path.try_exists() {
            Ok(true) => {}
            _ => {
                let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&aside);
                file = file.and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()).map(|()| file));
                file.map_err(|error| wrong(error.to_string()))?;
                let linked = fs::hard_link(&aside, &path);
                let _gone = fs::remove_file(&aside);
                match linked {
                    Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(wrong(error.to_string())),
                    _ => {}
                }
                // What is sealed is lost with the key.
                keep_names(folder).map_err(|error| wrong(error.to_string()))?;
            }
        }
        let mut there = Vec::new();
        let read = fs::File::open(&path).and_then(|file| file.take(LENGTH as u64 + 1).read_to_end(&mut there));
        read.map_err(|error| wrong(error.to_string()))?;
        let key = UnboundKey::new(&CHACHA20_POLY1305, &there)
            .map_err(|_| wrong(format!("it has {} bytes, and not {LENGTH}", there.len())))?;
        Ok(Self { key: LessSafeKey::new(key), random })
    }

    /// Encrypts.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn seal(&self, mut bytes: Vec<u8>) -> Result<Vec<u8>, String> {
        let mut nonce = [0_u8; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| "the system gives no random numbers")?;
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut bytes)
            .map_err(|_| "an entry could not be sealed")?;
        bytes.splice(0..0, nonce);
        Ok(bytes)
    }

    /// Decrypts.
    ///
    /// # Errors
    /// What was not sealed with this key, or was changed since.
    pub fn open_sealed(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let wrong = "a sealed entry cannot be opened: it was changed, or sealed with another journal.key";
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN).ok_or(wrong)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong)?;
        let mut sealed = sealed.to_vec();
        let length = self.key.open_in_place(nonce, Aad::empty(), &mut sealed).map_err(|_| wrong)?.len();
        sealed.truncate(length);
        Ok(sealed)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_same_key_only() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let sealed = Seal::open(one.path()).unwrap().seal(b"canary".to_vec()).unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"canary"));
        assert_eq!(Seal::open(one.path()).unwrap().open_sealed(&sealed).unwrap(), b"canary");
        assert!(Seal::open(other.path()).unwrap().open_sealed(&sealed).is_err());
        let mut changed = sealed;
        *changed.last_mut().unwrap() ^= 1;
        assert!(Seal::open(one.path()).unwrap().open_sealed(&changed).is_err());
        let mode = fs::metadata(one.path().join("journal.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
