//! Heartbeats: a check outside is told that something lives, by the convention of healthchecks.io. It
//! raises the alarm when it is not told in time, so that nothing here has to be alive for that.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use url::Url;

use crate::catalog::WireBody;
use crate::config::channels::usable_url;
use crate::config::{SecretSource, Secrets, Tls};
use crate::door::transport::{HttpTransport, Origin, Outgoing, SendError, Transport};

/// How long a check may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The pause before the second attempt, which is the last.
const PAUSE: Duration = Duration::from_secs(1);

/// How much of a body is sent: such checks show the beginning.
const BODY: usize = 10_000;

/// What a check is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// A run begins.
    Start,
    /// It succeeded; or: the service lives.
    Success,
    /// It did not.
    Failure,
}

impl Beat {
    /// What comes behind the URL of the check.
    const fn suffix(self) -> Option<&'static str> {
        match self {
            Self::Start => Some("start"),
            Self::Success => None,
            Self::Failure => Some("fail"),
        }
    }
}

/// Tells checks that things live.
pub struct Heartbeats {
    secrets: Arc<Secrets>,
    line: OnceLock<HttpTransport>,
}

impl Heartbeats {
    /// One that has told nothing yet.
    pub fn new(secrets: Arc<Secrets>) -> Self {
        Self { secrets, line: OnceLock::new() }
    }

    /// Tells the check of a URL, with a few words for people.
    ///
    /// # Errors
    /// Why it was not told; nothing of the URL is in it.
    pub async fn beat(&self, source: &SecretSource, beat: Beat, words: &str) -> Result<(), String> {
        let (secrets, wanted) = (Arc::clone(&self.secrets), source.clone());
        let fetching = tokio::task::spawn_blocking(move || secrets.fetch(&wanted));
        let secret = fetching.await.map_err(|error| error.to_string())??;
        let url = usable_url(secret.expose(), false).map_err(|why| format!("its url {why}"))?;
        let words: String = self.secrets.masker().mask(words).chars().take(BODY).collect();
        let outgoing = Outgoing {
            method: "POST",
            url: told(url, beat)?,
            headers: Vec::new(),
            body: WireBody::Text(words),
            timeout: TIMEOUT,
            max_answer: 1 << 20,
            accepts: &[],
            progress: None,
            save_to: None,
        };
        let line = self.line()?;
        let first = once(line, outgoing.clone()).await;
        if first.is_ok() {
            return first;
        }
        tokio::time::sleep(PAUSE).await;
        once(line, outgoing).await
    }

    fn line(&self) -> Result<&HttpTransport, String> {
        if let Some(line) = self.line.get() {
            return Ok(line);
        }
        let origin =
            Origin { name: "heartbeat".into(), tls: Tls::System, identity: None, proxy: None, connect: TIMEOUT };
        let opened = HttpTransport::open(origin).map_err(|fault| fault.message)?;
        Ok(self.line.get_or_init(|| opened))
    }
}

async fn once(line: &HttpTransport, outgoing: Outgoing) -> Result<(), String> {
    match line.send(outgoing).await {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
        Ok(answer) => Err(format!("the check answered with status {}", answer.status)),
        Err(SendError::NotSent(fault) | SendError::Lost(fault) | SendError::Unusable(fault)) => Err(fault.message),
    }
}

/// The URL for a beat: a word at the end of the path, before the query.
fn told(mut url: Url, beat: Beat) -> Result<Url, String> {
    if let Some(suffix) = beat.suffix() {
        let mut path = url.path_segments_mut().map_err(|()| "its url has no path".to_owned())?;
        path.pop_if_empty().push(suffix);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_is_a_word_at_the_end_of_the_path() {
        let told = |text: &str, beat| told(Url::parse(text).unwrap(), beat).unwrap().to_string();
        assert_eq!(told("https://hc.example/ping/u1", Beat::Start), "https://hc.example/ping/u1/start");
        assert_eq!(
            told("https://hc.example/ping/u1/?create=1", Beat::Failure),
            "https://hc.example/ping/u1/fail?create=1"
        );
        assert_eq!(told("https://hc.example/ping/u1", Beat::Success), "https://hc.example/ping/u1");
    }
}
