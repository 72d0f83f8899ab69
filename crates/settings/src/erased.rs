//! Type-erased settings, for code that does not know the structure at compile time.

use crate::operations;
use crate::refusal::Refusal;
use crate::statement::{Info, Settings};
use serde_json::{Map, Value};
use std::any::Any;
use std::fmt;

/// Settings of any structure. Every [`Settings`] is one.
pub trait AnySettings: fmt::Debug + Send + Sync {
    /// [`crate::infos`].
    fn infos(&self) -> Vec<&'static Info>;
    /// [`crate::to_pairs`].
    fn pairs(&self) -> Vec<(&'static str, String)>;
    /// The text of a setting; none if there is no such setting.
    fn get(&self, name: &str) -> Option<String>;
    /// [`crate::set`].
    ///
    /// # Errors
    /// As there.
    fn set(&mut self, name: &str, text: &str) -> Result<(), Refusal>;
    /// [`crate::check`].
    ///
    /// # Errors
    /// As there.
    fn check(&self) -> Result<(), Refusal>;
    /// [`crate::options`].
    fn options(&self) -> Vec<String>;
    /// [`crate::to_keys`].
    fn keys(&self) -> Vec<(&'static str, Value)>;
    /// [`crate::key`].
    fn key(&self) -> String;
    /// [`crate::words`].
    fn words(&self) -> String;
    /// Every setting under its name.
    fn to_json(&self) -> Map<String, Value>;
    fn clone_box(&self) -> Box<dyn AnySettings>;
    /// For downcasting.
    fn as_any(&self) -> &dyn Any;
}

impl<S: Settings> AnySettings for S {
    fn infos(&self) -> Vec<&'static Info> {
        operations::infos::<S>()
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        operations::to_pairs(self)
    }

    fn get(&self, name: &str) -> Option<String> {
        operations::find::<S>(name).ok().map(|statement| statement.get(self))
    }

    fn set(&mut self, name: &str, text: &str) -> Result<(), Refusal> {
        operations::set(self, name, text)
    }

    fn check(&self) -> Result<(), Refusal> {
        operations::check(self)
    }

    fn options(&self) -> Vec<String> {
        operations::options(self)
    }

    fn keys(&self) -> Vec<(&'static str, Value)> {
        crate::json::to_keys(self)
    }

    fn key(&self) -> String {
        operations::key(self)
    }

    fn words(&self) -> String {
        operations::words(self)
    }

    fn to_json(&self) -> Map<String, Value> {
        let value = |one: &crate::Statement<S>| crate::json::value_of(&one.get(self), &one.info.domain);
        S::statements().iter().map(|one| (one.info.name.to_owned(), value(one))).collect()
    }

    fn clone_box(&self) -> Box<dyn AnySettings> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Clone for Box<dyn AnySettings> {
    fn clone(&self) -> Self {
        (**self).clone_box()
    }
}

/// The parsed settings, or the refusals.
type Read<R> = Result<Box<dyn AnySettings>, R>;
/// Parses names and texts.
type Reader = fn(&[(String, String)]) -> Read<Vec<Refusal>>;

/// The type-erased description of a settings structure, for registries: `Schema::of::<DenseSettings>()`.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    infos: fn() -> Vec<&'static Info>,
    axes: fn() -> Vec<&'static Info>,
    read: Reader,
    from_json: fn(Map<String, Value>) -> Read<Refusal>,
    axis_values: fn(&str, &str) -> Result<Vec<String>, Refusal>,
    usual: fn() -> Box<dyn AnySettings>,
    faults: fn() -> Vec<String>,
}

fn boxed<S: Settings>(settings: S) -> Box<dyn AnySettings> {
    Box::new(settings)
}

impl Schema {
    pub const fn of<S: Settings>() -> Self {
        Self {
            infos: operations::infos::<S>,
            axes: operations::axes::<S>,
            read: |pairs| operations::read::<S>(pairs).map(boxed),
            from_json: |object| crate::json::from_map::<S>(object).map(boxed),
            axis_values: operations::axis_values::<S>,
            usual: || boxed(S::default()),
            faults: operations::faults::<S>,
        }
    }

    /// [`crate::infos`].
    pub fn infos(&self) -> Vec<&'static Info> {
        (self.infos)()
    }

    /// [`crate::axes`].
    pub fn axes(&self) -> Vec<&'static Info> {
        (self.axes)()
    }

    /// [`crate::read`].
    ///
    /// # Errors
    /// As there.
    pub fn read(&self, pairs: &[(String, String)]) -> Result<Box<dyn AnySettings>, Vec<Refusal>> {
        (self.read)(pairs)
    }

    /// [`crate::from_map`].
    ///
    /// # Errors
    /// As there.
    pub fn from_json(&self, object: Map<String, Value>) -> Result<Box<dyn AnySettings>, Refusal> {
        (self.from_json)(object)
    }

    /// [`crate::axis_values`].
    ///
    /// # Errors
    /// As there.
    pub fn axis_values(&self, name: &str, text: &str) -> Result<Vec<String>, Refusal> {
        (self.axis_values)(name, text)
    }

    /// The defaults.
    pub fn usual(&self) -> Box<dyn AnySettings> {
        (self.usual)()
    }

    /// [`crate::faults`].
    pub fn faults(&self) -> Vec<String> {
        (self.faults)()
    }
}
