//! The macros that declare settings and the types of their values.

/// Declares a structure of settings: `/// One sentence of help.` and `name: Type = default, domain;` for each setting,
/// with the functions of [`stated`](crate::stated). Derives `Debug`, `Clone` and `PartialEq`, and implements `Default`,
/// [`Settings`](crate::Settings) and serde's traits; [`Rules`](crate::Rules) is implemented by hand.
#[macro_export]
macro_rules! settings {
    (
        $(#[$meta:meta])*
        $vis:vis struct $Name:ident {
            $( $(#[doc = $help:literal])+ $field:ident : $type:ty = $default:expr, $stated:expr; )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        $vis struct $Name {
            $( $(#[doc = $help])+ pub $field: $type, )+
        }

        impl Default for $Name {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        impl $crate::Settings for $Name {
            const NAME: &'static str = stringify!($Name);

            fn statements() -> &'static [$crate::Statement<Self>] {
                static ALL: std::sync::LazyLock<Vec<$crate::Statement<$Name>>> = std::sync::LazyLock::new(|| {
                    #[allow(unused_imports)]
                    use $crate::stated::*;
                    vec![$(
                        $crate::Statement::new(
                            stringify!($field),
                            concat!($($help),+),
                            <$type as $crate::SettingValue>::domain(),
                            $stated,
                            |settings: &$Name, domain| $crate::SettingValue::text(&settings.$field, domain),
                            |settings: &mut $Name, text, domain| {
                                match <$type as $crate::SettingValue>::parse(text, domain) {
                                    Some(value) => {
                                        settings.$field = value;
                                        true
                                    }
                                    None => false,
                                }
                            },
                        )
                    ),+]
                });
                &ALL
            }

            fn known_keys() -> &'static [&'static str] {
                static KEYS: std::sync::LazyLock<Vec<&'static str>> = std::sync::LazyLock::new(|| {
                    [$(stringify!($field)),+].into_iter().chain(<$Name as $crate::Rules>::EARLIER.iter().copied()).collect()
                });
                &KEYS
            }
        }

        impl $crate::private::serde::Serialize for $Name {
            fn serialize<Z: $crate::private::serde::Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
                $crate::private::serialize(self, serializer)
            }
        }

        impl<'de> $crate::private::serde::Deserialize<'de> for $Name {
            fn deserialize<D: $crate::private::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::private::deserialize(deserializer)
            }
        }
    };
}

/// Declares an enumeration whose values have names, as `Adam = "adam"`. It can be the type of a setting, and serde
/// reads and writes the names.
#[macro_export]
macro_rules! choices {
    (
        $(#[$meta:meta])*
        $vis:vis enum $Name:ident { $( $(#[$variant_meta:meta])* $variant:ident = $name:literal ),+ $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $Name { $( $(#[$variant_meta])* $variant, )+ }

        #[allow(dead_code, reason = "each test uses a part of it")]
        impl $Name {
            /// All values, in the order of help texts.
            pub const ALL: [Self; [$( $name ),+].len()] = [$( Self::$variant ),+];

            /// The name in files and on the command line.
            pub fn name(self) -> &'static str {
                match self { $( Self::$variant => $name, )+ }
            }
        }

        impl $crate::Choice for $Name {
            const ALL: &'static [Self] = &Self::ALL;

            fn name(self) -> &'static str {
                Self::name(self)
            }
        }

        $crate::choice_value!($Name);

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $Name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                $crate::private::choice_named(text).ok_or_else(|| {
                    format!("'{text}' must be {}", <Self as $crate::SettingValue>::domain().describe())
                })
            }
        }

        impl $crate::private::serde::Serialize for $Name {
            fn serialize<Z: $crate::private::serde::Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> $crate::private::serde::Deserialize<'de> for $Name {
            fn deserialize<D: $crate::private::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as $crate::private::serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err($crate::private::serde::de::Error::custom)
            }
        }
    };
}

/// Makes a type that implements [`Choice`](crate::Choice) the type of a setting.
#[macro_export]
macro_rules! choice_value {
    ($Type:ty) => {
        impl $crate::SettingValue for $Type {
            fn domain() -> $crate::Domain {
                $crate::private::choice_domain::<Self>()
            }

            fn parse(text: &str, _: &$crate::Domain) -> Option<Self> {
                $crate::private::choice_named(text)
            }

            fn text(&self, _: &$crate::Domain) -> String {
                $crate::Choice::name(*self).to_owned()
            }
        }
    };
}

/// Makes a type with a syntax of its own (`FromStr` and `Display`) the type of a setting: the pattern for help texts,
/// the text after "must be", and some accepted values.
#[macro_export]
macro_rules! text_value {
    ($Type:ty, $pattern:literal, $told:expr, $examples:expr) => {
        impl $crate::SettingValue for $Type {
            fn domain() -> $crate::Domain {
                $crate::Domain::Syntax { pattern: $pattern, told: $told, examples: &$examples }
            }

            fn parse(text: &str, _: &$crate::Domain) -> Option<Self> {
                text.trim().parse().ok()
            }

            fn text(&self, _: &$crate::Domain) -> String {
                self.to_string()
            }
        }
    };
}
