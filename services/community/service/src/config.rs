//! What an operator can set.

use mesh_types::MemberId;
use url::Url;

/// The community service's own configuration.
#[derive(clap::Args)]
pub struct Config {
    /// Where the reputation service listens.
    #[arg(long, default_value = "https://127.0.0.1:7405")]
    pub reputation_url: Url,
    /// The seeds of trust: ids of members whom the platform knows to be real people of good faith, with commas between them.
    /// Trust flows from them along connections, so without any nobody passes the gate. Give every instance the same.
    #[arg(long, value_name = "MEMBER_IDS", default_value = "", value_parser = Seeds::parse)]
    pub trust_seeds: Seeds,
}

/// The seeds of trust.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seeds(pub Vec<MemberId>);

impl Seeds {
    fn parse(text: &str) -> Result<Self, String> {
        let ids = text.split(',').map(str::trim).filter(|id| !id.is_empty());
        let id = |id: &str| {
            let number = id.parse::<i64>().ok();
            let member_id = number.and_then(|number| MemberId::try_from(number).ok());
            member_id.ok_or_else(|| format!("{id:?} is no member's id, a whole number from 1"))
        };
        ids.map(id).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_ids_with_commas_between_them_and_none_is_fine() {
        let ids =
            |text: &str| Seeds::parse(text).map(|seeds| seeds.0.into_iter().map(MemberId::get).collect::<Vec<_>>());
        assert_eq!(ids(""), Ok(vec![]));
        assert_eq!(ids("7"), Ok(vec![7]));
        assert_eq!(ids(" 7, 8,"), Ok(vec![7, 8]));
        for bad in ["0", "-1", "x", "7;8", "7 8"] {
            assert!(ids(bad).is_err(), "{bad}");
        }
    }
}
