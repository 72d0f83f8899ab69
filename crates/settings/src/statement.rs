//! The declaration of one setting, and the traits of a structure of settings.

use crate::domain::Domain;
use crate::refusal::{Refusal, label, option};
use crate::stated::Stated;
use serde_json::{Map, Value};

/// How a setting counts when runs are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Runs that differ in it have different settings.
    Setting,
    /// Runs that differ only in it are seeds of one setting.
    Seed,
}

/// The declaration of a setting, without the structure it belongs to.
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
    /// Hidden in forms until unfolded.
    pub advanced: bool,
    /// Always shown in tables; other settings only where they differ from their defaults.
    pub headline: bool,
    /// The text of the default; empty where there is none and a value must be given.
    pub default: String,
    /// How the default depends on other settings (see [`Rules::settle`]): `an eighth of the epochs`.
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

    /// The default as help texts show it; none where a value must be given.
    pub fn default_told(&self) -> Option<&str> {
        self.computed.or((!self.default.is_empty()).then_some(&self.default))
    }

    /// `must be from 1 to 65,536 units`.
    pub(crate) fn must_be(&self) -> String {
        format!("must be {}{}", self.domain.describe(), self.counted())
    }

    /// The unit after a space.
    fn counted(&self) -> String {
        self.unit.map(|unit| format!(" {unit}")).unwrap_or_default()
    }

    /// Why a text is no value of this setting. Syntaxes are checked by their types, in [`Statement::set`].
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

/// Formats a setting's value as text.
type Get<S> = fn(&S, &Domain) -> String;
/// Parses a text into the setting; `false` if its type cannot parse it.
type Set<S> = fn(&mut S, &str, &Domain) -> bool;

/// The declaration of a setting of the structure `S`.
pub struct Statement<S> {
    pub info: Info,
    get: Get<S>,
    set: Set<S>,
}

impl<S: Default> Statement<S> {
    /// Called by [`settings!`](crate::settings) for each field.
    #[doc(hidden)]
    pub fn new(name: &'static str, help: &str, natural: Domain, stated: Stated, get: Get<S>, set: Set<S>) -> Self {
        let mut info = Info::new(name, help, natural, stated, String::new());
        info.default = get(&S::default(), &info.domain);
        Self { info, get, set }
    }
}

impl<S> Statement<S> {
    /// The text of the setting's value.
    pub fn get(&self, settings: &S) -> String {
        (self.get)(settings, &self.info.domain)
    }

    /// Sets the value from a text.
    ///
    /// # Errors
    /// A text that is no value of this setting; the setting then keeps its value.
    pub fn set(&self, settings: &mut S, text: &str) -> Result<(), Refusal> {
        match self.info.refusal(text) {
            Some(refusal) => Err(refusal),
            None => self.set_unchecked(settings, text),
        }
    }

    /// Sets the value without checking its range, so that values of earlier versions can always be read.
    pub(crate) fn set_unchecked(&self, settings: &mut S, text: &str) -> Result<(), Refusal> {
        if (self.set)(settings, text, &self.info.domain) { Ok(()) } else { Err(self.info.unreadable(text)) }
    }
}

/// What a structure of settings adds to its declarations. `impl Rules for Head {}` adds nothing.
pub trait Rules: Sized {
    /// JSON keys of earlier versions, for [`Rules::upgrade`].
    const EARLIER: &'static [&'static str] = &[];

    /// Refuses combinations of settings that are each accepted by themselves.
    ///
    /// # Errors
    /// The setting to change, with the other settings in braces.
    fn check_together(&self) -> Result<(), Refusal> {
        Ok(())
    }

    /// Computes defaults that depend on other settings, for the settings that are not `given`. Their declarations use
    /// [`Stated::computed`].
    fn settle(&mut self, given: &dyn Fn(&str) -> bool) {
        let _ = given;
    }

    /// Converts JSON of an earlier version to the present form, before it is parsed.
    fn upgrade(object: &mut Map<String, Value>) {
        let _ = object;
    }
}

/// A structure of settings, as [`settings!`](crate::settings) declares it.
pub trait Settings: Rules + Default + Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static {
    /// The structure's name in Rust.
    const NAME: &'static str;

    /// In the order of options, form fields and words.
    fn statements() -> &'static [Statement<Self>];

    /// The JSON keys, with those of earlier versions.
    fn known_keys() -> &'static [&'static str];
}
