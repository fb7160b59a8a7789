//! The reputation service over real processes: its ledger, its schedules, and what a kill at the worst moment costs.

mod kills;
mod ledger;
mod locks;
mod schedules;
