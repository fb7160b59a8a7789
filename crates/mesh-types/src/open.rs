//! Words of a closed list that a newer version may add to.
//!
//! While a rollout goes on, and after a rollback, an older version reads what a newer one wrote: in tables, in payloads of
//! Temporal, in answers of peers. A word that it does not know is kept as its text, so that it is carried on and shown, and
//! only who has to act on its meaning says that a newer version must.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt::Debug;

/// A list of words with a stable text each.
pub trait Word: Copy + Debug + Eq + 'static {
    /// The stable text.
    fn as_str(self) -> &'static str;

    /// The word of a stable text.
    fn parse(text: &str) -> Option<Self>;
}

/// A word of this version's list or of a newer one's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Open<T> {
    /// This version knows it.
    Known(T),
    /// The text of one that this version does not know.
    Newer(String),
}

impl<T: Word> Open<T> {
    /// The word of a stable text.
    pub fn of_text(text: &str) -> Self {
        T::parse(text).map_or_else(|| Self::Newer(text.to_owned()), Self::Known)
    }

    /// The stable text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(word) => word.as_str(),
            Self::Newer(text) => text,
        }
    }

    /// The word, if this version knows it.
    pub fn known(&self) -> Option<T> {
        match self {
            Self::Known(word) => Some(*word),
            Self::Newer(_) => None,
        }
    }
}

impl<T: Word> From<T> for Open<T> {
    fn from(word: T) -> Self {
        Self::Known(word)
    }
}

impl<T: Word> PartialEq<T> for Open<T> {
    fn eq(&self, other: &T) -> bool {
        self.known() == Some(*other)
    }
}

impl<T: Word> Serialize for Open<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, T: Word> Deserialize<'de> for Open<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of_text(&String::deserialize(deserializer)?))
    }
}

/// Makes an enum with `as_str` and `ALL` a [`Word`].
macro_rules! word {
    ($($name:ty),*) => {
        $(impl $crate::open::Word for $name {
            fn as_str(self) -> &'static str {
                <$name>::as_str(self)
            }

            fn parse(text: &str) -> Option<Self> {
                <$name>::ALL.iter().copied().find(|word| word.as_str() == text)
            }
        })*
    };
}
pub(crate) use word;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CheckName, EvidenceKind, Method};

    fn survives<T: Word + Serialize>(words: &[T]) {
        for word in words {
            let text = serde_json::to_string(word).expect("a word is JSON");
            let read: Open<T> = serde_json::from_str(&text).expect("a word is read");
            assert_eq!(
                read,
                Open::Known(*word),
                "the text of the word itself is that of the open one"
            );
            assert_eq!(serde_json::to_string(&read).expect("it is JSON"), text);
        }
        let newer: Open<T> = serde_json::from_str(r#""of_tomorrow""#).expect("it is read");
        assert_eq!((newer.as_str(), newer.known()), ("of_tomorrow", None));
        assert_eq!(serde_json::to_string(&newer).expect("it is JSON"), r#""of_tomorrow""#);
    }

    #[test]
    fn every_word_is_read_as_itself_and_any_other_is_kept() {
        survives(&CheckName::ALL);
        survives(&EvidenceKind::ALL);
        survives(&Method::ALL);
    }
}
