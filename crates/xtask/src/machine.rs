//! Shows what the machine has and what is being put on it.

use mesh_testkit::tools::{self, Outcome, Purpose, Tool};

use crate::screen::WorkLine;

/// Sees to every tool that `purpose` needs, telling of each.
///
/// # Errors
/// When something required cannot be installed from here; the error says what to run.
pub fn prepare(purpose: Purpose) -> anyhow::Result<()> {
    let line = WorkLine::new("looking for tools");
    tools::ensure(purpose, &mut |tool: &Tool, outcome| match outcome {
        Outcome::Present(version) => line.print(format!("  have     {} ({version})", tool.name)),
        Outcome::Installing(command) => {
            line.print(format!("  install  {}: {}\n           {command}", tool.name, tool.why));
            line.say(format!("installing {}", tool.name));
        }
        Outcome::GoneOnWithout(reason) => {
            line.print(format!("  without  {}: {}\n           {reason}", tool.name, tool.why));
        }
    })
}
