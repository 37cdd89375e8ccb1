//! A mail relay that speaks SMTP as far as a client of ours does, with sign-in and TLS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How the relay protects its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Not at all.
    Plain,
    /// From `STARTTLS` on.
    Starttls,
    /// From the first byte on.
    Tls,
}

/// A mail that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The sender of the envelope.
    pub from: String,
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// The whole mail.
    pub text: String,
    /// Who signed in.
    pub user: Option<String>,
    /// Whether it came over TLS.
    pub protected: bool,
}

struct Shared {
    line: Line,
    account: Option<(String, String)>,
    tls: Arc<ServerConfig>,
    taken: Mutex<Vec<Taken>>,
    /// Everything that clients said, line by line.
    said: Mutex<Vec<String>>,
}

/// A relay on loopback.
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    certificate: String,
}

impl Relay {
    /// One that wants this user and password, if there is one.
    pub fn new(line: Line, account: Option<(&str, &str)>) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into(), "localhost".into()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let shared = Arc::new(Shared {
            line,
            account: account.map(|(user, password)| (user.to_owned(), password.to_owned())),
            tls: Arc::new(tls),
            taken: Mutex::default(),
            said: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let to = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&to);
                std::thread::spawn(move || shared.greet(stream));
            }
        });
        Self { address, shared, certificate: made.cert.pem() }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Writes its certificate into a folder.
    pub fn certificate(&self, folder: &Path) -> PathBuf {
        let path = folder.join("relay.pem");
        std::fs::write(&path, &self.certificate).unwrap();
        path
    }

    /// The mails that it took.
    pub fn taken(&self) -> Vec<Taken> {
        self.shared.taken.lock().unwrap().clone()
    }

    /// What clients said, line by line.
    pub fn said(&self) -> Vec<String> {
        self.shared.said.lock().unwrap().clone()
    }
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Shared {
    fn greet(&self, stream: TcpStream) {
        let line: Box<dyn Stream> = match self.line {
            Line::Tls => self.protect(stream.try_clone().unwrap()),
            Line::Plain | Line::Starttls => Box::new(stream.try_clone().unwrap()),
        };
        let mut line = BufReader::new(line);
        say(&mut line, "220 relay.example.com ESMTP");
        if self.talk(&mut line, self.line == Line::Tls) {
            let mut line = BufReader::new(self.protect(stream));
            self.talk(&mut line, true);
        }
    }

    fn protect(&self, stream: TcpStream) -> Box<dyn Stream> {
        Box::new(StreamOwned::new(ServerConnection::new(Arc::clone(&self.tls)).unwrap(), stream))
    }

    /// Talks until the client ends, or wants TLS.
    fn talk(&self, line: &mut BufReader<Box<dyn Stream>>, protected: bool) -> bool {
        let mut mail = Taken { from: String::new(), to: Vec::new(), text: String::new(), user: None, protected };
        while let Some(said) = hear(line) {
            self.said.lock().unwrap().push(said.clone());
            let word = said.split(' ').next().unwrap_or_default().to_uppercase();
            match word.as_str() {
                "EHLO" => {
                    let starttls = if self.line == Line::Starttls && !protected { "250-STARTTLS\r\n" } else { "" };
                    let auth = if self.account.is_some() { "250-AUTH PLAIN\r\n" } else { "" };
                    say(line, &format!("250-relay\r\n{starttls}{auth}250 8BITMIME"));
                }
                "STARTTLS" => {
                    say(line, "220 go on");
                    return true;
                }
                "AUTH" => match self.signed_in(&said) {
                    Some(user) => {
                        mail.user = Some(user);
                        say(line, "235 welcome");
                    }
                    None => say(line, "535 5.7.8 user name or password are wrong"),
                },
                "MAIL" if self.account.is_some() && mail.user.is_none() => say(line, "530 5.7.0 sign in first"),
                "MAIL" => {
                    mail.from = angle(&said);
                    say(line, "250 ok");
                }
                "RCPT" => {
                    mail.to.push(angle(&said));
                    say(line, "250 ok");
                }
                "DATA" => {
                    say(line, "354 go on");
                    while let Some(text) = hear(line).filter(|text| text != ".") {
                        mail.text.push_str(text.strip_prefix('.').unwrap_or(&text));
                        mail.text.push('\n');
                    }
                    self.taken.lock().unwrap().push(mail.clone());
                    say(line, "250 taken");
                }
                "QUIT" => {
                    say(line, "221 bye");
                    return false;
                }
                _ => say(line, "250 ok"),
            }
        }
        false
    }

    fn signed_in(&self, said: &str) -> Option<String> {
        let decoded = STANDARD.decode(said.rsplit(' ').next()?).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let mut parts = text.split('\0').skip(1);
        let given = (parts.next()?.to_owned(), parts.next()?.to_owned());
        (Some(&given) == self.account.as_ref()).then_some(given.0)
    }
}

fn say(line: &mut BufReader<Box<dyn Stream>>, text: &str) {
    let _gone = line.get_mut().write_all(format!("{text}\r\n").as_bytes()).and_then(|()| line.get_mut().flush());
}

fn hear(line: &mut BufReader<Box<dyn Stream>>) -> Option<String> {
    let mut text = String::new();
    let length = line.read_line(&mut text).ok()?;
    (length > 0).then(|| text.trim_end_matches(['\r', '\n']).to_owned())
}

fn angle(said: &str) -> String {
    said.split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or_else(String::new, |(inner, _)| inner.to_owned())
}
