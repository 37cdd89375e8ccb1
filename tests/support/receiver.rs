//! A receiver of HTTP requests that does what a test wants: answers, fails, hangs or lies.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// What is done with a request.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// It is answered with this status.
    Status(u16),
    /// It is never answered.
    Hang,
    /// It is answered with something that is no HTTP.
    Lie,
    /// The line is closed.
    Close,
}

/// A request that came in.
#[derive(Clone, Debug)]
pub struct Received {
    /// Method and path.
    pub line: String,
    /// Headers with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Received {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The path alone.
    pub fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }
}

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<Received>>,
    more: Condvar,
}

/// A receiver on loopback.
pub struct Receiver {
    address: std::net::SocketAddr,
    seen: Arc<Seen>,
}

impl Receiver {
    /// One that answers everything with 200.
    pub fn new() -> Self {
        Self::with(&[Manner::Status(200)])
    }

    /// One that treats the first request in the first manner, and so on; the last manner stays.
    pub fn with(manners: &[Manner]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let (manners, to) = (manners.to_vec(), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (manners, to) = (manners.clone(), Arc::clone(&to));
                std::thread::spawn(move || serve(stream, &manners, &to));
            }
        });
        Self { address, seen }
    }

    /// The URL of a path here.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What came in so far.
    pub fn received(&self) -> Vec<Received> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// Waits until so many have come in.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Vec<Received> {
        let until = Instant::now() + Duration::from_secs(30);
        let mut requests = self.seen.requests.lock().unwrap();
        while requests.len() < count {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{count} requests never came; seen: {requests:#?}");
            requests = self.seen.more.wait_timeout(requests, left).unwrap().0;
        }
        requests.clone()
    }
}

fn serve(stream: TcpStream, manners: &[Manner], seen: &Seen) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    while let Some(received) = read(&mut reader) {
        let nth = {
            let mut requests = seen.requests.lock().unwrap();
            requests.push(received);
            seen.more.notify_all();
            requests.len() - 1
        };
        let answer = match manners[nth.min(manners.len() - 1)] {
            Manner::Status(status) => format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nok"),
            Manner::Lie => "220 this is no HTTP\r\n\r\n".to_owned(),
            Manner::Close => return,
            Manner::Hang => {
                std::thread::sleep(Duration::from_secs(60));
                return;
            }
        };
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_lowercase(), value.to_owned())),
            None => break,
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    let line = line.trim_end().rsplit_once(' ').map_or_else(String::new, |(line, _)| line.to_owned());
    Some(Received { line, headers, body: String::from_utf8_lossy(&body).into_owned() })
}
