//! What a check finds, and the words for it.

use annotate_snippets::Level;

use crate::engine::diagnostic::{Diagnostic, Drawing, Place, Sources, span};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It works, and is hardly what was meant.
    Warning,
    /// It cannot work.
    Error,
}

impl Severity {
    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The sort of a finding. The words are stable: programs may look for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// The text is no script.
    Syntax,
    /// The header cannot be read.
    Header,
    /// There is no variable of that name.
    UndefinedVariable,
    /// An import, or the name before `::`, leads nowhere.
    UnknownModule,
    /// There is no function of that name.
    UnknownFunction,
    /// No function of that name takes these arguments.
    WrongArguments,
    /// A function of the host does not know the option.
    UnknownOption,
    /// The configuration has no target of that name.
    UnknownTarget,
    /// The configuration has no channel of that name.
    UnknownChannel,
    /// There is no vendor of that name.
    UnknownVendor,
    /// The target's vendor has no call of that name.
    UnknownCall,
    /// The target's version or product does not have the call.
    UnavailableCall,
    /// The call has no parameter of that name.
    UnknownParameter,
    /// A parameter that the call requires is not given.
    MissingParameter,
    /// A parameter does not take the value.
    WrongValue,
    /// A rule across the call's parameters is broken.
    BrokenRule,
    /// The header does not declare what the call does.
    UndeclaredEffect,
    /// There is no member of that name.
    UnknownMember,
    /// A value of this kind cannot stand there.
    WrongKind,
    /// What is written inside `parallel` is lost.
    LostWrite,
    /// It can never be reached.
    UnreachableCode,
    /// The variable is never read.
    UnusedVariable,
    /// The module is never used.
    UnusedImport,
    /// A trigger's playbook cannot be had.
    TriggerPlaybook,
    /// A trigger's parameters do not fit its playbook.
    TriggerParameter,
    /// A trigger can never go off as it is configured.
    DeadTrigger,
    /// A trigger adds a right that the playbook's header does not let it have.
    UselessRight,
    /// A watched folder is not there.
    MissingFolder,
    /// Certificates of a target cannot be read.
    UnusableCertificate,
    /// A secret cannot be had.
    UnresolvedSecret,
    /// A secret is too short to be masked by value.
    ShortSecret,
}

impl Code {
    /// Every code with its word.
    pub const ALL: [(Self, &'static str); 31] = [
        (Self::Syntax, "syntax"),
        (Self::Header, "header"),
        (Self::UndefinedVariable, "undefined-variable"),
        (Self::UnknownModule, "unknown-module"),
        (Self::UnknownFunction, "unknown-function"),
        (Self::WrongArguments, "wrong-arguments"),
        (Self::UnknownOption, "unknown-option"),
        (Self::UnknownTarget, "unknown-target"),
        (Self::UnknownChannel, "unknown-channel"),
        (Self::UnknownVendor, "unknown-vendor"),
        (Self::UnknownCall, "unknown-call"),
        (Self::UnavailableCall, "unavailable-call"),
        (Self::UnknownParameter, "unknown-parameter"),
        (Self::MissingParameter, "missing-parameter"),
        (Self::WrongValue, "wrong-value"),
        (Self::BrokenRule, "broken-rule"),
        (Self::UndeclaredEffect, "undeclared-effect"),
        (Self::UnknownMember, "unknown-member"),
        (Self::WrongKind, "wrong-kind"),
        (Self::LostWrite, "lost-write"),
        (Self::UnreachableCode, "unreachable-code"),
        (Self::UnusedVariable, "unused-variable"),
        (Self::UnusedImport, "unused-import"),
        (Self::TriggerPlaybook, "trigger-playbook"),
        (Self::TriggerParameter, "trigger-parameter"),
        (Self::DeadTrigger, "dead-trigger"),
        (Self::UselessRight, "useless-right"),
        (Self::MissingFolder, "missing-folder"),
        (Self::UnusableCertificate, "unusable-certificate"),
        (Self::UnresolvedSecret, "unresolved-secret"),
        (Self::ShortSecret, "short-secret"),
    ];

    /// The word.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(code, _)| *code == self).map_or("syntax", |(_, word)| word)
    }

    /// How bad it usually is.
    pub fn severity(self) -> Severity {
        match self {
            Self::UnreachableCode
            | Self::UnusedVariable
            | Self::UnusedImport
            | Self::UselessRight
            | Self::ShortSecret => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

/// Something that a check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Its sort.
    pub code: Code,
    /// What is wrong, in one or two sentences.
    pub message: String,
    /// Where it stands.
    pub place: Place,
    /// The nearest right name, if one is near enough.
    pub nearest: Option<String>,
    /// How what was called is written.
    pub signature: Option<String>,
    /// What may cure it.
    pub hint: Option<String>,
}

impl Finding {
    /// A finding of a code's usual severity.
    pub fn new(code: Code, place: Place, message: impl Into<String>) -> Self {
        Self {
            severity: code.severity(),
            code,
            message: message.into(),
            place,
            nearest: None,
            signature: None,
            hint: None,
        }
    }

    /// The same with the nearest right name.
    #[must_use]
    pub fn nearest(mut self, name: Option<impl Into<String>>) -> Self {
        self.nearest = name.map(Into::into);
        self
    }

    /// The same with how what was called is written.
    #[must_use]
    pub fn signature(mut self, signature: Option<impl Into<String>>) -> Self {
        self.signature = signature.map(Into::into);
        self
    }

    /// The same with a cure.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same as a warning.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// The character behind the end of what the finding is about.
    pub fn end_column(&self, sources: &Sources) -> usize {
        let length = sources.get(&self.place.file).and_then(|text| {
            let span = span(&text, &self.place)?;
            text.get(span).map(|word| word.chars().count())
        });
        self.place.column + length.unwrap_or(1)
    }

    /// The message with the nearest right name.
    pub fn sentence(&self) -> String {
        match &self.nearest {
            Some(name) if !self.message.contains("Did you mean") => {
                let stop = if self.message.ends_with(['.', '?']) { "" } else { "." };
                format!("{}{stop} Did you mean '{name}'?", self.message)
            }
            _ => self.message.clone(),
        }
    }

    /// The same as the mistake that keeps a script from running.
    pub fn diagnostic(&self) -> Diagnostic {
        Diagnostic {
            message: self.sentence(),
            place: Some(self.place.clone()),
            stack: Vec::new(),
            hints: self.hints(),
            fault: None,
        }
    }

    /// For a terminal: title, source line with a caret, cures.
    pub fn render(&self, sources: &Sources, colours: bool) -> String {
        let (message, hints) = (self.sentence(), self.hints());
        let drawing = Drawing {
            level: match self.severity {
                Severity::Error => Level::ERROR,
                Severity::Warning => Level::WARNING,
            },
            code: Some(self.code.name()),
            message: &message,
            place: Some(&self.place),
            notes: Vec::new(),
            hints: &hints,
        };
        drawing.draw(sources, colours, 100)
    }

    /// The cures, a line each.
    pub fn hints(&self) -> Vec<String> {
        let signature = self.signature.iter().map(|signature| format!("it is written {signature}"));
        signature.chain(self.hint.clone()).collect()
    }
}
