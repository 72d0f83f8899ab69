//! The statement of a setting, and what a structure of settings is.

use crate::domain::Domain;
use crate::refusal::{Refusal, label, option};
use crate::stated::Stated;
use serde_json::{Map, Value};

/// What a setting is to the runs that have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Runs in which it differs have different settings.
    Setting,
    /// Runs in which only it differs are seeds of one setting.
    Seed,
}

/// All that is stated about a setting, without the structure it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Info {
    /// `learning_rate`: the key in JSON and study files.
    pub name: &'static str,
    /// One sentence without its full stop.
    pub help: String,
    pub domain: Domain,
    /// `epochs`, `pixels`; none for bare numbers and words.
    pub unit: Option<&'static str>,
    pub role: Role,
    /// Forms fold it away.
    pub advanced: bool,
    /// Tables always tell it; the others where they are not as usual.
    pub headline: bool,
    /// The text of the default; empty where there is none and a value must be given.
    pub default: String,
    /// How the default follows from other settings (see [`Rules::settle`]): `an eighth of the epochs`.
    pub computed: Option<&'static str>,
}

impl Info {
    pub(crate) fn new(name: &'static str, help: &str, natural: Domain, stated: Stated, default: String) -> Self {
        let help = help.trim().trim_end_matches('.').to_owned();
        let Stated { unit, role, advanced, headline, computed, .. } = stated;
        Self { name, help, domain: stated.domain(natural), unit, role, advanced, headline, default, computed }
    }

    /// `--learning-rate`.
    pub fn option(&self) -> String {
        option(self.name)
    }

    /// `learning rate`.
    pub fn label(&self) -> String {
        label(self.name)
    }

    /// The name of a value in help texts: the unit of whole numbers, else the domain's.
    pub fn hint(&self) -> String {
        let one = match &self.domain {
            Domain::Optional { of, .. } => of,
            other => other,
        };
        match (one, self.unit) {
            (Domain::Whole { .. }, Some(unit)) => unit.to_uppercase(),
            _ => self.domain.hint(),
        }
    }

    /// The default as help texts tell it; none where a value must be given.
    pub fn default_told(&self) -> Option<&str> {
        self.computed.or((!self.default.is_empty()).then_some(&self.default))
    }

    /// `must be from 1 to 65,536 units`.
    pub(crate) fn must_be(&self) -> String {
        format!("must be {}{}", self.domain.describe(), self.counted())
    }

    /// The unit behind a space.
    fn counted(&self) -> String {
        self.unit.map(|unit| format!(" {unit}")).unwrap_or_default()
    }

    /// Why a text is no value of this setting. Syntaxes are looked at by their types, in [`Statement::set`].
    pub(crate) fn refusal(&self, text: &str) -> Option<Refusal> {
        let objection = self.domain.objection(text, &self.counted())?;
        let refusal = Refusal::new(self.name, objection.predicate);
        Some(match objection.value {
            Some(value) => refusal.not(value),
            None => refusal,
        })
    }

    /// The refusal of a text that its type cannot read.
    pub(crate) fn unreadable(&self, text: &str) -> Refusal {
        Refusal::new(self.name, self.must_be()).not(text)
    }
}

/// Reads a setting's text.
type Get<S> = fn(&S, &Domain) -> String;
/// Sets it from a text; `false` if its type cannot read that.
type Set<S> = fn(&mut S, &str, &Domain) -> bool;

/// The statement of a setting of the structure `S`.
pub struct Statement<S> {
    pub info: Info,
    get: Get<S>,
    set: Set<S>,
}

impl<S: Default> Statement<S> {
    /// What [`settings!`](crate::settings) makes of a field.
    #[doc(hidden)]
    pub fn new(name: &'static str, help: &str, natural: Domain, stated: Stated, get: Get<S>, set: Set<S>) -> Self {
        let mut info = Info::new(name, help, natural, stated, String::new());
        info.default = get(&S::default(), &info.domain);
        Self { info, get, set }
    }
}

impl<S> Statement<S> {
    /// The text of the setting.
    pub fn get(&self, settings: &S) -> String {
        (self.get)(settings, &self.info.domain)
    }

    /// Sets it from a text.
    ///
    /// # Errors
    /// A text that is no value of this setting; it then stays as it is.
    pub fn set(&self, settings: &mut S, text: &str) -> Result<(), Refusal> {
        match self.info.refusal(text) {
            Some(refusal) => Err(refusal),
            None => self.set_unchecked(settings, text),
        }
    }

    /// Sets it from a text whose range is not looked at, so that what once was written can be read for ever.
    pub(crate) fn set_unchecked(&self, settings: &mut S, text: &str) -> Result<(), Refusal> {
        if (self.set)(settings, text, &self.info.domain) { Ok(()) } else { Err(self.info.unreadable(text)) }
    }
}

/// What a structure of settings says of itself besides its statements. `impl Rules for Head {}` says nothing.
pub trait Rules: Sized {
    /// Keys that only JSON of earlier versions has, for [`Rules::upgrade`].
    const EARLIER: &'static [&'static str] = &[];

    /// Refuses settings that are good alone and not together.
    ///
    /// # Errors
    /// The setting to change, with the others in braces.
    fn check_together(&self) -> Result<(), Refusal> {
        Ok(())
    }

    /// Computes defaults that depend on other settings, for those that are not `given`. Their statements say
    /// [`Stated::computed`].
    fn settle(&mut self, given: &dyn Fn(&str) -> bool) {
        let _ = given;
    }

    /// Brings JSON of an earlier version into the present form, before anything else looks at it.
    fn upgrade(object: &mut Map<String, Value>) {
        let _ = object;
    }
}

/// A structure of settings, as [`settings!`](crate::settings) declares it.
pub trait Settings: Rules + Default + Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static {
    /// The structure's name in Rust.
    const NAME: &'static str;

    /// In the order in which options, fields and words come.
    fn statements() -> &'static [Statement<Self>];

    /// The keys in JSON, with those of earlier versions.
    fn known_keys() -> &'static [&'static str];
}
