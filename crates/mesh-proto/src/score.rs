//! Scores from the business's own types, converted once for every service that answers with them.

use crate::reputation::v1 as proto;
use mesh_types::{Cap, Contribution, Level, NextStep, ScoreBreakdown};

impl From<Level> for proto::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::None => Self::None,
            Level::Bronze => Self::Bronze,
            Level::Silver => Self::Silver,
            Level::Gold => Self::Gold,
        }
    }
}

impl From<Contribution> for proto::Contribution {
    fn from(line: Contribution) -> Self {
        Self {
            method: line.method.as_str().to_owned(),
            kind: line.kind.as_str().to_owned(),
            evidence_id: line.evidence_id.to_string(),
            points: line.points,
            rule_version: i32::from(line.rule_version),
        }
    }
}

impl From<Cap> for proto::Cap {
    fn from(cap: Cap) -> Self {
        Self {
            method: cap.method.map(|method| method.as_str().to_owned()).unwrap_or_default(),
            points: cap.points,
        }
    }
}

impl From<ScoreBreakdown> for proto::ScoreBreakdown {
    fn from(breakdown: ScoreBreakdown) -> Self {
        Self {
            score: i32::from(breakdown.score.get()),
            level: proto::Level::from(breakdown.level()).into(),
            cap_adjustment: breakdown.cap_adjustment(),
            caps: breakdown.caps.into_iter().map(Into::into).collect(),
            contributions: breakdown.contributions.into_iter().map(Into::into).collect(),
            decay_adjustment: breakdown.decay_adjustment,
        }
    }
}

impl From<NextStep> for proto::NextStep {
    fn from(step: NextStep) -> Self {
        Self {
            method: step.method.as_str().to_owned(),
            points: step.points,
        }
    }
}
