//! Questions at the terminal.

use std::io::IsTerminal;
use std::sync::Arc;

use rustyline::config::{Behavior, BellStyle};
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Config, Editor};

use crate::catalog::Effect;
use crate::cli::screen::Screen;
use crate::door::Halt;
use crate::door::policy::{Ask, Asked, Consent, NoTerminal, Question};
use crate::wrap::cut;

/// The person at the terminal, or nobody when there is none. Ctrl-C at a question cancels the run.
pub fn terminal(halt: &Halt) -> Arc<dyn Ask> {
    person(None, halt)
}

/// The same, where a screen draws: it stands still while a question is open.
pub fn at(screen: &Arc<Screen>, halt: &Halt) -> Arc<dyn Ask> {
    person(Some(Arc::clone(screen)), halt)
}

fn person(screen: Option<Arc<Screen>>, halt: &Halt) -> Arc<dyn Ask> {
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        Arc::new(Terminal { screen, halt: halt.clone() })
    } else {
        Arc::new(NoTerminal)
    }
}

/// Asks at the terminal itself: what goes to standard output stays data.
struct Terminal {
    screen: Option<Arc<Screen>>,
    halt: Halt,
}

impl Ask for Terminal {
    fn ask(&self, question: &Question) -> Consent {
        match &self.screen {
            Some(screen) => screen.still(|| self.answer(question)),
            None => self.answer(question),
        }
    }
}

impl Terminal {
    fn render(&self, question: &Question, width: usize) -> String {
        let text = render(question, width);
        self.screen.as_ref().map_or_else(|| text.clone(), |screen| screen.masked(&text))
    }

    fn answer(&self, question: &Question) -> Consent {
        let config = Config::builder().behavior(Behavior::PreferTerm).bell_style(BellStyle::None).build();
        let Ok(mut editor) = Editor::<(), MemHistory>::with_history(config, MemHistory::new()) else {
            return Consent::Nobody;
        };
        let text = self.render(question, super::table::terminal_width().unwrap_or(super::table::WIDTH).into());
        let (facts, asked) = text.rsplit_once('\n').unwrap_or(("", &text));
        if !facts.is_empty() {
            eprintln!("{facts}");
        }
        let answers = if question.offers_all() { "[y]es, [a]ll of these in this run, [n]o" } else { "[y]es, [n]o" };
        for _ in 0..3 {
            let line = match editor.readline(&format!("{asked} {answers}: ")) {
                Ok(line) => line,
                Err(ReadlineError::Interrupted) => {
                    self.halt.cancel();
                    return Consent::No;
                }
                Err(_) => return Consent::No,
            };
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

fn render(question: &Question, width: usize) -> String {
    match question {
        Question::Script(text) => text.clone(),
        Question::Confirm(asked) => describe(asked, width, "Send it?"),
        Question::Right(asked) => {
            describe(asked, width, &format!("'{}' does not allow destroy. Allow it for this request?", asked.target))
        }
    }
}

/// What would be done: the call and the target, how much, the first of it, and the question.
fn describe(asked: &Asked, width: usize, question: &str) -> String {
    let what = match asked.effect {
        Effect::Read => "This reads",
        Effect::Change => "This changes something",
        Effect::Destroy => "This destroys something, and nothing brings it back",
    };
    let items = if asked.items == 1 { "1 item".to_owned() } else { format!("{} items", asked.items) };
    let mut text = format!("{what}.\n  target  {}\n  call    {}\n  with    {items}", asked.target, asked.call);
    for item in &asked.first {
        text.push('\n');
        text.push_str(&cut(&format!("          {item}"), width));
    }
    let left = asked.items.saturating_sub(asked.first.len() as u64);
    if left > 0 && asked.first.len() == 5 {
        text.push_str(&format!("\n          … and {left} more"));
    }
    format!("{text}\n{question}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_names_target_call_and_the_first_items() {
        let asked = Asked {
            target: "seg-prod".into(),
            call: "ip_group_delta".into(),
            effect: Effect::Change,
            items: 7,
            first: (1..=5).map(|n| format!("add: ip_address_start 192.0.2.{n}, cidr 32")).collect(),
        };
        let text = render(&Question::Confirm(asked), 50);
        for wanted in ["target  seg-prod", "call    ip_group_delta", "7 items", "192.0.2.5", "… and 2 more", "Send it?"]
        {
            assert!(text.contains(wanted), "{wanted}\n{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 50), "{text}");
    }
}
