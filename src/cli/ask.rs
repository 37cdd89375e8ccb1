//! Questions at the terminal.

use std::io::{BufRead, IsTerminal, Write};

use crate::door::policy::{Ask, Asked, Consent, NoTerminal, Question};

/// The person at the terminal, or nobody when there is none.
pub fn terminal() -> std::sync::Arc<dyn Ask> {
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        std::sync::Arc::new(Terminal)
    } else {
        std::sync::Arc::new(NoTerminal)
    }
}

/// Asks on standard error, reads from standard input.
struct Terminal;

impl Ask for Terminal {
    fn ask(&self, question: &Question) -> Consent {
        let mut screen = std::io::stderr().lock();
        let answers = if question.offers_all() { "[y]es, [a]ll of these in this run, [n]o" } else { "[y]es, [n]o" };
        for _ in 0..3 {
            if write!(screen, "{} {answers}: ", render(question)).and_then(|()| screen.flush()).is_err() {
                return Consent::Nobody;
            }
            let mut line = String::new();
            match std::io::stdin().lock().read_line(&mut line) {
                Ok(0) | Err(_) => return Consent::No,
                Ok(_) => {}
            }
            match line.trim().to_lowercase().as_str() {
                "y" | "yes" => return Consent::Yes,
                "a" | "all" if question.offers_all() => return Consent::All,
                "n" | "no" | "" => return Consent::No,
                _ => {}
            }
        }
        Consent::No
    }
}

fn render(question: &Question) -> String {
    match question {
        Question::Script(text) => text.clone(),
        Question::Confirm(asked) => format!("{}\n  Go on?", describe(asked)),
        Question::Right(asked) => {
            format!("{}\n  '{}' does not allow destroy. Allow it for this request?", describe(asked), asked.target)
        }
    }
}

fn describe(asked: &Asked) -> String {
    let items = if asked.items == 1 { String::new() } else { format!(" ({} items)", asked.items) };
    let mut text = format!("{}: {}{items} would {} something.", asked.target, asked.call, asked.effect);
    for item in &asked.first {
        text.push_str("\n    ");
        text.push_str(item);
    }
    if asked.items > asked.first.len() as u64 && asked.first.len() == 5 {
        text.push_str("\n    …");
    }
    text
}
